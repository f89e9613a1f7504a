/**
 * The database in memory, on which nearly all runs stand, keeps what PostgreSQL's does: under the same plan every table
 * of delivery holds the same rows at every node in the end.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import { held } from "../../src/testing/cluster/Verdict.ts"
import type { Fault, FaultPlan } from "../../src/testing/faults/FaultPlan.ts"
import * as Swarm from "../../src/testing/faults/Swarm.ts"
import { counted, type Tables } from "../support/tables/DeliveryTables.ts"
import { begin, pause, scenario } from "../support/tables/Talk.ts"

const [nodes, operations] = [3, 10]

const planOf = (seed: number, database: FaultPlan["database"], faults: FaultPlan["faults"]): FaultPlan => ({
  ...Swarm.generate(seed, "calm", {
    nodes,
    operations,
    duration: begin + pause * nodes * (operations + 1) + 5_000,
    database
  }),
  faults
})

const tablesOf = async (seed: number, plan: FaultPlan): Promise<Readonly<Record<string, Tables>>> => {
  let tables: ReadonlyMap<string, Tables> = new Map()
  const simulation = Simulation.make(scenario((all) => void (tables = new Map(all))))
  const { figures, verdict } = await simulation.run(seed, plan, { events: 100 })
  assert.deepStrictEqual(verdict, held)
  for (const { fault } of plan.faults) assert.isAbove(figures[`fault: ${fault._tag}`] ?? 0, 0, fault._tag)
  return counted(tables)
}

/** Between two who speak. */
const after = (turns: number): number => begin + pause * turns - 200

const at = (millis: number, fault: Fault): FaultPlan["faults"] => [{ when: { at: millis }, fault }]

const plans: Readonly<Record<string, FaultPlan["faults"]>> = {
  "nothing goes wrong": [],
  "a node is killed": at(after(8), { _tag: "Kill", node: "b", down: 2_000, end: "rst" }),
  "connections end": [...at(after(6), { _tag: "Close", how: "rst" }), ...at(after(20), { _tag: "Close", how: "fin" })],
  "commits fail, and nobody can tell whether they took place": at(after(9) + 100, {
    _tag: "FailingDatabase",
    node: "a",
    when: "after-commit",
    share: 1,
    for: 400
  }),
  "commits fail before they take place": at(after(10) + 100, {
    _tag: "FailingDatabase",
    node: "b",
    when: "before-commit",
    share: 1,
    for: 400
  }),
  "an older backup is restored": at(after(20), { _tag: "RestoreBackup", node: "a", takenAt: after(11), down: 1_000 }),
  "a node loses its disk": at(after(17), { _tag: "Kill", node: "c", down: 1_000, end: "rst", wipe: true })
}

describe("the tables of delivery", { timeout: 600_000 }, () => {
  for (const [seed, [name, faults]] of Object.entries(plans).entries()) {
    it(`are the same in memory and in PGlite when ${name}`, async () => {
      const memory = await tablesOf(seed, planOf(seed, "memory", faults))
      const pglite = await tablesOf(seed, planOf(seed, "pglite", faults))
      assert.deepStrictEqual(pglite, memory)
      for (const table of [
        "links",
        "arrivals",
        "outbox",
        "outcomes",
        "applied",
        "held",
        "parked",
        "events",
        "timers"
      ]) {
        const rows = Object.values(memory).reduce((sum, tables) => sum + tables[table]!.length, 0)
        assert.isAbove(rows, 0, `${table} is empty`)
      }
    })
  }
})
