/** Somewhere to report to, that remembers what it was told, and plans for those who judge by them. */
import type { Watching } from "../../../src/testing/cluster/Scenario.ts"
import type { Fault, FaultPlan } from "../../../src/testing/faults/FaultPlan.ts"
import { calm } from "../../../src/testing/network/NetModel.ts"
import { fifo } from "../../../src/testing/world/Schedule.ts"
import type { Transition } from "../../../src/services/link/Transition.ts"

export const watched = () => {
  const violations: Array<readonly [property: string, detail: string]> = []
  const watching: Watching = {
    view: { nodes: [], now: 0 },
    violated: (property, detail) => void violations.push([property, detail]),
    note: () => undefined,
    count: () => undefined
  }
  return { violations, watching }
}

/** Of three nodes and a calm network, with these faults in their order. */
export const planWith = (...faults: ReadonlyArray<Fault>): FaultPlan => ({
  version: 1,
  nodes: 3,
  duration: 60_000,
  schedule: fifo,
  network: calm,
  operations: 0,
  database: "memory",
  faults: faults.map((fault, at) => ({ when: { at }, fault }))
})

/** A session on connection 7 that has ended. */
export const endOf = (reason: NonNullable<Transition["reason"]>, more: Partial<Transition> = {}): Transition => ({
  at: 0,
  connection: 7,
  direction: "outbound",
  remote: "b:7000",
  from: "active",
  to: "closed",
  reason,
  detail: "in words",
  ...more
})
