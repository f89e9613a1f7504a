/**
 * Every planted bug that was found is found again by the plan that is kept of it, and the code without the bug holds
 * under the same plan.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Semaphore } from "effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { describe as wordsOf, held, Verdict } from "../../src/testing/cluster/Verdict.ts"
import { mutants } from "./Mutants.ts"
import { brokenBy, isFor, read, runFor, simulationFor, stored } from "./Stored.ts"

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const run = promisify(execFile)
const Replayed = Schema.Struct({ seed: Schema.Int, verdict: Verdict })
const decode = Schema.decodeUnknownPromise(Schema.fromJsonString(Replayed))

/** What the stored plan shows in a process that has the bug. */
const replay = async (name: string): Promise<typeof Replayed.Type> => {
  const { stdout } = await run(process.execPath, ["--import", here("load.ts"), here("replay.ts")], {
    env: { ...process.env, MUTANT: name }
  })
  return decode(stdout)
}

/** A process is a core's work. */
const cores = Semaphore.makeUnsafe(2)

describe("planted bugs", () => {
  const names = stored()

  it("are found, twenty at least", () => {
    assert.isAtLeast(names.length, 20)
    for (const name of names)
      assert.include(
        mutants.map((mutant) => mutant.name),
        name
      )
  })

  for (const mutant of mutants.filter(({ name }) => names.includes(name))) {
    const { plan, property, shrinkMillis, verdict } = read(mutant.name)

    it(`${mutant.name} was shrunk to three faults and three nodes at the most, in a minute`, () => {
      assert.isTrue(isFor(mutant, property))
      assert.strictEqual(brokenBy(verdict), property)
      assert.isAtMost(plan.faults.length, 3)
      assert.isAtMost(plan.nodes, 3)
      assert.isAtMost(shrinkMillis, 60_000)
    })

    it.concurrent(`${mutant.name} is found by its plan, which finds nothing without it: ${property}`, async () => {
      const found = await Effect.runPromise(cores.withPermit(Effect.promise(() => replay(mutant.name))))
      assert.strictEqual(brokenBy(found.verdict), property, wordsOf(found.verdict))
      const clean = await runFor(mutant, simulationFor(mutant), found.seed, plan)
      assert.deepStrictEqual(clean.verdict, held)
    })
  }
})
