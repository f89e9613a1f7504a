/**
 * Finding the half of a tally that something is about, and its chits. Whoever changes a half has it locked: everything else about a
 * tally is changed under that lock.
 */
import { Effect } from "effect"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import {
  type Loaded,
  type Loads,
  mostLoose,
  type Page,
  type Recovery,
  recoveryPages
} from "../../protocol/credit/ChainEvent.ts"
import type { ChitId } from "../../protocol/credit/Chit.ts"
import type { Index, Position } from "../../protocol/credit/ChitLog.ts"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import * as Sets from "../../protocol/credit/Sets.ts"
import type { Side, TallyId } from "../../protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { maxPage } from "../RecordTable.ts"
import { Records } from "../Records.ts"
import * as Tables from "./CreditTables.ts"

/** A user's half, locked. */
export const own = Effect.fnUntraced(function* (holder: Cuid, tally: TallyId) {
  return yield* (yield* Records).lock(Tables.halves, [holder, tally])
})

/** The half that a message of this node is for, locked: of that side, and shared with that node. */
export const addressed = Effect.fnUntraced(function* (tally: TallyId, side: Side, from: NodeKey) {
  const records = yield* Records
  const [found] = yield* records.page(Tables.halves, "side", { prefix: [tally, side, from], limit: 1 })
  return found === undefined ? undefined : yield* records.lock(Tables.halves, [found.holder, tally])
})

const placeOf = ({ hash, index }: ChitState): ReadonlyArray<Position> =>
  hash === undefined || index === undefined ? [] : [{ index, hash }]

/** Chits that have a place behind `after`, in their order. */
export const placed = Effect.fnUntraced(function* ({ holder, id }: TallyHalf, after: Index, limit: number) {
  const records = yield* Records
  const prefix = [holder, id]
  return yield* records.page(Tables.chits, "place", { prefix, after: [...prefix, after], limit })
})

/** What both sides have set, read from the whole chain a page at a time. */
export const sets = Effect.fnUntraced(function* (half: TallyHalf) {
  let all = Sets.none
  for (let last: Index | undefined = 0; last !== undefined;) {
    const page: ReadonlyArray<ChitState> = yield* placed(half, last, maxPage)
    all = page.reduce((sets, { core }) => Sets.after(sets, core), all)
    last = page.length === maxPage ? page.at(-1)?.index : undefined
  }
  return all
})

/** The places of a half with these indexes, as far as they have to be read: place 0 is none, and the last one is in the half. */
export const places = Effect.fnUntraced(function* ({ chain, holder, id }: TallyHalf, indexes: ReadonlyArray<Index>) {
  const records = yield* Records
  const end = chain?.at.index ?? 0
  const inside = [...new Set(indexes)].filter((index) => index > 0 && index < end)
  const found = yield* Effect.forEach(inside, (index) =>
    records.page(Tables.chits, "place", { prefix: [holder, id, index], limit: 1 })
  )
  return found.flat().flatMap(placeOf)
})

/** Good chits without a place, the oldest first. */
export const loose = Effect.fnUntraced(function* ({ holder, id }: TallyHalf, limit: number) {
  return yield* (yield* Records).page(Tables.chits, "loose", { prefix: [holder, id], limit })
})

export const chit = Effect.fnUntraced(function* ({ holder, id }: TallyHalf, uuid: ChitId) {
  return yield* (yield* Records).get(Tables.chits, [holder, id, uuid])
})

const page = (half: TallyHalf, { after, most }: Page) => (most === 0 ? Effect.succeed([]) : placed(half, after, most))

/** What foil compares with what stock shows: two pages. */
const recovered = Effect.fnUntraced(function* (half: TallyHalf, recovery: Recovery | undefined) {
  if (recovery === undefined || half.chain === undefined) return { behind: [], tail: [] }
  const pages = recoveryPages(recovery, half.chain.at.index)
  return { behind: yield* page(half, pages.behind), tail: yield* page(half, pages.tail) }
})

/** Those of them that the half has. */
export const chits = Effect.fnUntraced(function* ({ holder, id }: TallyHalf, uuids: ReadonlyArray<ChitId>) {
  const records = yield* Records
  const keys = [...new Set(uuids)].map((uuid) => [holder, id, uuid] as const)
  const found: Array<ChitState> = []
  for (let at = 0; at < keys.length; at += maxPage) {
    found.push(...(yield* records.getAll(Tables.chits, keys.slice(at, at + maxPage))))
  }
  return new Map(found.map((one) => [one.core.uuid, one] as const))
})

/** Stores chits, each once. */
export const store = Effect.fnUntraced(function* (all: ReadonlyArray<ChitState>) {
  const records = yield* Records
  for (let at = 0; at < all.length; at += maxPage) yield* records.putAll(Tables.chits, all.slice(at, at + maxPage))
})

/** What a step of the chain has to be given. */
export const load = Effect.fnUntraced(function* (half: TallyHalf, loads: Loads) {
  const isLoose = loads.isRecovering === true && half.chain !== undefined && half.chain.unplaced > 0
  const loaded: Loaded = {
    known: yield* chits(half, loads.chits),
    places: yield* places(half, loads.indexes),
    ...(yield* recovered(half, loads.recovery)),
    loose: isLoose ? yield* loose(half, mostLoose) : []
  }
  return loaded
})
