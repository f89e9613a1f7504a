/**
 * The numbered stream of messages each way (docs/PROTOCOL.md, 7): what may be sent, what a receipt covers, what is
 * new and what is a duplicate, and whether one of the two databases is older than the other remembers.
 *
 * Numbers count from 1 and have no holes. A receipt is cumulative. Pure; the stores keep what must last.
 */
import type { Data, Item, Resume } from "./DeliveryFrame.ts"

/** The own stream as the database has it. */
export interface Sending {
  readonly stream: string
  /** The last number given out. */
  readonly last: bigint
  /** The last number receipted and settled. */
  readonly receipted: bigint
}

export type Resumption =
  /** Settle what the peer has up to `position`, then send what comes after it. */
  | { readonly _tag: "Continue"; readonly position: bigint }
  /** The peer's database is older than its own receipts: start a new stream and ask the protocols what is missing. */
  | { readonly _tag: "PeerRestored"; readonly position: bigint }
  /** Our database is older than what the peer has had from us: send again all that we owe, on a new stream. */
  | { readonly _tag: "SelfRestored"; readonly position: bigint }

/**
 * What the peer's RESUME means for the own stream. A restored database settles nothing by the peer's position: what it
 * has forgotten may have been answered with something else than Ok, and the peer need not have kept that.
 */
export const resume = (ours: Sending, theirs: Resume["received"]): Resumption => {
  const same = theirs.stream === ours.stream
  const position = same ? theirs.position : 0n
  if (position > ours.last || (same && theirs.seen > ours.receipted)) {
    return { _tag: "SelfRestored", position: ours.receipted }
  }
  if (position < ours.receipted) return { _tag: "PeerRestored", position: ours.receipted }
  return { _tag: "Continue", position }
}

/** How far the sender may run ahead of the receipts. */
export interface Window {
  readonly messages: number
  readonly bytes: number
}

/** The farthest that any sender may run ahead; the last message may pass the bytes. */
export const maxAhead: Window = { messages: 4_096, bytes: 4 * 1024 * 1024 }

/**
 * More than a sender that keeps to `maxAhead` can have under way, every frame sent twice and the largest message last.
 */
export const isTooFarAhead = ({ bytes, messages }: Window): boolean =>
  messages > 2 * maxAhead.messages || bytes > 3 * maxAhead.bytes

export interface Batch {
  readonly upTo: bigint
  readonly messages: number
  readonly bytes: number
}

/** The sender's side of one session. */
export interface Outgoing {
  readonly stream: string
  readonly receipted: bigint
  readonly sent: bigint
  readonly inFlight: ReadonlyArray<Batch>
}

/** A sender that goes on after `position`. */
export const outgoing = (stream: string, position: bigint): Outgoing => ({
  stream,
  receipted: position,
  sent: position,
  inFlight: []
})

/** What may be sent now; `messages` 0 if the window is full. The last batch may pass the byte limit. */
export const room = (window: Window, state: Outgoing): Window => {
  let messages = window.messages
  let bytes = window.bytes
  for (const batch of state.inFlight) {
    messages -= batch.messages
    bytes -= batch.bytes
  }
  return messages <= 0 || bytes <= 0 ? { messages: 0, bytes: 0 } : { messages, bytes }
}

/** What has been sent and not been receipted, in bytes. */
export const bytesInFlight = (state: Outgoing): number => state.inFlight.reduce((sum, { bytes }) => sum + bytes, 0)

/** The batch after `state.sent` has been handed to the connection. */
export const sent = (state: Outgoing, batch: Batch): Outgoing => ({
  ...state,
  sent: batch.upTo,
  inFlight: [...state.inFlight, batch]
})

export type Receipted =
  | { readonly _tag: "Progress"; readonly state: Outgoing }
  /** Says nothing new: an older position. */
  | { readonly _tag: "Old" }
  | { readonly _tag: "Violation"; readonly detail: string }

/** A receipt for everything up to `upTo`. */
export const receipted = (state: Outgoing, stream: string, upTo: bigint): Receipted => {
  if (stream !== state.stream)
    return { _tag: "Violation", detail: `receipt for stream ${stream}, ours is ${state.stream}` }
  if (upTo > state.sent) return { _tag: "Violation", detail: `receipt for ${upTo}, only ${state.sent} were sent` }
  if (upTo <= state.receipted) return { _tag: "Old" }
  return {
    _tag: "Progress",
    state: { ...state, receipted: upTo, inFlight: state.inFlight.filter((batch) => batch.upTo > upTo) }
  }
}

/** The peer's stream as the database has it; no stream before the first message. */
export interface Receiving {
  readonly stream: string | null
  readonly position: bigint
}

export interface Fresh {
  readonly seq: bigint
  readonly item: Item
}

export type Received =
  /** `fresh` are to be handled in order; `duplicates` were handled before. `adopts`: a new stream starts here. */
  | {
      readonly _tag: "Batch"
      readonly fresh: ReadonlyArray<Fresh>
      readonly duplicates: number
      readonly adopts: boolean
      readonly position: bigint
    }
  /** Something before it is missing, or a stream starts in its middle: close and resume, never skip. */
  | { readonly _tag: "Violation"; readonly detail: string }

/** What is left of DATA frames once everything up to `upTo` has been handled. */
export const beyond = (frames: ReadonlyArray<Data>, upTo: bigint): ReadonlyArray<Data> =>
  frames.flatMap((frame) => {
    const known = Number(upTo + 1n - frame.first)
    if (known <= 0) return [frame]
    return known >= frame.items.length ? [] : [{ ...frame, first: upTo + 1n, items: frame.items.slice(known) }]
  })

/** What a DATA frame brings, given how far its stream has been handled. */
export const receive = (state: Receiving, data: Pick<Data, "stream" | "first" | "items">): Received => {
  const adopts = data.stream !== state.stream
  const position = adopts ? 0n : state.position
  if (data.first === 0n) return { _tag: "Violation", detail: "numbers start at 1" }
  if (data.first > position + 1n) {
    return {
      _tag: "Violation",
      detail: `message ${data.first} came after ${position}: ${data.first - position - 1n} are missing`
    }
  }
  const known = Math.min(Number(position + 1n - data.first), data.items.length)
  const fresh = data.items.slice(known).map((item, index) => ({ seq: data.first + BigInt(known + index), item }))
  return { _tag: "Batch", fresh, duplicates: known, adopts, position: position + BigInt(fresh.length) }
}
