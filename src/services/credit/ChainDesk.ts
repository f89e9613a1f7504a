/**
 * The chains of chits at this node: each message and each chit that becomes good goes through the machine of its side, and what that
 * says is stored, under the lock of the half.
 */
import { Clock, Effect } from "effect"
import { type Action, unfit } from "../../protocol/credit/Action.ts"
import * as ChainEvent from "../../protocol/credit/ChainEvent.ts"
import { ChainRun } from "../../protocol/credit/ChainRun.ts"
import { alarm, type ChainUnfit, type Reading } from "../../protocol/credit/ChainStep.ts"
import type * as Chit from "../../protocol/credit/Chit.ts"
import type { Entry, Index } from "../../protocol/credit/ChitLog.ts"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import { closeIfDone } from "../../protocol/credit/Closing.ts"
import * as Condensing from "../../protocol/credit/Condensing.ts"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import * as FoilChain from "../../protocol/credit/FoilChain.ts"
import * as StockChain from "../../protocol/credit/StockChain.ts"
import type { Side } from "../../protocol/credit/TallyDocument.ts"
import { send } from "../../protocol/credit/TallyEvent.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Identity } from "../link/Identity.ts"
import { Records } from "../Records.ts"
import { acting, type Answer, both, nothing, owingFor, refusing } from "./Answer.ts"
import type { Mark } from "./CreditMeter.ts"
import * as Tables from "./CreditTables.ts"
import * as EvidenceShelf from "./EvidenceShelf.ts"
import * as Halves from "./Halves.ts"

export type Message = ChainEvent.ToFoil | ChainEvent.ToStock

/** The side that a message is for. */
export const sideOf = ({ _tag }: Message): Side => (_tag === "Entered" || _tag === "Fetch" ? "stock" : "foil")

/** What is at hand of a half beside what is stored. */
type AtHand = Pick<ChainRun, "position" | "behind">

const positions = Effect.fnUntraced(function* (half: TallyHalf, indexes: ReadonlyArray<Index>, atHand: AtHand) {
  const known = indexes.flatMap((index) => atHand.position(index) ?? [])
  const others = indexes.filter((index) => atHand.position(index) === undefined)
  return [...known, ...(yield* Halves.places(half, others))]
})

/** What the machines ask to be read, as the messages that are made of it. */
const messagesOf = Effect.fnUntraced(function* (half: TallyHalf, reading: Reading, atHand: AtHand) {
  if (reading._tag === "Propose") return StockChain.proposals(half, yield* Halves.loose(half, reading.most))
  const indexes = reading._tag === "Where" ? reading.indexes : [reading.after]
  const places = yield* positions(half, indexes, atHand)
  if (reading._tag === "Where") return several(StockChain.where(half, places))
  const [after] = places
  if (after === undefined) return []
  const known = atHand.behind(reading.after, reading.most)
  const chits = known ?? (yield* Halves.placed(half, reading.after, reading.most))
  if (reading._tag === "Recall") return several(StockChain.history(half, after, chits))
  return [FoilChain.entered(half, after, chits, (yield* Identity).sign)]
})

const several = (message: CreditMessage | undefined): ReadonlyArray<CreditMessage> =>
  message === undefined ? [] : [message]

const sent = Effect.fnUntraced(function* (half: TallyHalf, readings: ReadonlyArray<Reading>, atHand: AtHand) {
  const messages = yield* Effect.forEach(readings, (reading) => messagesOf(half, reading, atHand))
  return messages.flat().flatMap((message): ReadonlyArray<Action> => send(half, message))
})

/** What was wrong with the only step of a run is kept, and told. */
const refuse = Effect.fnUntraced(function* (half: TallyHalf, wrong: ChainUnfit, now: number) {
  const { said } = yield* EvidenceShelf.keep(half, wrong.evidence, now)
  return refusing({ ...wrong, actions: wrong.actions.map(said) })
})

/** A chit that has got its place now. How long it was good before is told of those of this side's that the other side orders. */
const placing = (half: TallyHalf, before: ChitState | undefined, chit: ChitState, now: number): ReadonlyArray<Mark> => {
  if (chit.index === undefined || before?.index !== undefined) return []
  const isOwn = half.side === "stock" && chit.core.by === "stock" && before?.status === "good"
  return [{ _tag: "Placed", millis: isOwn ? Math.max(0, now - before.changed) : undefined }]
}

/** The half of a run as it is to be stored, with what follows from settings that were taken back. */
const ended = Effect.fnUntraced(function* ({ isUnset, state }: ChainRun["result"]) {
  if (isUnset !== true) return { state, actions: [] }
  const half = { ...state, sets: yield* Halves.sets(state) }
  return closeIfDone(half) ?? { state: half, actions: [] }
})

/** Stores what the steps of a run say, and sends it. The half is locked. */
export const finish = Effect.fnUntraced(function* (run: ChainRun, now: number) {
  const { before, result } = run
  const { counted, said } = yield* EvidenceShelf.keep(before, result.evidence, now)
  yield* Halves.store(result.chits)
  const end = yield* ended(result)
  yield* (yield* Records).put(Tables.halves, { ...end.state, ...counted })
  const answer: Answer = {
    ...nothing,
    actions: [...result.actions.map(said), ...(yield* sent(end.state, result.readings, run)), ...end.actions],
    records: result.records,
    owing: owingFor(end.state, before),
    marks: result.chits.flatMap((chit) => placing(before, run.was(chit.core.uuid), chit, now))
  }
  return result.refused === undefined ? answer : both(answer, refusing(result.refused))
})

/** A run over a half, which is locked, with the chits of these ids at hand. */
export const begin = Effect.fnUntraced(function* (half: TallyHalf, chits: ReadonlyArray<Chit.ChitId>) {
  return new ChainRun(half, yield* Halves.load(half, { chits, indexes: [] }))
})

/** Nothing holds the half any more as it did `before`: it may be what its closing has waited for. It is locked. */
export const moved = Effect.fnUntraced(function* (before: TallyHalf, half: TallyHalf) {
  const closed = closeIfDone(half)
  const state = closed?.state ?? half
  yield* (yield* Records).put(Tables.halves, state)
  const answer: Answer = { ...acting(closed?.actions ?? []), owing: owingFor(state, before) }
  return answer
})

/** A chit of this side's was signed, or that of a lift is good. The half is locked. */
export const book = Effect.fnUntraced(function* (half: TallyHalf, entry: Entry) {
  const now = yield* Clock.currentTimeMillis
  const run = yield* begin(half, [entry.chit.core.uuid])
  const wrong = run.good(entry, now)
  return wrong === undefined ? yield* finish(run, now) : yield* refuse(half, wrong, now)
})

/** Chits that a message brings. */
export const entriesOf = (message: Message): ReadonlyArray<Entry> =>
  message._tag === "Propose" ? message.chits : "entries" in message ? message.entries : []

/** The lifts whose chits messages bring are claimed before the half is locked, as everybody does who has to do with both. */
export const claimLifts = Effect.fnUntraced(function* (messages: ReadonlyArray<Message>) {
  const lifts = messages.flatMap(entriesOf).flatMap(({ record }) => (record === undefined ? [] : [record.plan.lift]))
  const records = yield* Records
  for (const lift of [...new Set(lifts)].toSorted()) yield* records.claim(`credit lift ${lift}`)
})

/** What several messages need to have loaded; one that shows what was lost comes alone. */
const loadsOf = (messages: ReadonlyArray<Message>): ChainEvent.Loads => {
  const all = messages.map(ChainEvent.loads)
  const [first] = all
  return {
    chits: all.flatMap(({ chits }) => chits),
    indexes: all.flatMap(({ indexes }) => indexes),
    isRecovering: all.some(({ isRecovering }) => isRecovering === true),
    ...(all.length > 1 || first?.recovery === undefined ? {} : { recovery: first.recovery })
  }
}

/** A message of a node, which is stale where no such tally is shared with it. */
export const hear = Effect.fnUntraced(function* (message: Message, from: NodeKey) {
  yield* claimLifts([message])
  return yield* hearAll([message], from)
})

/**
 * Messages of a node for one side of one tally, in their order, whose lifts are claimed. Where there are several none but the last can be
 * told from the others: the first that does not fit ends the run, nothing is stored, and each has to be heard alone.
 */
export const hearAll = Effect.fnUntraced(function* (
  messages: readonly [Message, ...ReadonlyArray<Message>],
  from: NodeKey
) {
  const [first] = messages
  const now = yield* Clock.currentTimeMillis
  const half = yield* Halves.addressed(first.tally, sideOf(first), from)
  if (half === undefined) return refusing(unfit("stale", "unknown-tally", "there is no such tally here"))
  const heard = Condensing.heard(messages)
  const run = new ChainRun(half, yield* Halves.load(half, loadsOf(heard)))
  for (const message of heard) {
    const wrong = run.hear(message, from, now)
    if (wrong !== undefined) return messages.length === 1 ? yield* refuse(half, wrong, now) : refusing(wrong)
  }
  return yield* finish(run, now)
})

/** Foil has refused chits of these ids, because it has others under them. The half is stock's, and locked. */
export const conflicted = Effect.fnUntraced(function* (half: TallyHalf, ids: ReadonlyArray<Chit.ChitId>) {
  const now = yield* Clock.currentTimeMillis
  const run = yield* begin(half, ids)
  const wrong = run.conflicted(now)
  return wrong === undefined ? yield* finish(run, now) : yield* refuse(half, wrong, now)
})

/** The partner's node refuses what this half has to say, for a reason that is told once. The half is locked. */
export const objected = Effect.fnUntraced(function* (half: TallyHalf, objection: string) {
  if (half.objection === objection) return nothing
  yield* (yield* Records).put(Tables.halves, { ...half, objection })
  return acting(alarm(half, "tally.stuck", { tally: half.id, reason: objection }))
})

/** What is said again now and then, at a start, and when the partner's database was restored. */
export const repair = Effect.fnUntraced(function* (half: TallyHalf) {
  const readings = half.side === "foil" ? FoilChain.repair(half) : StockChain.repair(half)
  return acting(yield* sent(half, readings, new ChainRun(half, ChainEvent.unread)))
})

const tags: ReadonlySet<string> = new Set([
  "Propose",
  "Ack",
  "Where",
  "History",
  "Entered",
  "Fetch"
] satisfies ReadonlyArray<Message["_tag"]>)

/** Whether a message is this desk's. */
export const isMessage = (message: CreditMessage): message is Message => tags.has(message._tag)
