/**
 * Credit as a protocol: what nodes say to each other of tallies, chits, routes and lifts, over delivery, the feed, timers and records,
 * as any other author could have written it.
 */
import { Effect, Schema } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql/SqlError"
import type { Unfit } from "../../protocol/credit/Action.ts"
import { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import { Cuid } from "../../protocol/credit/Chad.ts"
import { LiftId } from "../../protocol/credit/LiftPlan.ts"
import { QueryId } from "../../protocol/credit/Route.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"
import { Delivery } from "../delivery/Delivery.ts"
import type { Feed } from "../delivery/Feed.ts"
import * as Protocol from "../delivery/Protocol.ts"
import { Timers } from "../delivery/Timers.ts"
import type { Identity } from "../link/Identity.ts"
import type { PeerBook } from "../link/PeerBook.ts"
import { maxPage } from "../RecordTable.ts"
import { Records } from "../Records.ts"
import { Transactions } from "../Transactions.ts"
import type { Answer, Wake, Work } from "./Answer.ts"
import * as Concerns from "./Concerns.ts"
import * as CreditAudit from "./CreditAudit.ts"
import { CreditMeter, type MessageOutcome } from "./CreditMeter.ts"
import * as CreditOutcomes from "./CreditOutcomes.ts"
import * as Tables from "./CreditTables.ts"
import * as Desks from "./Desks.ts"
import type { Keyring } from "./Keyring.ts"
import * as Gathered from "./Gathered.ts"
import * as LiftDesk from "./LiftDesk.ts"
import * as PaymentDesk from "./PaymentDesk.ts"
import * as Post from "./Post.ts"
import { busyReason } from "./Quotas.ts"
import * as Reach from "./Reach.ts"
import * as RefereeDesk from "./RefereeDesk.ts"
import * as RepairDesk from "./RepairDesk.ts"
import * as RouteDesk from "./RouteDesk.ts"
import * as TicketDesk from "./TicketDesk.ts"

/** What a message is about: those about one thing take effect in the order in which they were sent. */
const subjectOf = (message: CreditMessage): string => {
  if ("document" in message) return message.document.uuid
  if ("core" in message) return message.core.tally
  if ("record" in message) return message.record.plan.lift
  if ("lift" in message) return message.lift
  if ("plan" in message) return message.plan.lift
  if ("query" in message) return message.query
  return "tally" in message ? message.tally : message.request
}

/** What the protocol needs around it, and the commands of users as well. */
export type Services =
  | Records
  | Transactions
  | Identity
  | Feed
  | Delivery
  | Timers
  | SecureRandom.SecureRandom
  | PeerBook
  | Keyring

const Timer = Schema.Union([
  Schema.TaggedStruct("Lift", { lift: LiftId }),
  Schema.TaggedStruct("Route", { holder: Cuid, query: QueryId }),
  Schema.TaggedStruct("Payment", { lift: LiftId }),
  Schema.TaggedStruct("Repair", { peer: NodeKey })
])

const timerId = ({ id, what }: Pick<Wake, "id" | "what">): string => `credit ${what} ${id}`

const payloadOf = ({ id, what }: Wake): typeof Timer.Type => {
  if (what === "lift") return { _tag: "Lift", lift: LiftId.make(id) }
  if (what === "repair") return { _tag: "Repair", peer: NodeKey.make(id) }
  if (what === "payment") return { _tag: "Payment", lift: LiftId.make(id) }
  const [holder = "", query = ""] = id.split(" ")
  return { _tag: "Route", holder: Cuid.make(holder), query: QueryId.make(query) }
}

const wake = Effect.fnUntraced(function* (one: Wake): Effect.fn.Return<void, SqlError, Timers> {
  const timers = yield* Timers
  const id = timerId(one)
  if (one.at === undefined) return void (yield* timers.cancel(id))
  yield* Effect.catchTag(
    timers.set({ id, protocol: Credit, at: one.at, payload: payloadOf(one) }),
    "TimerInvalid",
    Effect.die
  )
})

/** Sends, with a note of where the node is unless that is known already. */
const sender = (): ((
  to: NodeKey,
  message: CreditMessage
) => Effect.Effect<void, SqlError, Delivery | PeerBook | Records>) => {
  const known = new Set<NodeKey>()
  return Effect.fnUntraced(function* (to: NodeKey, message: CreditMessage) {
    const options = message._tag === "Ticket" ? { within: yield* TicketDesk.leftOf(message.request) } : {}
    yield* Effect.catchTag((yield* Delivery).send(to, Credit, message, options), "MessageInvalid", Effect.die)
    if (!known.has(to) && (yield* Reach.introduce(to, message))) known.add(to)
  })
}

/** Does what a desk's answer asks for, in the caller's transaction. */
export const perform = Effect.fnUntraced(function* (answer: Answer): Effect.fn.Return<void, SqlError, Services> {
  const context = yield* Effect.context<Delivery | PeerBook | Records | Timers>()
  const { afterCommit } = yield* Transactions
  const send = sender()
  yield* Post.perform(answer, {
    send: (to, message) => Effect.provide(send(to, message), context),
    wake: (one) => Effect.provide(wake(one), context),
    afterCommit: (count) => afterCommit(Effect.sync(count))
  })
})

const handle = Effect.fnUntraced(function* (
  message: CreditMessage,
  { peer }: Protocol.Origin
): Effect.fn.Return<void | Protocol.Nevertheless, Protocol.Rejected | SqlError, Services> {
  const answer = yield* Desks.hear(message, peer)
  const meter = yield* CreditMeter
  const { unfit } = answer
  if (unfit !== undefined && isToWait(message, unfit)) {
    meter.heard(message._tag, "busy", unfit.reason)
    return yield* Protocol.Rejected.later("1 minute")
  }
  yield* perform(answer)
  const { afterCommit } = yield* Transactions
  yield* afterCommit(Effect.sync(() => meter.heard(message._tag, outcomeName(unfit), refusalOf(unfit))))
  if (answer.unfit === undefined) return undefined
  return new Protocol.Nevertheless(new Protocol.Rejected({ outcome: CreditOutcomes.outcomeOf(answer.unfit) }))
})

const outcomeName = (unfit: Unfit | undefined): MessageOutcome => {
  if (unfit === undefined) return "ok"
  return unfit.reason === busyReason ? "busy" : unfit.outcome
}

/** Why a message is refused, if it is. */
const refusalOf = (unfit: Unfit | undefined): string | undefined =>
  unfit?.outcome === "refused" ? unfit.reason : undefined

/** Messages of one transaction, at most: one of a lift can take many statements. */
const mostTogether = 64

/** Nothing of this remains: each message is handled alone, and its sender told. */
const notPlain = Protocol.Rejected.refused("not-plain", "the messages are handled one by one")

/**
 * The same for messages that came together. Those about chains of chits that follow each other are heard a tally at a time, whose
 * half is read and written once for all of them.
 */
const handleAll = Effect.fnUntraced(function* (
  received: ReadonlyArray<Protocol.Received<CreditMessage>>
): Effect.fn.Return<void, Protocol.Rejected | SqlError, Services> {
  for (const part of Gathered.parts(received)) {
    const answer = part._tag === "One" ? yield* Desks.hear(part.message, part.peer) : yield* Gathered.hear(part)
    if (answer.unfit !== undefined) return yield* notPlain
    yield* perform(answer)
  }
  const meter = yield* CreditMeter
  const { afterCommit } = yield* Transactions
  yield* afterCommit(Effect.sync(() => received.forEach(({ message }) => meter.heard(message._tag, "ok", undefined))))
})

const waiting: ReadonlySet<string> = new Set(["Ticket", "Offer", "Open", "Prepare", "Decide"] satisfies ReadonlyArray<
  CreditMessage["_tag"]
>)

/** What is worth to be offered again, once there is room for it. */
const isToWait = ({ _tag }: CreditMessage, { reason }: Unfit): boolean => reason === busyReason && waiting.has(_tag)

const pending = Effect.fnUntraced(function* (peer: NodeKey) {
  const records = yield* Records
  const messages: Array<CreditMessage> = []
  for (let after: ReadonlyArray<string | number | bigint> | undefined = [peer]; after !== undefined;) {
    const options = { prefix: [peer], limit: maxPage, ...(after.length > 1 ? { after } : {}) }
    const page: ReadonlyArray<TallyHalf> = yield* records.page(Tables.halves, "agent", options)
    for (const half of page) messages.push(...(yield* RepairDesk.said(half)))
    const last = page.at(-1)
    after = page.length < maxPage || last === undefined ? undefined : Tables.halves.parts("agent", last)
  }
  return messages
})

/** The time of something has come. */
const woken = (timer: typeof Timer.Type) => {
  switch (timer._tag) {
    case "Lift":
      return LiftDesk.wake(timer.lift)
    case "Route":
      return RouteDesk.wake(timer.holder, timer.query)
    case "Payment":
      return PaymentDesk.wake(timer.lift)
    case "Repair":
      return RepairDesk.round(timer.peer)
  }
}

export const Credit: Protocol.Protocol<"credit", CreditMessage, Services, typeof Timer.Type> = Protocol.make("credit", {
  messages: CreditMessage,
  subject: subjectOf,
  handle,
  handleAll,
  mostTogether,
  pending,
  onRestored: RefereeDesk.forget,
  audit: CreditAudit.checks,
  attention: Concerns.all,
  timers: Timer,
  onTimer: Effect.fnUntraced(function* (timer) {
    const work: Work<Services> = woken(timer)
    yield* perform(yield* work)
  }),
  onOutcome: Effect.fnUntraced(function* (message, outcome, { peer }) {
    yield* perform(yield* CreditOutcomes.hear(message, outcome, peer))
  }),
  onExpired: Effect.fnUntraced(function* (message) {
    yield* perform(yield* CreditOutcomes.expired(message))
  })
})
