/**
 * The scenario that holds Holdfast to its promise: every node sends to every other one, all kinds of messages, while
 * everything goes wrong that can.
 */
import { Effect } from "effect"
import * as Scenario from "../cluster/Scenario.ts"
import { createTable, Ledger } from "./Ledger.ts"
import { LedgerProtocol } from "./LedgerProtocol.ts"
import { users } from "./LedgerUsers.ts"
import { arrives, compare, LedgerWatch } from "./LedgerWatch.ts"

export const ledger = Scenario.make({
  name: "ledger",
  protocols: [LedgerProtocol.handled],
  services: Ledger.layer,
  tables: createTable,
  users,
  watch: (watching) => new LedgerWatch(watching),
  properties: [
    Scenario.together(
      arrives,
      ({ key }) =>
        Effect.map(
          Effect.flatMap(Ledger, (own) => own.account),
          (account) => ({ key, account })
        ),
      (answers) => compare(new Map([...answers.values()].map(({ account, key }) => [key, account])))
    )
  ]
})
