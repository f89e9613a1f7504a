/**
 * What the operator of a node has decided about credit.
 */
import { Context } from "effect"
import { isWildcard } from "../../protocol/Address.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { LiftPlan } from "../../protocol/credit/LiftPlan.ts"
import * as LiftEvent from "../../protocol/credit/LiftEvent.ts"
import * as RouteState from "../../protocol/credit/RouteState.ts"

interface Place {
  readonly host: string
  readonly port: number
}

export interface Config extends LiftEvent.Rules {
  readonly routes: RouteState.Options
  /** How long a lift of this node's users may take, in milliseconds. */
  readonly liftLifeMillis: number
  /** Who decides on lifts of this node's users unless they say who: an odd number, 7 at the most; this node itself where there is none. */
  readonly referees: LiftPlan["referees"]
  /** On whose lifts this node decides where a plan names it: those that begin at these nodes, and always those of its own users. */
  readonly decidesFor: "everybody" | ReadonlySet<NodeKey>
  /** Where this node is reached, as certificates and plans say; what it tells its peers unless said: see `placeOf`. */
  readonly place?: Place | undefined
  /** Queries of one other node that are under way here at a time; more are refused as `busy`. */
  readonly mostQueries: number
  /** Tallies that one other node has begun here and nobody has opened; more are refused as `busy`. */
  readonly mostWaiting: number
  /**
   * Tallies that one other node has begun and that are void, with nothing signed by the user here: of more the oldest is forgotten. Less
   * than a thousand.
   */
  readonly mostVoid: number
  /** Tallies that users of one other node get by one reusable ticket; more are refused as `ticket-limit`. */
  readonly mostByTicket: number
  /** Undecided lifts that one other node has come with to this referee; more have to wait. */
  readonly mostPlans: number
  /** Lifts refused to one other node that are kept, at least until their plans have expired; more are refused as `busy`. Less than a thousand. */
  readonly mostRefused: number
  /** Invoices of the partner's that wait on one half; more are refused as `busy`. Less than a thousand. */
  readonly mostInvoices: number
  /** Chits that take no effect and are kept as evidence, for one half; of more only the events tell. */
  readonly mostEvidence: number
  readonly repair: Repairing
}

/** How often is said again what is owed to a node. All in milliseconds. */
export interface Repairing {
  /** About how long after something is owed, and the longest time in the end. */
  readonly baseMillis: number
  readonly capMillis: number
  /** Until it is looked whether both have the same, though nothing is owed. */
  readonly checkMillis: number
  /** Between parts of a round that is long. */
  readonly pageMillis: number
}

export const defaults: Config = {
  ...LiftEvent.defaults,
  routes: RouteState.defaults,
  liftLifeMillis: 120_000,
  referees: [],
  decidesFor: "everybody",
  mostQueries: 64,
  mostWaiting: 256,
  mostVoid: 256,
  mostByTicket: 256,
  mostPlans: 256,
  mostRefused: 256,
  mostInvoices: 256,
  mostEvidence: 256,
  repair: { baseMillis: 60_000, capMillis: 3_600_000, checkMillis: 86_400_000, pageMillis: 1_000 }
}

export const CreditConfig = Context.Reference<Config>("holdfast/services/credit/CreditConfig", {
  defaultValue: () => defaults
})

/**
 * Where this node is reached, for everybody to read; `address` is what it tells its peers. None where that is every address of the
 * machine: nobody else can dial it.
 */
export const placeOf = ({ place }: Pick<Config, "place">, address: Place | undefined): Place | undefined => {
  const said = place ?? address
  return said === undefined || isWildcard(said.host) ? undefined : { host: said.host, port: said.port }
}
