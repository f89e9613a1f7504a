/**
 * Where nodes are reached that this one has to talk to and has never met: partners, issuers of tickets and referees, whose addresses
 * stand in certificates, invitations and plans.
 *
 * What is only said goes no further than that: an address that was configured or has once worked stays as it is.
 */
import { Effect } from "effect"
import { Endpoint } from "../../protocol/Address.ts"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import type { LiftPlan } from "../../protocol/credit/LiftPlan.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { type BookEntry, PeerBook } from "../link/PeerBook.ts"
import { Records } from "../Records.ts"
import * as Tables from "./CreditTables.ts"
import type { Place } from "./Users.ts"

/** Nobody's word is needed where the node is. */
const isKnown = ({ endpoint, lastConnectedAt, source }: BookEntry): boolean =>
  endpoint !== undefined && (source !== "advertised" || lastConnectedAt !== undefined)

const refereeOf = (plan: LiftPlan | undefined, node: NodeKey): Place | undefined =>
  plan?.referees.find(({ key }) => key === node)

/** As the plan says that a message brings, or that it is about. */
const ofPlan = Effect.fnUntraced(function* (node: NodeKey, message: CreditMessage) {
  if ("record" in message) return refereeOf(message.record.plan, node)
  if ("plan" in message && typeof message.plan === "object") return refereeOf(message.plan, node)
  if (!("lift" in message)) return undefined
  return refereeOf((yield* (yield* Records).get(Tables.lifts, [message.lift]))?.plan, node)
})

/** As somebody has said who has to know: the invitation, the plan, or the partner of a tally. */
export const placeOf = Effect.fnUntraced(function* (node: NodeKey, message: CreditMessage) {
  const records = yield* Records
  if (message._tag === "Ticket") return (yield* records.get(Tables.requests, [message.request]))?.issuer
  const planned = yield* ofPlan(node, message)
  if (planned !== undefined) return planned
  const [half] = yield* records.page(Tables.halves, "agent", { prefix: [node], limit: 1 })
  return half?.partner
})

/**
 * Notes where the node is that this message is for, unless that is known: in the transaction in which it is sent. Whether no further
 * message can tell more.
 */
export const introduce = Effect.fnUntraced(function* (node: NodeKey, message: CreditMessage) {
  const book = yield* PeerBook
  const entry = yield* book.find(node)
  if (entry !== undefined && isKnown(entry)) return true
  const place = yield* placeOf(node, message)
  if (place === undefined) return false
  const { endpoint } = entry ?? {}
  if (endpoint?.host === place.host && endpoint.port === place.port) return false
  yield* book.learn(node, new Endpoint({ host: place.host, port: place.port }), "advertised")
  return false
})
