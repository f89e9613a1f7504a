/**
 * The chain of chits as foil keeps it, who decides the order: what becomes good at either side gets the next place, once, and stock
 * is told. Nothing here trusts that a message arrives: what stock has is what stock says.
 *
 * A step costs what its message brings, however long the chain is.
 */
import type { Ack, FoilEvent, Received, Where } from "./ChainEvent.ts"
import { admit, isTurnedAway } from "./ChainGate.ts"
import { type Begun, type ChainResult, done, misfit, type Reading, send, troubled } from "./ChainStep.ts"
import { isHeadSigned, type Position, signHead } from "./ChitLog.ts"
import { entryOf } from "./ChitProof.ts"
import type { ChitState } from "./ChitState.ts"
import type { CreditMessage } from "./CreditMessage.ts"
import { order, propose } from "./FoilOrdering.ts"
import { agreeing, push, pushed, wondering } from "./FoilPushing.ts"
import * as Recovery from "./FoilRecovery.ts"
import * as Places from "./Places.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** Stock has everything up to a place. It counts for ever, unless stock says by `Where` that it has less. */
const ack = (half: Begun, event: Received<Ack>): ChainResult => {
  const { loaded, message } = event
  const { at } = message
  if (!Places.isHere(half, loaded.places, at)) return wondering(half)
  const state = agreeing(half, at)
  const { chain } = state
  const closedThere = chain.closedThere || (message.closed && at.index === chain.at.index)
  const acked = { ...state, chain: { ...chain, closedThere } }
  if (loaded.loose.length > 0) return Recovery.order(acked, event)
  return chain.told < chain.at.index ? pushed(acked, chain.told) : done(acked)
}

/** Stock names places of its own: it lacks something, or has what foil lacks, or just makes sure. */
const where = (half: Begun, { loaded, message }: Received<Where>): ChainResult => {
  const { chain } = half
  const places = message.places.toSorted((one, other) => other.index - one.index)
  const common = places.find((place) => Places.isHere(half, loaded.places, place))
  const newest = places[0]
  if (common === undefined) return places.at(-1)?.index === 0 ? troubled(half) : wondering(half)
  const state = { ...half, chain: { ...chain, agreed: common.index, told: common.index } }
  if (newest === common) return pushed(state, common.index)
  const { head } = message
  const isOurs =
    head !== undefined &&
    newest !== undefined &&
    Places.isSame(head, newest) &&
    isHeadSigned(half.id, head, half.document.foil.cert.chad.agent)
  if (!isOurs) return misfit(half, "refused", "unsigned-order", "foil's agent has not signed that order")
  return done(state, { actions: send(half, { _tag: "Fetch", tally: half.id, after: common.index }) })
}

/** What an event does to foil's half. */
export const step = (half: TallyHalf, event: FoilEvent): ChainResult => {
  const begun = admit(half, "foil", event)
  if (isTurnedAway(begun)) return begun
  if (event._tag === "Good") return order(begun, event)
  const { message } = event
  switch (message._tag) {
    case "Propose":
      return propose(begun, { ...event, message })
    case "Ack":
      return ack(begun, { ...event, message })
    case "Where":
      return where(begun, { ...event, message })
    case "History":
      return Recovery.adopt(begun, { ...event, message })
  }
}

/** The message for a `Push`: the place `after`, and the chits behind it that were read, in their order. */
export const entered = (
  half: TallyHalf,
  after: Position,
  states: ReadonlyArray<ChitState>,
  sign: (message: Uint8Array) => Uint8Array
): CreditMessage => {
  const entries = states.map(entryOf)
  const end = Places.behind(after, entries).at(-1) ?? after
  return { _tag: "Entered", tally: half.id, after, entries, head: signHead(half.id, end, sign) }
}

/** What is read and sent now and then, at a start, and when the partner was restored: what stock has not said to have. */
export const repair = ({ chain }: TallyHalf): ReadonlyArray<Reading> =>
  chain === undefined ? [] : [push(chain.agreed)]

/** Stock has said to have everything, and all that is good has its place. */
export const isQuiet = ({ chain }: TallyHalf): boolean =>
  chain === undefined || (chain.agreed === chain.at.index && chain.unplaced === 0)
