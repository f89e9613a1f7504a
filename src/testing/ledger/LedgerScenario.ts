/**
 * The scenario that holds Holdfast to its promise: every node sends to every other one, all kinds of messages, while
 * everything goes wrong that can.
 */
import * as Scenario from "../cluster/Scenario.ts"
import { accounting } from "./Accounting.ts"
import { createTable, Ledger } from "./Ledger.ts"
import { LedgerProtocol } from "./LedgerProtocol.ts"
import { users } from "./LedgerUsers.ts"
import { LedgerWatch } from "./LedgerWatch.ts"

/** Whether a node has had sessions in its present life, and has none: every node begins without. */
const isAlone = (registry: Scenario.NodeView["registry"]): boolean =>
  registry?.sessions().length === 0 && registry.recent().some(({ from }) => from === "active")

export const ledger = Scenario.make({
  name: "ledger",
  protocols: [LedgerProtocol.handled],
  services: Ledger.layer,
  tables: createTable,
  users,
  watch: (watching, plan) => new LedgerWatch(watching, plan),
  properties: [
    Scenario.sometimes("a node is down", ({ nodes }) => nodes.some(({ life, state }) => life > 0 && state === "dead")),
    Scenario.sometimes("a node stands still", ({ nodes }) => nodes.some(({ state }) => state === "paused")),
    Scenario.sometimes("a node lives again", ({ nodes }) => nodes.some(({ life }) => life > 1)),
    Scenario.sometimes("everyone is connected", ({ nodes }) =>
      nodes.every(({ registry }) => registry?.sessions().length === nodes.length - 1)
    ),
    Scenario.sometimes("somebody has lost all sessions", ({ nodes }) =>
      nodes.some(({ registry }) => isAlone(registry))
    ),
    accounting
  ]
})
