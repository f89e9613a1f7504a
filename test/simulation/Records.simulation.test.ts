/**
 * A protocol that keeps its state in records survives what nodes and databases survive, with equal tables in memory and in PGlite.
 */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { check } from "../../src/testing/campaign/Check.ts"
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import { held } from "../../src/testing/cluster/Verdict.ts"
import * as PgliteInstances from "../../src/testing/database/PgliteInstances.ts"
import type { Fault, FaultPlan } from "../../src/testing/faults/FaultPlan.ts"
import * as Swarm from "../../src/testing/faults/Swarm.ts"
import { scenario, type Tables } from "../support/tables/Albums.ts"
import { begin, pause } from "../support/tables/Talk.ts"

const [nodes, operations] = [2, 12]

const tablesOf = async (faults: FaultPlan["faults"], database: "memory" | "pglite") => {
  const duration = begin + pause * nodes * (operations + 1) + 5_000
  const plan = { ...Swarm.generate(1, "calm", { nodes, operations, duration, database }), faults }
  let tables: ReadonlyMap<string, Tables> = new Map()
  const simulation = Simulation.make(scenario((all) => void (tables = all)))
  const { figures, verdict } = await simulation.run(1, plan, { events: 100 })
  assert.deepStrictEqual(verdict, held)
  for (const { fault } of plan.faults) assert.isAbove(figures[`fault: ${fault._tag}`] ?? 0, 0, fault._tag)
  return new Map(tables)
}

/** Between two who give. */
const after = (turns: number): number => begin + pause * turns - 200
const at = (millis: number, fault: Fault) => ({ when: { at: millis }, fault })
const failing = (node: string, when: "before-commit" | "after-commit"): Fault => ({
  _tag: "FailingDatabase",
  node,
  when,
  share: 1,
  for: 400
})

const plans: Readonly<Record<string, FaultPlan["faults"]>> = {
  "nodes are killed": [
    at(after(8), { _tag: "Kill", node: "b", down: 2_000, end: "rst" }),
    at(after(15), { _tag: "Kill", node: "a", down: 2_000, end: "rst" })
  ],
  "commits fail": [
    at(after(9) + 100, failing("a", "after-commit")),
    at(after(16) + 100, failing("b", "before-commit"))
  ],
  "older backups are restored": [
    at(after(14), { _tag: "RestoreBackup", node: "b", takenAt: after(7), down: 1_000 }),
    at(after(20), { _tag: "RestoreBackup", node: "a", takenAt: after(11), down: 1_000 })
  ],
  "a node loses its disk": [at(after(15), { _tag: "Kill", node: "a", down: 1_000, end: "rst", wipe: true })]
}

describe("a protocol that keeps its state in records", { timeout: 600_000 }, () => {
  afterAll(PgliteInstances.closeIdle)

  for (const [name, faults] of Object.entries(plans)) {
    it(`has the same tables in memory and in PGlite when ${name}`, async () => {
      const memory = await tablesOf(faults, "memory")
      assert.deepStrictEqual(await tablesOf(faults, "pglite"), memory)
      assert.isTrue(
        [...memory.values()].every(({ albums, given, got }) => albums.length * given.length * got.length > 0)
      )
    })
  }

  it("keeps them whole, and loses nothing, whatever goes wrong", () =>
    check(scenario(), { seeds: 12, nodes: 3, duration: 20_000, operations: 10 }))
})
