/**
 * What makes everything shared with another node come to its end though messages or databases were lost: a slow timer for each node
 * says again what is owed, as long as anything is, and looks once a day whether both still have the same.
 *
 * Of a tally of which a message still waits for its receipt it says nothing, so that one copy waits at the most while the node is away.
 *
 * A round looks at a page of halves and speaks for a part of them at the most; the rest is left to the next one, which follows soon.
 */
import { Clock, Effect, Random } from "effect"
import * as Backoff from "../../protocol/Backoff.ts"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import * as InvoiceMachine from "../../protocol/credit/InvoiceMachine.ts"
import { isQuiet } from "../../protocol/credit/Quiet.ts"
import type { TallyId } from "../../protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import * as TallyMachine from "../../protocol/credit/TallyMachine.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Delivery } from "../delivery/Delivery.ts"
import { Identity } from "../link/Identity.ts"
import { Records } from "../Records.ts"
import { type Answer, nothing, type Wake } from "./Answer.ts"
import * as ChainDesk from "./ChainDesk.ts"
import { CreditConfig } from "./CreditConfig.ts"
import type { Mark } from "./CreditMeter.ts"
import * as Tables from "./CreditTables.ts"

/** Halves that one round looks at, and those that it speaks for, at most. */
const mostHalves = 256
const mostSpeaking = 16
/** Invoices that are asked for again with one half, at most. */
const mostInvoices = 32

/** Invoices of the half that wait at its partner. */
const invoices = Effect.fnUntraced(function* (half: TallyHalf) {
  const records = yield* Records
  const asked = yield* records.page(Tables.chits, "asked", { prefix: [half.holder, half.id], limit: mostInvoices })
  return asked.flatMap((chit): ReadonlyArray<CreditMessage> => InvoiceMachine.owed(half, chit))
})

/** What an open half says of its chits and of the chain. */
export const written = Effect.fnUntraced(function* (half: TallyHalf) {
  if (half.status !== "open") return []
  const { actions } = yield* ChainDesk.repair(half)
  const chain = actions.flatMap((action) => (action._tag === "Send" ? [action.message] : []))
  return [...chain, ...(yield* invoices(half))]
})

/** All that a half has to say to a node that may have lost everything. */
export const said = Effect.fnUntraced(function* (half: TallyHalf) {
  return [...TallyMachine.retold(half), ...(yield* written(half))]
})

/** What a half says again in a round: what is owed, or at a check that it has what it has. */
const again = Effect.fnUntraced(function* (half: TallyHalf) {
  if (half.trouble !== undefined) return []
  return [...TallyMachine.owed(half), ...(half.wish === "open" ? [] : yield* written(half))]
})

const wakeOf = ({ at, peer }: Tables.Repair): Wake => ({ what: "repair", id: peer, at })

/** At least half of what the back-off allows. */
const pause = (allowed: number, random: number): number => {
  const half = Math.floor(allowed / 2)
  return half + Backoff.below(half, random)
}

/** Something is owed to a node: a round is due soon, unless one is already. */
export const soon = Effect.fnUntraced(function* (peer: NodeKey) {
  const { key: me } = yield* Identity
  if (peer === me) return []
  const records = yield* Records
  const { repair } = yield* CreditConfig
  const now = yield* Clock.currentTimeMillis
  const isDue = ({ at, attempts }: Tables.Repair) => attempts > 0 || at <= now + repair.baseMillis
  const seen = yield* records.get(Tables.repairs, [peer])
  if (seen !== undefined && isDue(seen) && seen.at > now + marginMillis) return []
  // A round that is about to begin waits for this transaction, or this one for the round.
  yield* records.claim(claimOf(peer))
  const known = yield* records.get(Tables.repairs, [peer])
  if (known?.going?.isQuiet === true) {
    yield* records.put(Tables.repairs, { ...known, going: { ...known.going, isQuiet: false } })
    return []
  }
  if (known !== undefined && isDue(known)) return []
  const at = now + pause(repair.baseMillis, yield* Random.next)
  const row: Tables.Repair = { ...(known ?? { peer, checked: now }), attempts: 1, at }
  yield* records.put(Tables.repairs, row)
  return [wakeOf(row)]
})

const claimOf = (peer: NodeKey): string => `credit repair ${peer}`

/** No transaction that has seen when the next round is takes longer than this, in milliseconds. */
const marginMillis = 10_000

/** Where a round stands: behind which half, and what it has met. */
type Standing = Omit<NonNullable<Tables.Repair["going"]>, "after"> & { readonly after: TallyId | undefined }

/** A round that begins, or where the one that is under way has come to. */
const beginning = ({ checked, going }: Tables.Repair, dayMillis: number, now: number): Standing =>
  going ?? { after: undefined, isCheck: now - checked >= dayMillis, begun: now, isQuiet: true }

/** The halves of this round: those that it speaks for, and the last one that it has looked at if there are more. */
const looked = Effect.fnUntraced(function* (peer: NodeKey, { after, isCheck }: Standing) {
  const records = yield* Records
  const cursor = after === undefined ? {} : { after: [peer, after] }
  const page = yield* records.page(Tables.halves, "agent", { prefix: [peer], limit: mostHalves, ...cursor })
  const speaking = page.filter((half) => isCheck || !isQuiet(half))
  const isFull = speaking.length > mostSpeaking
  const chosen = speaking.slice(0, mostSpeaking)
  const last = isFull ? chosen.at(-1) : page.length === mostHalves ? page.at(-1) : undefined
  return { chosen, last }
})

/** Where the timer stands after a round: goes on soon, or later and later, or tomorrow. */
const after = Effect.fnUntraced(function* (
  row: Tables.Repair,
  { begun, isCheck, isQuiet }: Standing,
  last: TallyHalf | undefined
) {
  const { repair } = yield* CreditConfig
  const now = yield* Clock.currentTimeMillis
  const random = yield* Random.next
  const { attempts, peer } = row
  const checked = isCheck && last === undefined ? begun : row.checked
  if (last !== undefined) {
    const going = { after: last.id, isCheck, begun, isQuiet }
    return { peer, attempts, checked, at: now + pause(repair.pageMillis, random), going }
  }
  if (!isQuiet)
    return { peer, attempts: attempts + 1, checked, at: now + pause(Backoff.ceiling(repair, attempts), random) }
  // Not all nodes at one time of the day.
  const spread = Backoff.below(Math.floor(repair.checkMillis / 8), random)
  return { peer, attempts: 0, checked, at: Math.max(now, checked + repair.checkMillis) + spread }
})

/** The time of a node's timer has come. */
export const round = Effect.fnUntraced(function* (peer: NodeKey) {
  const records = yield* Records
  yield* records.claim(claimOf(peer))
  const now = yield* Clock.currentTimeMillis
  const { repair } = yield* CreditConfig
  const row = (yield* records.get(Tables.repairs, [peer])) ?? { peer, attempts: 0, at: now, checked: 0 }
  const stand = beginning(row, repair.checkMillis, now)
  const { chosen, last } = yield* looked(peer, stand)
  // What is said of a tally is heard in its order: behind what still waits for its receipt nothing has to be said again.
  const held = yield* (yield* Delivery).waiting(
    peer,
    "credit",
    chosen.map(({ id }) => id)
  )
  const messages = yield* Effect.forEach(chosen, (half) => (held.has(half.id) ? Effect.succeed([]) : again(half)))
  const met: Standing = { ...stand, isQuiet: stand.isQuiet && chosen.every(isQuiet) }
  const next: Tables.Repair = yield* after(row, met, last)
  yield* records.put(Tables.repairs, next)
  const actions = messages.flat().map((message) => ({ _tag: "Send", to: peer, message }) as const)
  const mark: Mark = { _tag: "Repair", isCheck: stand.isCheck, messages: actions.length }
  const answer: Answer = { ...nothing, actions, wakes: [wakeOf(next)], marks: [mark] }
  return answer
})
