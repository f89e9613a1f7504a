/**
 * Queries for ways at this node, one state for each user and query. Nothing of them is of any worth for long.
 */
import { Clock, Effect } from "effect"
import { unfit } from "../../protocol/credit/Action.ts"
import type { Cuid, Person } from "../../protocol/credit/Chad.ts"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import type * as Message from "../../protocol/credit/CreditMessage.ts"
import type { QueryId } from "../../protocol/credit/Route.ts"
import type { RouteEvent, RouteStep } from "../../protocol/credit/RouteEvent.ts"
import * as RouteMachine from "../../protocol/credit/RouteMachine.ts"
import type { RouteState } from "../../protocol/credit/RouteState.ts"
import { other, type Side } from "../../protocol/credit/TallyDocument.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Identity } from "../link/Identity.ts"
import { Records } from "../Records.ts"
import { acting, type Answer, nothing, refusing, untold } from "./Answer.ts"
import { CreditConfig } from "./CreditConfig.ts"
import * as Tables from "./CreditTables.ts"
import * as Halves from "./Halves.ts"
import { busy, isAsking } from "./Quotas.ts"

export type Routed = typeof Message.Query.Type | typeof Message.Found.Type | typeof Message.None.Type

/** Whether a message is this desk's. */
export const isMessage = (message: CreditMessage): message is Routed =>
  message._tag === "Query" || message._tag === "Found" || message._tag === "None"

/** Halves of a user that are looked at for a way on. */
const mostHalves = 256

/** The side of the half that a message is for. */
const sideOf = (message: Routed): Side | undefined => {
  if (message._tag === "Found") return message.way.legs[0]?.by
  return message._tag === "Query" ? other(message.by) : message.by
}

const halvesOf = Effect.fnUntraced(function* (holder: Cuid) {
  return yield* (yield* Records).page(Tables.halves, "key", { prefix: [holder], limit: mostHalves })
})

const self = Effect.fnUntraced(function* (cuid: Cuid) {
  const { key: agent } = yield* Identity
  const person: Person = { cuid, agent }
  return person
})

const wakeId = (holder: Cuid, query: QueryId): string => `${holder} ${query}`

const take = Effect.fnUntraced(function* (holder: Cuid, query: QueryId, result: RouteStep) {
  if (result._tag === "Unfit") return refusing(result)
  const records = yield* Records
  const { actions, state } = result
  if (state === undefined) yield* records.remove(Tables.routes, [holder, query])
  else yield* records.put(Tables.routes, state)
  const answer: Answer = {
    ...acting(actions),
    wakes: [{ what: "route", id: wakeId(holder, query), at: state?.wakeAt }],
    changed: state?.lift === undefined ? [] : [state.lift]
  }
  return answer
})

const step = Effect.fnUntraced(function* (holder: Cuid, query: QueryId, event: RouteEvent) {
  const records = yield* Records
  yield* records.claim(`credit route ${wakeId(holder, query)}`)
  const state: RouteState | undefined = yield* records.get(Tables.routes, [holder, query])
  const { routes } = yield* CreditConfig
  return yield* take(holder, query, RouteMachine.step(state, event, routes))
})

/** A query that is new here, of a node that has enough of them. */
const isTooMuch = Effect.fnUntraced(function* (holder: Cuid, query: QueryId, from: NodeKey) {
  const known = yield* (yield* Records).get(Tables.routes, [holder, query])
  return known === undefined && (yield* isAsking(from))
})

/** What another node says of a query. */
export const hear = Effect.fnUntraced(function* (message: Routed, from: NodeKey) {
  const side = sideOf(message)
  const half = side && (yield* Halves.addressed(message.tally, side, from))
  if (half === undefined) return refusing(unfit("stale", "unknown-tally", "there is no such tally here"))
  const { holder } = half
  if (message._tag === "Query" && (yield* isTooMuch(holder, message.query, from))) return busy
  const common = { self: yield* self(holder), now: yield* Clock.currentTimeMillis, from, half }
  const event: RouteEvent =
    message._tag === "Query"
      ? { ...common, _tag: "Query", message, halves: yield* halvesOf(holder) }
      : message._tag === "Found"
        ? { ...common, _tag: "Found", message }
        : { ...common, _tag: "None", message }
  return yield* step(holder, message.query, event)
})

/** The reasons for which a query is refused that does not come in its time. */
const untimely: ReadonlySet<string> = new Set(["too-late", "too-long"])

/** The node that was asked has refused the query: there is no way over that tally, as if it had said so. */
export const refused = Effect.fnUntraced(function* (
  { by, expires, query, step: at, tally }: Extract<Routed, { readonly _tag: "Query" }>,
  reason: string,
  from: NodeKey
) {
  const half = yield* Halves.addressed(tally, by, from)
  if (half === undefined) return nothing
  const { holder } = half
  const common = { self: yield* self(holder), now: yield* Clock.currentTimeMillis, from, half }
  const message = { _tag: "None", query, tally, by, step: at, expires } as const
  const isUntimely = untimely.has(reason)
  return untold(yield* step(holder, query, { ...common, _tag: "None", message, isUntimely }))
})

/** A user looks for a way to somebody, or over their own tallies back to themselves. */
export const begin = Effect.fnUntraced(function* (
  holder: Cuid,
  wanted: Pick<Extract<RouteEvent, { readonly _tag: "Begin" }>, "lift" | "query" | "to" | "units">
) {
  const common = { self: yield* self(holder), now: yield* Clock.currentTimeMillis, halves: yield* halvesOf(holder) }
  return yield* step(holder, wanted.query, { ...common, ...wanted, _tag: "Begin" })
})

/** The time of a query's state has come. */
export const wake = Effect.fnUntraced(function* (holder: Cuid, query: QueryId) {
  const common = { self: yield* self(holder), now: yield* Clock.currentTimeMillis, halves: yield* halvesOf(holder) }
  return yield* step(holder, query, { ...common, _tag: "Look" })
})
