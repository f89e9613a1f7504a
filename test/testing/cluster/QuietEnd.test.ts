import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Simulation from "../../../src/testing/campaign/Simulation.ts"
import * as Scenario from "../../../src/testing/cluster/Scenario.ts"
import { planWith } from "./Watched.ts"

const plan = { ...planWith(), nodes: 2, duration: 1_000 }
const quiet = plan.duration * 1_000

const run = (...properties: ReadonlyArray<Scenario.Property<never>>) =>
  Simulation.make(Scenario.make({ name: "ends", protocols: [], properties })).run(1, plan)

/** Only the stop of all nodes brings any down. */
const isDown = ({ nodes }: Scenario.View): boolean => nodes.some(({ life, state }) => life > 0 && state === "dead")

const fails = (when: (view: Scenario.View) => boolean) =>
  Scenario.always("a check works", (view) => {
    if (when(view)) throw new Error("the check is broken")
    return undefined
  })

describe("the quiet end of a run", () => {
  it("says who never answered what was asked", async () => {
    const { verdict } = await run(
      Scenario.eventually("the first arrives", () => Effect.succeed(undefined)),
      Scenario.eventually("the second arrives", ({ name }) => (name === "b" ? Effect.never : Effect.succeed(undefined)))
    )
    assert.deepStrictEqual(verdict, { _tag: "Stuck", property: "the second arrives", detail: "b has not answered" })
  })

  it("says what was wrong in the last round", async () => {
    const { verdict } = await run(Scenario.eventually("somebody comes", () => Effect.succeed("nobody came")))
    assert.deepStrictEqual(verdict, { _tag: "Stuck", property: "somebody comes", detail: "a: nobody came" })
  })

  it("is broken by a check that breaks, whatever was still missing", async () => {
    const nobody = Scenario.eventually("somebody comes", () => Effect.succeed("nobody came"))
    const { verdict } = await run(
      nobody,
      fails(({ now }) => now > quiet + 3_000_000)
    )
    assert.strictEqual(verdict._tag, "Broken")
  })
})

describe("the stop of all nodes", () => {
  it("is broken by a check that breaks", async () => {
    assert.strictEqual((await run(fails(isDown))).verdict._tag, "Broken")
    const everybody = ({ nodes }: Scenario.View) => nodes.every(({ life, state }) => life > 0 && state === "dead")
    assert.strictEqual((await run(fails(everybody))).verdict._tag, "Broken")
  })

  it("is judged, and is nothing that was worth seeing: it is so in every run", async () => {
    const { sometimes, verdict } = await run(
      Scenario.sometimes("a node is down", isDown),
      Scenario.sometimes("a node lives", ({ nodes }) => nodes.some(({ life }) => life > 0))
    )
    assert.deepStrictEqual([verdict._tag, sometimes], ["Held", { "a node is down": 0, "a node lives": 1 }])
    const judged = await run(Scenario.always("nobody stops", (view) => (isDown(view) ? "somebody has" : undefined)))
    assert.deepStrictEqual(judged.verdict, { _tag: "Unsafe", property: "nobody stops", detail: "somebody has" })
  })
})
