/**
 * The chains of chits at this node: each message and each chit that becomes good goes through the machine of its side, and what that
 * says is stored, under the lock of the half.
 */
import { Clock, Effect } from "effect"
import { type Action, unfit } from "../../protocol/credit/Action.ts"
import * as ChainEvent from "../../protocol/credit/ChainEvent.ts"
import { alarm, type ChainResult, type Evidence, type Reading } from "../../protocol/credit/ChainStep.ts"
import * as Chit from "../../protocol/credit/Chit.ts"
import type { Entry } from "../../protocol/credit/ChitLog.ts"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import { closeIfDone } from "../../protocol/credit/Closing.ts"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import * as FoilChain from "../../protocol/credit/FoilChain.ts"
import { isQuiet } from "../../protocol/credit/Quiet.ts"
import * as StockChain from "../../protocol/credit/StockChain.ts"
import { digest, type Side } from "../../protocol/credit/TallyDocument.ts"
import { send } from "../../protocol/credit/TallyEvent.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Identity } from "../link/Identity.ts"
import { Records } from "../Records.ts"
import { acting, type Answer, both, nothing, owingFor, refusing } from "./Answer.ts"
import type { Mark } from "./CreditMeter.ts"
import * as Tables from "./CreditTables.ts"
import * as Halves from "./Halves.ts"

export type Message = ChainEvent.ToFoil | ChainEvent.ToStock

/** The side that a message is for. */
export const sideOf = ({ _tag }: Message): Side => (_tag === "Entered" || _tag === "Fetch" ? "stock" : "foil")

/** What the machines ask to be read, as the messages that are made of it. */
const messagesOf = Effect.fnUntraced(function* (half: TallyHalf, reading: Reading) {
  if (reading._tag === "Propose") return StockChain.proposals(half, yield* Halves.loose(half, reading.most))
  const indexes = reading._tag === "Where" ? reading.indexes : [reading.after]
  const found = yield* Halves.places(half, indexes)
  const genesis = half.document === undefined || !indexes.includes(0) ? [] : [{ index: 0, hash: digest(half.document) }]
  const places = [...found, ...genesis]
  if (reading._tag === "Where") return several(StockChain.where(half, places))
  const [after] = places
  if (after === undefined) return []
  const chits = yield* Halves.placed(half, reading.after, reading.most)
  if (reading._tag === "Recall") return several(StockChain.history(half, after, chits))
  return [FoilChain.entered(half, after, chits, (yield* Identity).sign)]
})

const several = (message: CreditMessage | undefined): ReadonlyArray<CreditMessage> =>
  message === undefined ? [] : [message]

const sent = Effect.fnUntraced(function* (half: TallyHalf, readings: ReadonlyArray<Reading>) {
  const messages = yield* Effect.forEach(readings, (reading) => messagesOf(half, reading))
  return messages.flat().flatMap((message): ReadonlyArray<Action> => send(half, message))
})

const keep = Effect.fnUntraced(function* ({ holder, id }: TallyHalf, all: ReadonlyArray<Evidence>, at: number) {
  const records = yield* Records
  for (const { against, entry, reason } of all) {
    const content = Chit.digest(entry.chit.core)
    const row = { tally: id, holder, entry, digest: content, reason, at }
    yield* records.put(Tables.evidence, against === undefined ? row : { ...row, against })
  }
})

/** Once nothing is waited for, nothing is objected to. */
const agreeing = ({ objection, ...half }: TallyHalf): TallyHalf =>
  objection === undefined || isQuiet(half) ? half : { ...half, objection }

/** A chit that has got its place now. How long it was good before is told of those of this side's that the other side orders. */
const placing = (half: TallyHalf, before: ChitState | undefined, chit: ChitState, now: number): ReadonlyArray<Mark> => {
  if (chit.index === undefined || before?.index !== undefined) return []
  const isOwn = half.side === "stock" && chit.core.by === "stock" && before?.status === "good"
  return [{ _tag: "Placed", millis: isOwn ? Math.max(0, now - before.changed) : undefined }]
}

/** Stores what a step says. The half is locked. */
const take = Effect.fnUntraced(function* (
  half: TallyHalf,
  result: ChainResult,
  { known }: ChainEvent.Loaded,
  now: number
) {
  const records = yield* Records
  yield* keep(half, result.evidence, now)
  if (result._tag === "Unfit") return refusing(result)
  for (const chit of result.chits) yield* records.put(Tables.chits, chit)
  const stepped = result.isUnset === true ? { ...result.state, sets: yield* Halves.sets(half) } : result.state
  const closed = closeIfDone(stepped)
  const state = agreeing(closed?.state ?? stepped)
  yield* records.put(Tables.halves, state)
  const told = result.reading === undefined ? [] : yield* sent(result.state, [result.reading])
  const answer: Answer = {
    ...nothing,
    actions: [...result.actions, ...told, ...(closed?.actions ?? [])],
    records: result.records,
    owing: owingFor(state, half),
    marks: result.chits.flatMap((chit) => placing(half, known.get(chit.core.uuid), chit, now))
  }
  return result.refused === undefined ? answer : both(answer, refusing(result.refused))
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
  const loaded = yield* Halves.load(half, { chits: [entry.chit.core.uuid], indexes: [] })
  const event: ChainEvent.Good = { _tag: "Good", entry, loaded, now }
  const result = half.side === "foil" ? FoilChain.step(half, event) : StockChain.step(half, event)
  return yield* take(half, result, loaded, now)
})

/** The lifts whose chits a message brings are claimed before the half is locked, as everybody does who has to do with both. */
const claimLifts = Effect.fnUntraced(function* (message: Message) {
  const entries = message._tag === "Propose" ? message.chits : "entries" in message ? message.entries : []
  const lifts = entries.flatMap(({ record }) => (record === undefined ? [] : [record.plan.lift]))
  const records = yield* Records
  for (const lift of [...new Set(lifts)].toSorted()) yield* records.claim(`credit lift ${lift}`)
})

/** A message of a node, which is stale where no such tally is shared with it. */
export const hear = Effect.fnUntraced(function* (message: Message, from: NodeKey) {
  const now = yield* Clock.currentTimeMillis
  yield* claimLifts(message)
  const half = yield* Halves.addressed(message.tally, sideOf(message), from)
  if (half === undefined) return refusing(unfit("stale", "unknown-tally", "there is no such tally here"))
  const loaded = yield* Halves.load(half, ChainEvent.loads(message))
  const result =
    message._tag === "Entered" || message._tag === "Fetch"
      ? StockChain.step(half, { _tag: "Received", from, message, loaded, now })
      : FoilChain.step(half, { _tag: "Received", from, message, loaded, now })
  return yield* take(half, result, loaded, now)
})

/** Foil has refused chits of these ids, because it has others under them. The half is stock's, and locked. */
export const conflicted = Effect.fnUntraced(function* (half: TallyHalf, ids: ReadonlyArray<Chit.ChitId>) {
  const now = yield* Clock.currentTimeMillis
  const loaded = yield* Halves.load(half, { chits: ids, indexes: [] })
  return yield* take(half, StockChain.step(half, { _tag: "Conflicted", loaded, now }), loaded, now)
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
  return acting(yield* sent(half, readings))
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
