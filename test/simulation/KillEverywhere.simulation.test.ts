/**
 * Strikes at the events of one exchange: a part of them, another one for every commit. All of them are
 * `node test/support/kill-everywhere/soak.ts`.
 */
import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { strikeAll, type VariantName, variantNames, victims } from "../support/kill-everywhere/KillEverywhere.ts"

/** A number that changes from commit to commit; the same one where there is no repository. */
const offset = ((): number => {
  try {
    return Number.parseInt(execFileSync("git", ["rev-parse", "--short=7", "HEAD"], { encoding: "utf8" }), 16)
  } catch {
    return 0
  }
})()

const every = (name: VariantName): number => (name === "a kill" ? 10 : 25)

describe("an exchange among three nodes", { timeout: 1_200_000 }, () => {
  for (const name of variantNames) {
    const step = every(name)
    const from = 1 + (offset % step)
    it(`loses and doubles nothing whichever event ${name} strikes, at any of the nodes: from ${from} on, every ${step}th`, async () => {
      const { effective, failures, last, runs } = await strikeAll(name, { every: step, from })
      assert.deepStrictEqual(failures, [])
      assert.isAtLeast(last, 500)
      assert.isAtLeast(runs, Math.floor(500 / step) * victims.length)
      // In the first milliseconds nobody lives yet, and a backup that is still to be taken cannot be put back.
      assert.isAbove(effective, runs / 2)
    })
  }
})
