/**
 * The chain of chits as stock keeps it: the order is foil's, and stock takes over what continues what it has. Its own chits count as
 * soon as they are good, and are proposed until they come back with a place.
 *
 * A step costs what its message brings, however long the chain is.
 */
import { Booking } from "./Booking.ts"
import type { Conflicted, Fetch, Good, Received, StockEvent } from "./ChainEvent.ts"
import { admit, isTurnedAway } from "./ChainGate.ts"
import {
  alarm,
  type Begun,
  type ChainResult,
  closed,
  done,
  forged,
  misfit,
  noRoom,
  type Reading,
  send
} from "./ChainStep.ts"
import type { Position } from "./ChitLog.ts"
import { entryOf, isSameCore } from "./ChitProof.ts"
import type { ChitState } from "./ChitState.ts"
import { type CreditMessage, mostEntries } from "./CreditMessage.ts"
import { ackOf, entered } from "./StockPlacing.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** Chits that one repair proposes, at most. */
export const mostProposed = 8 * mostEntries

/** A chit of stock's, or of a lift that is good: it counts, and is proposed. */
const keep = (half: Begun, { entry, loaded, now }: Good): ChainResult => {
  const { core } = entry.chit
  if (half.status === "closed" && core.type !== "lift") return closed(half)
  if (core.type !== "lift" && core.by !== "stock")
    return misfit(half, "refused", "not-its-own", "foil issues this chit")
  const booking = new Booking(half, loaded, "here", now)
  const known = booking.find(core.uuid)
  if (known !== undefined && !isSameCore(known, core))
    return misfit(half, "refused", "conflict", "its id has another content")
  if (known?.status === "good") return misfit(half, "stale", "good", "it is good already")
  const wrong = booking.fault(entry)
  if (wrong !== undefined) return forged(half, entry, wrong)
  const misplaced = booking.keep(entry)
  if (misplaced !== undefined) return noRoom(half, entry, misplaced)
  const message: CreditMessage = { _tag: "Propose", tally: half.id, chits: [entry], at: half.chain.at }
  return booking.done({}, { actions: send(half, message) })
}

/** Foil has other chits of these ids: stock's, as far as they have no place, count no more. */
const takeBack = (half: Begun, { loaded, now }: Conflicted): ChainResult => {
  const booking = new Booking(half, loaded, "there", now)
  const ours = [...loaded.known.values()].filter(
    ({ core, index, status }) => status === "good" && index === undefined && core.type !== "lift"
  )
  for (const known of ours) booking.takeBack(known)
  const { id: tally } = half
  return booking.done(
    {},
    {
      evidence: ours.map((known) => ({ entry: entryOf(known), reason: "conflict" })),
      actions: ours.flatMap(({ core }) => alarm(half, "chit.conflict", { tally, chit: core.uuid }))
    }
  )
}

/** Foil has lost what it has ordered, and asks for it. */
const recall = (half: Begun, { message: { after } }: Received<Fetch>): ChainResult =>
  after >= half.chain.at.index
    ? done(half, { actions: ackOf(half) })
    : done(half, { reading: { _tag: "Recall", after, most: mostEntries } })

/** What an event does to stock's half. */
export const step = (half: TallyHalf, event: StockEvent): ChainResult => {
  const begun = admit(half, "stock", event)
  if (isTurnedAway(begun)) return begun
  if (event._tag === "Good") return keep(begun, event)
  if (event._tag === "Conflicted") return takeBack(begun, event)
  const { message } = event
  return message._tag === "Entered" ? entered(begun, { ...event, message }) : recall(begun, { ...event, message })
}

/** The messages for a `Propose`: chits that are good and have no place. */
export const proposals = (half: TallyHalf, states: ReadonlyArray<ChitState>): ReadonlyArray<CreditMessage> => {
  const { chain } = half
  if (chain === undefined) return []
  const chits = states.filter(({ index, status }) => status === "good" && index === undefined).map(entryOf)
  return Array.from({ length: Math.ceil(chits.length / mostEntries) }, (_, i) => ({
    _tag: "Propose",
    tally: half.id,
    chits: chits.slice(i * mostEntries, (i + 1) * mostEntries),
    at: chain.at
  }))
}

/** The message for a `Where`: the places that were read; none if there are none. */
export const where = (half: TallyHalf, places: ReadonlyArray<Position>): CreditMessage | undefined => {
  const { chain, id } = half
  if (chain === undefined || places.length === 0) return undefined
  const { head } = chain
  const newestFirst = places.toSorted((one, other) => other.index - one.index)
  return { _tag: "Where", tally: id, places: newestFirst, ...(head === undefined ? {} : { head }) }
}

/**
 * The message for a `Recall`: the place `after`, and the chits behind it that were read, in their order, up to the last of them whose
 * place foil's agent has signed. None if it has signed none of them.
 */
export const history = (
  half: TallyHalf,
  after: Position,
  states: ReadonlyArray<ChitState>
): CreditMessage | undefined => {
  const last = states.findLastIndex(({ head }) => head !== undefined)
  const { hash, head: sign, index } = states[last] ?? {}
  if (sign === undefined || index === undefined || hash === undefined) return undefined
  const entries = states.slice(0, last + 1).map(entryOf)
  return { _tag: "History", tally: half.id, after, entries, head: { index, hash, sign } }
}

/** What is read and sent now and then, at a start, and when the partner was restored. */
export const repair = ({ chain }: TallyHalf): ReadonlyArray<Reading> => {
  if (chain === undefined) return []
  const where: Reading = { _tag: "Where", indexes: [chain.at.index] }
  return chain.unplaced === 0 ? [where] : [{ _tag: "Propose", most: mostProposed }, where]
}

/** All that is good here has its place. */
export const isQuiet = ({ chain }: TallyHalf): boolean => chain === undefined || chain.unplaced === 0
