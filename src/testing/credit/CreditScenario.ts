/**
 * The scenario that holds credit to its invariants: users of two to five nodes open tallies, pay each other, and lift value over several
 * tallies, while everything goes wrong that can.
 */
import * as CreditProtocol from "../../services/credit/CreditProtocol.ts"
import * as Tables from "../../services/credit/CreditTables.ts"
import { Records } from "../../services/Records.ts"
import { Effect } from "effect"
import * as Scenario from "../cluster/Scenario.ts"
import type { Watching } from "../cluster/Watching.ts"
import { castOf } from "./CreditCast.ts"
import * as CreditEnd from "./CreditEnd.ts"
import * as LiftScenario from "./LiftScenario.ts"
import { users } from "./CreditUsers.ts"
import { CreditWatch } from "./CreditWatch.ts"
import { Handover } from "./Handover.ts"
import { layer } from "./SimulatedCredit.ts"

/** What scenarios of credit have in common: all but their users, of whom it is said who they are. */
const around = (living: CreditEnd.Living) => ({
  protocols: [CreditProtocol.Credit.handled, Handover.handled],
  services: layer,
  tables: Effect.forEach(Tables.all, (table) => Records.migration(table)),
  watch: (watching: Watching) => new CreditWatch(watching),
  properties: [CreditEnd.property(living)]
})

export const credit = Scenario.make({ name: "credit", ...around((nodes) => castOf(nodes).members), users })

/** One lift over a line of nodes, and nothing else. */
export const oneLift = (deciding: LiftScenario.Deciding) =>
  Scenario.make({
    name: `lift decided by ${deciding}`,
    ...around((nodes) => LiftScenario.castOf(nodes, deciding).members),
    users: LiftScenario.users(deciding)
  })
