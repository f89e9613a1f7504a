import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtempDisposableSync, readdirSync } from "node:fs"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { carryOut, type Options, type Outcome, profilesOf, shares } from "./ManyProfiles.ts"

const broken = fileURLToPath(new URL("../BrokenScenario.ts", import.meta.url))

/** Runs them on one process; what came of it, what was said, and the files that were kept. */
const soaked = async (some: Pick<Options, "scenario" | "seeds" | "profiles">) => {
  using folder = mkdtempDisposableSync(path.join(tmpdir(), "holdfast-credit-seeds-"))
  const said: Array<string> = []
  const options = { from: 40, jobs: 1, stopAfter: 8, folder: folder.path, every: 600_000, ...some }
  const soak = carryOut({ ...options, say: (text) => void said.push(text) })
  const outcome: Outcome = await Effect.runPromise(Effect.provide(Effect.scoped(soak), NodeFileSystem.layer))
  return { outcome, said, kept: readdirSync(folder.path) }
}

describe("seeds under many profiles", () => {
  it("are as many as were asked for, none of them twice, and a profile without one is left out", () => {
    const words = (seeds: number) =>
      shares({ from: 7, profiles: ["calm", "swarm", "crash"], seeds }).map(
        ({ profile, seeds: { words } }) => `${profile} ${words}`
      )
    assert.deepStrictEqual(words(8), ["calm 7..10", "swarm 10..13", "crash 13..15"])
    assert.deepStrictEqual(words(2), ["calm 7", "swarm 8"])
  })

  it("have the profiles that are named, and no other one", () => {
    assert.deepStrictEqual(profilesOf("calm,all-faults"), ["calm", "all-faults"])
    assert.throws(() => profilesOf("calm,storm"), /"storm", give some of: calm, /)
  })

  it("are all run, and each profile is told of", { timeout: 240_000 }, async () => {
    const { kept, outcome, said } = await soaked({ scenario: `${broken}#never`, seeds: 3, profiles: ["calm", "swarm"] })
    assert.deepInclude(outcome, { runs: 3, failed: 0, distinctHashes: 3, exitCode: 0 })
    assert.deepStrictEqual(said, ["calm, seeds 40..42: 2 run, 0 failed", "swarm, seeds 42: 1 run, 0 failed"])
    assert.deepStrictEqual(kept, [])
  })

  it("that fail are told and kept, and the others are run all the same", { timeout: 240_000 }, async () => {
    const { kept, outcome, said } = await soaked({ scenario: `${broken}#broken`, seeds: 2, profiles: ["calm", "slow"] })
    assert.deepInclude(outcome, { runs: 2, failed: 2 })
    assert.notStrictEqual(outcome.exitCode, 0)
    assert.strictEqual(kept.length, 2)
    assert.match(said[0] ?? "", /^FAILED seed 40, calm: .*the check is broken/)
    assert.include(said, "slow, seeds 41: 1 run, 1 failed")
  })
})
