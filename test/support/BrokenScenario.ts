/**
 * Scenarios that do not hold, for tests of what comes after: no node may ever have a second life, nobody is ever there,
 * and a check that throws.
 */
import { Effect } from "effect"
import * as Scenario from "../../src/testing/cluster/Scenario.ts"

const once = Scenario.always("nobody lives twice", ({ nodes }) => {
  const again = nodes.find(({ life }) => life > 1)
  return again === undefined ? undefined : `${again.name} has life ${again.life}`
})

export default Scenario.make({ name: "one-life", protocols: [], properties: [once] })

export const stuck = Scenario.make({
  name: "stuck",
  protocols: [],
  properties: [Scenario.eventually("somebody comes", () => Effect.succeed("nobody came"))]
})

export const broken = Scenario.make({
  name: "broken",
  protocols: [],
  properties: [
    Scenario.always("a check works", () => {
      throw new Error("the check is broken")
    })
  ]
})

export const never = Scenario.make({
  name: "never",
  protocols: [],
  properties: [Scenario.sometimes("pigs fly", () => false), Scenario.sometimes("time passes", ({ now }) => now > 0)]
})

export const noScenario = { name: "nothing" }

export const leaking = Scenario.make({
  name: "leaking",
  protocols: [],
  users: () => Effect.sync(() => Math.random())
})
