import { assert, describe, it } from "@effect/vitest"
import * as Simulation from "../../../src/testing/campaign/Simulation.ts"
import type { Fault } from "../../../src/testing/faults/FaultPlan.ts"
import { ledger } from "../../../src/testing/ledger/LedgerScenario.ts"
import { planWith } from "../cluster/Watched.ts"

/** What was seen in a run with these faults, half a second after each other. */
const seen = async (...faults: ReadonlyArray<Fault>): Promise<ReadonlyArray<string>> => {
  const plan = planWith(...faults)
  const entries = plan.faults.map(({ fault }, index) => ({ when: { at: 2_000 + 500 * index }, fault }))
  const result = await Simulation.make(ledger).run(1, { ...plan, duration: 5_000, faults: entries })
  assert.strictEqual(result.verdict._tag, "Held")
  return Object.entries(result.sometimes).flatMap(([name, times]) => (times > 0 ? [name] : []))
}

describe("what a campaign of the ledger must have seen", () => {
  it("is not there in every run: a calm one shows that everyone is connected and no more", async () => {
    assert.deepStrictEqual(await seen(), ["everyone is connected"])
  })

  it("comes of faults", async () => {
    assert.deepStrictEqual(await seen({ _tag: "Close", from: "a", how: "rst" }), [
      "everyone is connected",
      "somebody has lost all sessions"
    ])
    const kill: Fault = { _tag: "Kill", node: "a", down: 500, end: "rst" }
    const down = await seen(kill, { _tag: "Pause", node: "b", for: 100 })
    for (const name of ["a node is down", "a node lives again", "a node stands still"]) assert.include(down, name)
  })
})
