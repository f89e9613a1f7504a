/**
 * Tallies at this node until they are open: commands of their holders and what partners say, each through the machine of tallies, under
 * the lock of the half.
 */
import { Clock, Effect } from "effect"
import { unfit } from "../../protocol/credit/Action.ts"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import type { Signature } from "../../protocol/credit/Signature.ts"
import * as Document from "../../protocol/credit/TallyDocument.ts"
import {
  addressee,
  send,
  type TallyEvent,
  type TallyMessage,
  type TallyStep
} from "../../protocol/credit/TallyEvent.ts"
import type { Draft, TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import { isUnwritten } from "../../protocol/credit/Opening.ts"
import * as Rejecting from "../../protocol/credit/Rejecting.ts"
import * as TallyMachine from "../../protocol/credit/TallyMachine.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Identity } from "../link/Identity.ts"
import { Records } from "../Records.ts"
import { acting, type Answer, both, nothing, owingFor, refusing } from "./Answer.ts"
import * as Tables from "./CreditTables.ts"
import * as Halves from "./Halves.ts"
import { busy, forget, isBusy } from "./Quotas.ts"
import * as RepairDesk from "./RepairDesk.ts"
import * as Users from "./Users.ts"

const tags: ReadonlySet<string> = new Set(["Offer", "Open", "Withdraw", "Refuse", "Revise"] satisfies ReadonlyArray<
  TallyMessage["_tag"]
>)

/** Whether a message is this desk's. */
export const isMessage = (message: CreditMessage): message is TallyMessage => tags.has(message._tag)

/** Stores what a step says. */
const take = Effect.fnUntraced(function* (result: TallyStep, before?: TallyHalf) {
  if (result._tag === "Unfit") return refusing(result)
  yield* (yield* Records).put(Tables.halves, result.state)
  const { isTheirs, partner, status } = result.state
  if (isTheirs === true && partner !== undefined && status === "void") yield* forget(partner.agent)
  const answer: Answer = { ...acting(result.actions), owing: owingFor(result.state, before) }
  return answer
})

/** The partner's node has opened the tally again that it had forgotten: it has forgotten all that is written on it, too. */
const resumed = Effect.fnUntraced(function* (before: TallyHalf | undefined, result: TallyStep) {
  if (result._tag === "Unfit" || before?.wish !== "open" || result.state.wish === "open") return nothing
  const messages = isUnwritten(result.state) ? [] : yield* RepairDesk.written(result.state)
  return acting(messages.flatMap((message) => send(result.state, message)))
})

const unknownTally = refusing(unfit("stale", "unknown-tally", "there is no such tally here"))
const unknownUser = refusing(unfit("refused", "unknown-user", "nobody here has this cuid"))

/** The half that a message is for; one that has no partner yet is found by the holder whom the document names. */
const halfFor = Effect.fnUntraced(function* (message: TallyMessage, from: NodeKey) {
  const { side, tally } = addressee(message)
  // Of two that would begin the half at once one waits here.
  yield* (yield* Records).claim(`credit tally ${tally} ${side}`)
  const known = yield* Halves.addressed(tally, side, from)
  if (known !== undefined || !("document" in message)) return known
  return yield* Halves.own(message.document[side].cert.chad.cuid, tally)
})

const holderOf = (message: TallyMessage, half: TallyHalf | undefined): Cuid | undefined => {
  if (half !== undefined) return half.holder
  return "document" in message ? message.document[addressee(message).side].cert.chad.cuid : undefined
}

/** What another node says of a tally. */
export const hear = Effect.fnUntraced(function* (message: TallyMessage, from: NodeKey) {
  const half = yield* halfFor(message, from)
  const holder = holderOf(message, half)
  if (holder === undefined) return unknownTally
  const own = yield* Users.certificates(holder)
  if (own.length === 0) return unknownUser
  const { key: me } = yield* Identity
  if (half === undefined && (yield* isBusy(from))) return busy
  const result = TallyMachine.step(half, { _tag: "Heard", from, message, me, own })
  return both(yield* take(result, half), yield* resumed(half, result))
})

/** What a half has said was refused by its partner's node, whose reason is a short name for programs. */
export const rejected = Effect.fnUntraced(function* (
  message: Parameters<typeof Rejecting.rejected>[1],
  reason: string,
  from: NodeKey
) {
  const { side, tally } = addressee(message)
  const half = yield* Halves.addressed(tally, Document.other(side), from)
  if (half === undefined) return nothing
  const { unfit: _, ...answer } = yield* take(Rejecting.rejected(half, message, reason), half)
  return answer
})

/** The partner's node knows nothing of an open tally. The half is locked. */
export const forgotten = Effect.fnUntraced(function* (half: TallyHalf) {
  const { unfit: _, ...answer } = yield* take(Rejecting.forgotten(half), half)
  return answer
})

/** Whether somebody else here has this side of a tally of this id: messages name no holder, so one would get what is the other one's. */
const isElses = Effect.fnUntraced(function* (holder: Cuid, { id, side }: Pick<TallyHalf, "id" | "side">) {
  const some = yield* (yield* Records).page(Tables.halves, "side", { prefix: [id, side], limit: 1 })
  return some.some((half) => half.holder !== holder)
})

const elses = refusing(unfit("refused", "another-holder", "somebody else at this node has a tally of this id"))

/** The holder begins a tally, or changes the draft of one. */
export const draft = Effect.fnUntraced(function* (
  holder: Cuid,
  { id, side, ...terms }: Omit<Draft, "cert" | "partner"> & Pick<TallyHalf, "id" | "side">
) {
  const user = yield* Users.get(holder)
  if (user === undefined) return unknownUser
  yield* (yield* Records).claim(`credit tally ${id} ${side}`)
  const half = yield* Halves.own(holder, id)
  if (half === undefined && (yield* isElses(holder, { id, side }))) return elses
  const whole: Draft = { ...terms, cert: user.certificate }
  return yield* take(TallyMachine.step(half, { _tag: "Draft", holder, id, side, draft: whole }))
})

/** The document that the holder would offer now, to be signed; none while it is not known with whom. */
export const document = Effect.fnUntraced(function* (half: TallyHalf) {
  const { draft, id, revision, side } = half
  const partner = draft?.partner ?? half.document?.[Document.other(side)].cert
  if (draft === undefined || partner === undefined) return undefined
  const [own, others] = [
    { cert: draft.cert, terms: draft.terms },
    { cert: partner, terms: draft.partnerTerms }
  ]
  const { agree, memo } = draft
  const date = yield* Clock.currentTimeMillis
  const parties = side === "stock" ? { stock: own, foil: others } : { stock: others, foil: own }
  const whole: Document.TallyDocument = { version: 1, uuid: id, revision: revision + 1, date, memo, agree, ...parties }
  return whole
})

/** What is brought by a holder who signs themselves. */
export interface Brought {
  readonly document?: Document.TallyDocument
  readonly sign?: Signature
}

/** Runs a command of the holder on their half. */
const command = Effect.fnUntraced(function* (holder: Cuid, tally: Document.TallyId, event: TallyEvent) {
  const half = yield* Halves.own(holder, tally)
  return half === undefined ? unknownTally : yield* take(TallyMachine.step(half, event), half)
})

const unsigned = refusing(
  unfit("refused", "unsigned", "the holder keeps their key: bring the document with its signature")
)

/** The holder offers what is drafted, or the document that they bring. */
export const offer = Effect.fnUntraced(function* (holder: Cuid, tally: Document.TallyId, brought: Brought = {}) {
  const half = yield* Halves.own(holder, tally)
  const user = yield* Users.get(holder)
  if (half === undefined || user === undefined) return unknownTally
  const offered = brought.document ?? (yield* document(half))
  if (offered === undefined) {
    return refusing(unfit("refused", "no-partner", "nobody has come with a ticket for it yet, or there is no draft"))
  }
  const sign = yield* Users.sign(user, "tally", Document.digest(offered), brought.sign)
  if (sign === undefined) return unsigned
  const { key: me } = yield* Identity
  const own = [user.certificate, ...user.former]
  return yield* take(TallyMachine.step(half, { _tag: "Offer", document: offered, sign, me, own }), half)
})

/** The holder accepts the document of this revision. */
export const accept = Effect.fnUntraced(function* (
  holder: Cuid,
  tally: Document.TallyId,
  revision: number,
  brought?: Signature
) {
  const half = yield* Halves.own(holder, tally)
  const user = yield* Users.get(holder)
  if (half === undefined || user === undefined) return unknownTally
  if (half.document === undefined) return refusing(unfit("stale", "no-document", "nothing was offered"))
  const sign = yield* Users.sign(user, "tally", Document.digest(half.document), brought)
  if (sign === undefined) return unsigned
  return yield* take(TallyMachine.step(half, { _tag: "Accept", revision, sign }), half)
})

export const refuse = (holder: Cuid, tally: Document.TallyId, revision: number) =>
  command(holder, tally, { _tag: "Refuse", revision })

/** Refuses, and drafts something else. */
export const revise = (holder: Cuid, tally: Document.TallyId, revision: number, draft?: Draft) =>
  command(holder, tally, draft === undefined ? { _tag: "Revise", revision } : { _tag: "Revise", revision, draft })

export const withdraw = (holder: Cuid, tally: Document.TallyId) => command(holder, tally, { _tag: "Withdraw" })

export const resend = (holder: Cuid, tally: Document.TallyId) => command(holder, tally, { _tag: "Resend" })
