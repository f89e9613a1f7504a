/**
 * What the nodes of a ledger say of themselves at the end of a run, each asked through its own services, whatever its
 * database is: nothing that was sent is lost, and nothing has taken effect that was not sent.
 */
import { Effect } from "effect"
import * as Scenario from "../cluster/Scenario.ts"
import { Ledger } from "./Ledger.ts"
import { arrives, compare } from "./LedgerWatch.ts"

/** The accounts of all nodes, compared with each other. */
export const accounting = Scenario.together(
  arrives,
  ({ key, name }) =>
    Effect.map(
      Effect.flatMap(Ledger, (own) => own.account),
      (account) => [key, { ...account, name }] as const
    ),
  (answers) => compare(new Map(answers.values()))
)
