/**
 * The ledger with users who change their minds: every second time they have sent something they take one of their last
 * messages back. What was "cancelled" never takes effect, what is "unknown" at most once, and what is behind it in its
 * subject goes on.
 *
 * Without restored databases, which bring back what was taken back: see `without` of `check`.
 */
import { Effect } from "effect"
import { RetryStore } from "../../services/delivery/RetryStore.ts"
import * as Scenario from "../cluster/Scenario.ts"
import { accounting } from "./Accounting.ts"
import { createTable, Ledger } from "./Ledger.ts"
import { LedgerProtocol } from "./LedgerProtocol.ts"
import { usersWith } from "./LedgerUsers.ts"
import { arrives, LedgerWatch } from "./LedgerWatch.ts"

/** In a million. */
const takesBack = 500_000

export const cancelling = Scenario.make({
  name: "cancelling",
  protocols: [LedgerProtocol.handled],
  services: Ledger.layer,
  tables: createTable,
  users: usersWith({ takesBack }),
  watch: (watching, plan) => new LedgerWatch(watching, plan),
  properties: [
    Scenario.eventually(arrives, () =>
      Effect.map(
        Effect.flatMap(RetryStore, (store) => store.debtors(1)),
        ([peer]) => (peer === undefined ? undefined : `something is still owed to ${peer.slice(0, 8)}`)
      )
    ),
    accounting
  ]
})
