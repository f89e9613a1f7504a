/**
 * What the operator of a node has decided about credit.
 */
import { Context } from "effect"
import * as LiftEvent from "../../protocol/credit/LiftEvent.ts"
import * as RouteState from "../../protocol/credit/RouteState.ts"

export interface Config extends LiftEvent.Rules {
  readonly routes: RouteState.Options
  /** How long a lift of this node's users may take, in milliseconds. */
  readonly liftLifeMillis: number
  /** Queries of one tally that are under way at a time; more are answered that there is no way. */
  readonly mostQueries: number
}

export const defaults: Config = {
  ...LiftEvent.defaults,
  routes: RouteState.defaults,
  liftLifeMillis: 120_000,
  mostQueries: 64
}

export const CreditConfig = Context.Reference<Config>("holdfast/services/credit/CreditConfig", {
  defaultValue: () => defaults
})
