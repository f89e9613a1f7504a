/**
 * Scenarios that break the rules of a simulated world: one ends the process that it runs in, one throws before its runs
 * begin, and one remembers what was run before it.
 */
import { Effect } from "effect"
import * as Scenario from "../../src/testing/cluster/Scenario.ts"

export const quits = Scenario.make({
  name: "quits",
  protocols: [],
  users: () => Effect.sync(() => process.exit(7))
})

export const blind = Scenario.make({
  name: "blind",
  protocols: [],
  watch: () => {
    throw new Error("nobody watches")
  }
})

let runs = 0

export const remembers = Scenario.make({
  name: "remembers",
  protocols: [],
  // Holds in the first run of a process only.
  watch: ({ violated }) => {
    const run = ++runs
    return { committed: () => (run === 1 ? undefined : violated("runs are alike", "this is not the first one")) }
  }
})

export const crowded = Scenario.make({
  name: "crowded",
  protocols: [],
  // Fails with two nodes, and with one after any other run of its process.
  watch: ({ view, violated }) => {
    const run = ++runs
    return { committed: () => (run === 1 && view.nodes.length < 2 ? undefined : violated("nobody is there", "")) }
  }
})

/** Not made with `Scenario.make`. */
export const bare = { name: "bare", protocols: [] }
