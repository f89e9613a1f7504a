/**
 * Every planted bug that was found is found again by the plan that is kept of it, and the code without the bug holds
 * under the same plan.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { describe as wordsOf, held, Verdict } from "../../src/testing/cluster/Verdict.ts"
import { leaks } from "./Leaks.ts"
import { mutants } from "./Mutants.ts"
import { brokenBy, isFor, read, runFor, simulationFor, stored } from "./Stored.ts"
import { turns } from "./Turns.ts"

const Replayed = Schema.Struct({ seed: Schema.Int, verdict: Verdict })
const decode = Schema.decodeUnknownPromise(Schema.fromJsonString(Replayed))

describe("planted bugs", () => {
  const names = stored()
  // What leaks into its process must leak into no other run.
  const lonely = leaks.map(({ name }) => name).filter((name) => names.includes(name))
  const replay = turns("replay.ts", names, lonely)

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
      const found = await decode(await replay(mutant.name))
      assert.strictEqual(brokenBy(found.verdict), property, wordsOf(found.verdict))
      const clean = await runFor(mutant, simulationFor(mutant), found.seed, plan)
      assert.deepStrictEqual(clean.verdict, held)
    })
  }
})
