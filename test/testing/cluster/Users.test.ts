import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Simulation from "../../../src/testing/campaign/Simulation.ts"
import * as Scenario from "../../../src/testing/cluster/Scenario.ts"
import { held } from "../../../src/testing/cluster/Verdict.ts"
import type { FaultPlan } from "../../../src/testing/faults/FaultPlan.ts"
import { calm } from "../../../src/testing/network/NetModel.ts"
import { fifo } from "../../../src/testing/world/Schedule.ts"

class Tired extends Schema.TaggedError<Tired>()("Tired", {}) {}

const plan: FaultPlan = {
  version: 1,
  nodes: 2,
  duration: 1_000,
  schedule: fifo,
  network: calm,
  operations: 0,
  database: "memory",
  faults: []
}

const simulate = (users: NonNullable<Scenario.Scenario<never>["users"]>) =>
  Simulation.make(Scenario.make({ name: "users", protocols: [], users })).run(1, plan)

describe("users", () => {
  it("who die of a defect fail the run", async () => {
    const { verdict } = await simulate(({ name }) =>
      name === "b" ? Effect.die(new Error("no such key")) : Effect.void
    )
    assert.strictEqual(verdict._tag, "Unsafe")
    assert.include("detail" in verdict ? verdict.detail : "", "the users of b: Error: no such key")
  })

  it("who throw before they begin fail the run", async () => {
    const { verdict } = await simulate(() => {
      throw new Error("no such key")
    })
    assert.strictEqual(verdict._tag, "Unsafe")
    assert.include("detail" in verdict ? verdict.detail : "", "no such key")
  })

  it("who give up by a failure of theirs are counted", async () => {
    const { figures, verdict } = await simulate(() => Effect.fail(new Tired()))
    assert.deepStrictEqual(verdict, held)
    assert.strictEqual(figures["users who failed"], 2)
  })

  it("who stay until they are sent away have not failed", async () => {
    const { figures, verdict } = await simulate(() => Effect.never)
    assert.deepStrictEqual(verdict, held)
    assert.isUndefined(figures["users who failed"])
  })
})
