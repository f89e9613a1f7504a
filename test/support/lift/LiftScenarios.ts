/**
 * Situations of a lift that are small enough to be visited whole, larger ones that take long, and some that are only walked through.
 */
import type { Space } from "../explorer/Explorer.ts"
import type { Shape } from "./LiftLab.ts"
import { LiftModel, type Machine } from "./LiftModel.ts"
import { type Bounds, liftSpace, type World } from "./LiftSpace.ts"

export interface Scenario {
  readonly name: string
  readonly shape: Shape
  readonly bounds: Bounds
}

const ways = {
  two: { way: ["A", "B"], referees: ["R"] },
  three: { way: ["A", "B", "C"], referees: ["R"] },
  circle: { way: ["A", "B", "C", "A"], referees: ["R"] },
  again: { way: ["A", "B", "A", "C"], referees: ["R"] },
  judges: { way: ["A", "B"], referees: ["R", "S", "T"] },
  all: { way: ["A", "B", "C"], referees: ["R", "S", "T"] }
} as const

const calm: Bounds = { rounds: 1, asking: [], expiring: [], refusing: [], mayAbort: false }

const scenario = (name: string, way: keyof typeof ways, bounds: Partial<Bounds>): Scenario => ({
  name,
  shape: ways[way],
  bounds: { ...calm, ...bounds }
})

/** Visited whole by the tests. */
export const situations: ReadonlyArray<Scenario> = [
  scenario("two nodes, either may ask, refuse or abort", "two", {
    asking: [0, 1],
    expiring: [0, 1, 2],
    refusing: [1],
    mayAbort: true
  }),
  scenario("three nodes, any may ask", "three", { asking: [0, 1, 2], expiring: [0, 1, 2, 3] }),
  scenario("three nodes, two may refuse, nobody asks by himself", "three", {
    expiring: [0, 1, 2, 3],
    refusing: [1, 2]
  }),
  scenario("three nodes, the first may abort, the next refuse, two ask", "three", {
    asking: [0, 2],
    expiring: [0, 1, 2, 3],
    refusing: [1],
    mayAbort: true
  }),
  scenario("a circle of three nodes, the first asks, the last may refuse", "circle", {
    asking: [0],
    expiring: [0, 1, 2, 3],
    refusing: [2]
  }),
  scenario("a way that comes back to the first node, which asks, and the last may refuse", "again", {
    asking: [0],
    expiring: [0, 1, 2, 3],
    refusing: [2]
  }),
  scenario("two nodes and three referees, nobody asks", "judges", { expiring: [0, 1, 2] })
]

/** Visited whole, or as far as there is time, by the soak. */
export const large: ReadonlyArray<Scenario> = [
  scenario("three nodes, two may refuse, two ask", "three", {
    asking: [0, 1],
    expiring: [0, 1, 2, 3],
    refusing: [1, 2]
  }),
  scenario("three nodes, all ask, refuse or abort", "three", {
    asking: [0, 1, 2],
    expiring: [0, 1, 2, 3],
    refusing: [1, 2],
    mayAbort: true
  }),
  scenario("three nodes, two ask twice", "three", { rounds: 2, asking: [0, 1], expiring: [0, 1, 2, 3] }),
  scenario("a circle, two ask", "circle", { asking: [0, 1], expiring: [0, 1, 2, 3], refusing: [2] }),
  scenario("two nodes and three referees, the first node aborts", "judges", { mayAbort: true }),
  scenario("two nodes and three referees, one asks", "judges", { asking: [0], expiring: [0, 2, 3, 4] })
]

/** Everything at once, for walks. */
export const together: ReadonlyArray<Scenario> = [
  scenario("two nodes and three referees, with everything", "judges", {
    rounds: 2,
    asking: [0, 1],
    expiring: [0, 1, 2, 3, 4],
    refusing: [1],
    mayAbort: true
  }),
  scenario("three nodes and three referees, with everything", "all", {
    rounds: 2,
    asking: [0, 1, 2],
    expiring: [0, 1, 2, 3, 4, 5],
    refusing: [1, 2],
    mayAbort: true
  })
]

export const situation = (name: string): Scenario => {
  const found = [...situations, ...large, ...together].find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no situation "${name}"`)
  return found
}

/** A situation with these rules, to be explored. */
export const spaceOf = ({ bounds, name, shape }: Scenario, machine?: Machine): Space<World> =>
  liftSpace(name, new LiftModel(shape, machine), bounds)
