/**
 * Invoices, payments and settings at this node: what the holder of a half writes on it, and what the partner asks. What is signed goes
 * into the chain.
 */
import { Clock, Effect } from "effect"
import { type Unfit, unfit } from "../../protocol/credit/Action.ts"
import * as Capacity from "../../protocol/credit/Capacity.ts"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { ChainRun } from "../../protocol/credit/ChainRun.ts"
import * as Chit from "../../protocol/credit/Chit.ts"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import { isClosing } from "../../protocol/credit/Closing.ts"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import type * as Message from "../../protocol/credit/CreditMessage.ts"
import * as InvoiceMachine from "../../protocol/credit/InvoiceMachine.ts"
import type { Signature } from "../../protocol/credit/Signature.ts"
import { other, type Side, type TallyId } from "../../protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Records } from "../Records.ts"
import { acting, type Answer, nothing, refusing } from "./Answer.ts"
import * as ChainDesk from "./ChainDesk.ts"
import * as Tables from "./CreditTables.ts"
import * as Halves from "./Halves.ts"
import { busy, isFull } from "./Quotas.ts"
import * as Users from "./Users.ts"

export type Invoiced = typeof Message.Invoice.Type | typeof Message.Decline.Type

/** Whether a message is this desk's. */
export const isMessage = (message: CreditMessage): message is Invoiced =>
  message._tag === "Invoice" || message._tag === "Decline"

const noTally = unfit("stale", "unknown-tally", "there is no such tally here")
const noInvoice = unfit("stale", "unknown-chit", "there is no such invoice here")
const unknownTally = refusing(noTally)
const unsigned = unfit("refused", "unsigned", "the holder keeps their key: bring the signature")

const take = Effect.fnUntraced(function* (result: InvoiceMachine.InvoiceStep) {
  if (result._tag === "Unfit") return refusing(result)
  yield* (yield* Records).put(Tables.chits, result.state)
  return acting(result.actions)
})

const step = Effect.fnUntraced(function* (half: TallyHalf, id: Chit.ChitId, event: InvoiceMachine.InvoiceEvent) {
  return yield* take(InvoiceMachine.step(half, yield* Halves.chit(half, id), event))
})

/** The half that a declined invoice is on: the other one than who has declined it, if both are at this node. */
const declinedHalf = Effect.fnUntraced(function* (tally: TallyId, id: Chit.ChitId, from: NodeKey) {
  for (const side of ["stock", "foil"] satisfies ReadonlyArray<Side>) {
    const half = yield* Halves.addressed(tally, side, from)
    if (half === undefined) continue
    const chit = yield* Halves.chit(half, id)
    if (chit !== undefined && chit.core.by !== side) return half
  }
  return undefined
})

/** What another node says of an invoice. */
export const hear = Effect.fnUntraced(function* (message: Invoiced, from: NodeKey) {
  const now = yield* Clock.currentTimeMillis
  const isAsked = message._tag === "Invoice"
  const half = isAsked
    ? yield* Halves.addressed(message.core.tally, message.core.by, from)
    : yield* declinedHalf(message.tally, message.chit, from)
  if (half === undefined) return unknownTally
  if (isAsked && (yield* isFull(half, yield* Halves.chit(half, message.core.uuid), from))) return busy
  return yield* step(half, isAsked ? message.core.uuid : message.chit, { _tag: "Heard", from, message, now })
})

/** An invoice was refused by the node of who should pay it. */
export const rejected = Effect.fnUntraced(function* (
  { core, revision }: typeof Message.Invoice.Type,
  reason: string,
  from: NodeKey
) {
  const half = yield* Halves.addressed(core.tally, other(core.by), from)
  if (half === undefined) return nothing
  const now = yield* Clock.currentTimeMillis
  const { unfit: _, ...answer } = yield* step(half, core.uuid, { _tag: "Rejected", revision, reason, now })
  return answer
})

export interface Asking {
  readonly tally: TallyId
  readonly uuid: Chit.ChitId
  readonly units: bigint
  readonly memo?: string
  readonly ref?: string
  /** Of a pledge that its issuer has signed already; now unless said. */
  readonly date?: number
}

const pledgeOf = ({ date, memo, ref, tally, units, uuid }: Asking, by: Side, now: number): typeof Chit.Pledge.Type => ({
  type: "tran",
  tally,
  uuid,
  by,
  date: date ?? now,
  units,
  ...(memo === undefined ? {} : { memo }),
  ...(ref === undefined ? {} : { ref })
})

/** The holder asks the other side for a pledge, or asks anew for one that was declined. */
export const ask = Effect.fnUntraced(function* (holder: Cuid, asking: Asking) {
  const half = yield* Halves.own(holder, asking.tally)
  if (half === undefined) return unknownTally
  const now = yield* Clock.currentTimeMillis
  const known = yield* Halves.chit(half, asking.uuid)
  const core = known?.core.type === "tran" ? known.core : pledgeOf(asking, other(half.side), now)
  return yield* step(half, asking.uuid, { _tag: "Ask", core, now })
})

export const decline = Effect.fnUntraced(function* (holder: Cuid, tally: TallyId, id: Chit.ChitId, revision: number) {
  const half = yield* Halves.own(holder, tally)
  if (half === undefined) return unknownTally
  const now = yield* Clock.currentTimeMillis
  return yield* step(half, id, { _tag: "Decline", revision, now })
})

/** Signs a chit of the holder's side, and puts it into the chain, unless something is wrong with that. A pledge must have room. */
const write = Effect.fnUntraced(function* (
  run: ChainRun,
  user: Tables.User,
  core: Chit.Core,
  brought: Signature | undefined,
  now: number
) {
  const { half } = run
  const room = Capacity.room(half, half.side, "pledge")
  if (core.type === "tran" && core.units > room) {
    return unfit("refused", "no-room", `${core.units} milli-CHIP are more than the ${room} that there is room for`)
  }
  // At zero stock closes with what it has: what foil wrote behind its own wish to close would never get there.
  if (core.type === "set" && isClosing(half)) return unfit("refused", "closing", "the tally is to be closed")
  const sign = yield* Users.sign(user, "chit", Chit.digest(core), brought)
  return sign === undefined ? unsigned : run.good({ chit: { core, sign } }, now)
})

/** A payment of the holder's: of an invoice that waits where there is no amount, and otherwise of either. */
export interface Paying extends Omit<Asking, "tally" | "units"> {
  readonly units?: bigint
  /** Unasked: an id that is taken is that of something else. */
  readonly isNew?: true
  /** Of a holder who keeps their key. */
  readonly sign?: Signature | undefined
}

const payable = (
  { id: tally, side }: TallyHalf,
  known: ChitState | undefined,
  { isNew, units, ...asking }: Paying,
  now: number
): Chit.Core | Unfit => {
  if (known === undefined) return units === undefined ? noInvoice : pledgeOf({ ...asking, tally, units }, side, now)
  const { core, revision, status } = known
  if (isNew === true) return unfit("stale", "known-chit", `there is a chit of this id, which is ${status}`)
  if (core.type !== "tran") return noInvoice
  return core.by === side && status !== "good"
    ? core
    : unfit("stale", status, "no invoice of this id waits to be paid", String(revision))
}

/** Payments of a user on one tally, one after the other as one step: what was wrong with each, in their order, if anything was. */
export const payAll = Effect.fnUntraced(function* (user: Tables.User, tally: TallyId, all: ReadonlyArray<Paying>) {
  const half = yield* Halves.own(user.certificate.chad.cuid, tally)
  const wrong: Array<Unfit | undefined> = []
  if (half === undefined) return { answer: nothing, wrong: all.map((): Unfit | undefined => noTally) }
  const now = yield* Clock.currentTimeMillis
  const run = yield* ChainDesk.begin(
    half,
    all.map(({ uuid }) => uuid)
  )
  for (const paying of all) {
    const core = payable(run.half, run.find(paying.uuid), paying, now)
    wrong.push("_tag" in core ? core : yield* write(run, user, core, paying.sign, now))
  }
  const answer: Answer = wrong.includes(undefined) ? yield* ChainDesk.finish(run, now) : nothing
  return { answer, wrong }
})

/** One payment of the holder. */
export const pay = Effect.fnUntraced(function* (holder: Cuid, { tally, ...paying }: Asking, sign?: Signature) {
  const user = yield* Users.get(holder)
  if (user === undefined) return unknownTally
  const { answer, wrong } = yield* payAll(user, tally, [{ ...paying, sign }])
  return wrong[0] === undefined ? answer : refusing(wrong[0])
})

export interface Setting {
  readonly tally: TallyId
  readonly uuid: Chit.ChitId
  readonly sets: Chit.Settings
  /** Of a setting that its issuer has signed already; now unless said. */
  readonly date?: number
}

/** The holder changes the settings of their side. */
export const set = Effect.fnUntraced(function* (
  holder: Cuid,
  { date, sets, tally, uuid }: Setting,
  brought?: Signature
) {
  const half = yield* Halves.own(holder, tally)
  const user = yield* Users.get(holder)
  if (half === undefined || user === undefined) return unknownTally
  const now = yield* Clock.currentTimeMillis
  const core: Chit.Core = { type: "set", tally, uuid, by: half.side, date: date ?? now, sets }
  const run = yield* ChainDesk.begin(half, [uuid])
  const wrong = yield* write(run, user, core, brought, now)
  return wrong === undefined ? yield* ChainDesk.finish(run, now) : refusing(wrong)
})
