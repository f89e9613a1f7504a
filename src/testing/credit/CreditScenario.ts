/**
 * The scenario that holds credit to its invariants: users of two to five nodes open tallies, pay each other, and lift value over several
 * tallies, while everything goes wrong that can.
 */
import * as CreditProtocol from "../../services/credit/CreditProtocol.ts"
import * as Tables from "../../services/credit/CreditTables.ts"
import { Records } from "../../services/Records.ts"
import { Effect } from "effect"
import * as Scenario from "../cluster/Scenario.ts"
import * as CreditEnd from "./CreditEnd.ts"
import { users } from "./CreditUsers.ts"
import { CreditWatch } from "./CreditWatch.ts"
import { Handover } from "./Handover.ts"
import { layer } from "./SimulatedCredit.ts"

export const credit = Scenario.make({
  name: "credit",
  protocols: [CreditProtocol.Credit.handled, Handover.handled],
  services: layer,
  tables: Effect.forEach(Tables.all, (table) => Records.migration(table)),
  users,
  watch: (watching) => new CreditWatch(watching),
  properties: [CreditEnd.property]
})
