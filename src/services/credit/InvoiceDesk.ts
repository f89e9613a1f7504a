/**
 * Invoices, payments and settings at this node: what the holder of a half writes on it, and what the partner asks. What is signed goes
 * into the chain.
 */
import { Clock, Effect } from "effect"
import { unfit } from "../../protocol/credit/Action.ts"
import * as Capacity from "../../protocol/credit/Capacity.ts"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import * as Chit from "../../protocol/credit/Chit.ts"
import { isClosing } from "../../protocol/credit/Closing.ts"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import type * as Message from "../../protocol/credit/CreditMessage.ts"
import * as InvoiceMachine from "../../protocol/credit/InvoiceMachine.ts"
import type { Signature } from "../../protocol/credit/Signature.ts"
import { other, type Side, type TallyId } from "../../protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Records } from "../Records.ts"
import { acting, nothing, refusing } from "./Answer.ts"
import * as ChainDesk from "./ChainDesk.ts"
import * as Tables from "./CreditTables.ts"
import * as Halves from "./Halves.ts"
import * as Users from "./Users.ts"

export type Invoiced = typeof Message.Invoice.Type | typeof Message.Decline.Type

/** Whether a message is this desk's. */
export const isMessage = (message: CreditMessage): message is Invoiced =>
  message._tag === "Invoice" || message._tag === "Decline"

const unknownTally = refusing(unfit("stale", "unknown-tally", "there is no such tally here"))
const unsigned = refusing(unfit("refused", "unsigned", "the holder keeps their key: bring the signature"))

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

/** Signs a chit of the holder's side, and puts it into the chain. A pledge must have room. */
const write = Effect.fnUntraced(function* (half: TallyHalf, core: Chit.Core, brought: Signature | undefined) {
  const user = yield* Users.get(half.holder)
  if (user === undefined) return unknownTally
  const room = Capacity.room(half, half.side, "pledge")
  if (core.type === "tran" && core.units > room) {
    return refusing(
      unfit("refused", "no-room", `${core.units} milli-CHIP are more than the ${room} that there is room for`)
    )
  }
  // At zero stock closes with what it has: what foil wrote behind its own wish to close would never get there.
  if (core.type === "set" && isClosing(half)) return refusing(unfit("refused", "closing", "the tally is to be closed"))
  const sign = yield* Users.sign(user, "chit", Chit.digest(core), brought)
  return sign === undefined ? unsigned : yield* ChainDesk.book(half, { chit: { core, sign } })
})

/** The holder pays: an invoice that waits, by its id, or unasked. */
export const pay = Effect.fnUntraced(function* (holder: Cuid, paying: Asking, brought?: Signature) {
  const half = yield* Halves.own(holder, paying.tally)
  if (half === undefined) return unknownTally
  const known = yield* Halves.chit(half, paying.uuid)
  if (known !== undefined && (known.core.by !== half.side || known.status === "good")) {
    return refusing(unfit("stale", known.status, "no invoice of this id waits to be paid", String(known.revision)))
  }
  const now = yield* Clock.currentTimeMillis
  return yield* write(half, known?.core ?? pledgeOf(paying, half.side, now), brought)
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
  if (half === undefined) return unknownTally
  const now = yield* Clock.currentTimeMillis
  return yield* write(half, { type: "set", tally, uuid, by: half.side, date: date ?? now, sets }, brought)
})
