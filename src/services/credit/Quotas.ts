/**
 * How much one other node may have this one keep: of what it can begin here by itself, and nobody else ends. Beyond it is answered
 * `busy`; what it shares with users of this node who have agreed to it is not counted.
 *
 * What has ended without anybody's signature is kept as long as there is room, so that old offers stay what they are.
 *
 * Each question reads a page of the limit's size at the most. Messages that come at once can exceed a limit by as many.
 */
import { Effect } from "effect"
import { unfit } from "../../protocol/credit/Action.ts"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { Ticket } from "../../protocol/credit/Ticket.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Identity } from "../link/Identity.ts"
import { maxPage } from "../RecordTable.ts"
import { Records } from "../Records.ts"
import { refusing } from "./Answer.ts"
import { CreditConfig } from "./CreditConfig.ts"
import * as Tables from "./CreditTables.ts"

/** The short name for programs. */
export const busyReason = "busy"

export const busy = refusing(unfit("refused", busyReason, "too much of the sender's is waiting here: try again later"))

const atMost = (limit: number): number => Math.min(limit, maxPage)

/** Tallies that the node has begun with users here, who have neither accepted nor refused. */
export const isBusy = Effect.fnUntraced(function* (from: NodeKey) {
  if (from === (yield* Identity).key) return false
  const limit = atMost((yield* CreditConfig).mostWaiting)
  const some = yield* (yield* Records).page(Tables.halves, "begun", { prefix: [from, "waiting"], limit })
  return some.length === limit
})

/**
 * Forgets the oldest of the tallies that the node has begun and that are void, where there are too many; to be called with each one that
 * becomes so. Nobody here has signed any of them, so that none can be opened by what was said before.
 */
export const forget = Effect.fnUntraced(function* (from: NodeKey) {
  if (from === (yield* Identity).key) return
  const records = yield* Records
  const { mostVoid } = yield* CreditConfig
  const limit = atMost(mostVoid + 1)
  const page = yield* records.page(Tables.halves, "begun", { prefix: [from, "void"], limit })
  const [oldest] = page
  if (oldest === undefined || page.length < limit) return
  const half = yield* records.lock(Tables.halves, [oldest.holder, oldest.id])
  if (half?.status === "void" && half.isTheirs === true) yield* records.remove(Tables.halves, [half.holder, half.id])
})

/** Tallies that users of the node have got by a ticket that is good more than once. Nothing of them is ever given back. */
export const isServed = Effect.fnUntraced(function* ({ reuse, token }: Ticket, from: NodeKey) {
  if (!reuse || from === (yield* Identity).key) return false
  const limit = atMost((yield* CreditConfig).mostByTicket)
  const some = yield* (yield* Records).page(Tables.redemptions, "agent", { prefix: [token, from], limit })
  return some.length === limit
})

/** Queries that have come from the node, and are kept. */
export const isAsking = Effect.fnUntraced(function* (from: NodeKey) {
  if (from === (yield* Identity).key) return false
  const limit = atMost((yield* CreditConfig).mostQueries)
  const some = yield* (yield* Records).page(Tables.routes, "asker", { prefix: [from], limit })
  return some.length === limit
})

/** Lifts that the node has come with to this referee, and that have no record yet. */
export const isUndecided = Effect.fnUntraced(function* (from: NodeKey) {
  if (from === (yield* Identity).key) return false
  const limit = atMost((yield* CreditConfig).mostPlans)
  const some = yield* (yield* Records).page(Tables.referees, "undecided", { prefix: [from], limit })
  return some.length === limit
})

/**
 * Whether one more lift that this node refuses to the other one can be kept. Where as many are as may be, the one whose plan has expired first is
 * forgotten: nobody promises it any more, so that it would be refused again.
 */
export const mayRefuse = Effect.fnUntraced(function* (from: NodeKey, now: number) {
  const records = yield* Records
  const limit = atMost((yield* CreditConfig).mostRefused)
  const page = yield* records.page(Tables.lifts, "refused", { prefix: [from], limit })
  const [oldest] = page
  if (oldest === undefined || page.length < limit) return true
  if (now <= oldest.plan.expires) return false
  yield* records.remove(Tables.lifts, [oldest.plan.lift])
  return true
})

/**
 * Whether the holder of the half has as many invoices of its partner's waiting as may be, so that this chit cannot be one more. Promised lifts are
 * read beside them, and where a page is full of both there is no room either.
 */
export const isFull = Effect.fnUntraced(function* (
  { holder, id, side }: TallyHalf,
  chit: ChitState | undefined,
  from: NodeKey
) {
  if (chit?.status === "asked" || chit?.status === "good" || from === (yield* Identity).key) return false
  const { mostInvoices } = yield* CreditConfig
  const all = yield* (yield* Records).page(Tables.chits, "asked", { prefix: [holder, id], limit: maxPage })
  const invoices = all.filter(({ core }) => core.type === "tran" && core.by === side)
  return all.length === maxPage || invoices.length >= mostInvoices
})
