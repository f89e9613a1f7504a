/** What a peer was asked for, and the blocks of which it consists. */

/** What a peer was asked for with one request. */
export interface Chunk {
  readonly peer: number
  readonly request: number
  /** Blocks that it was asked for. */
  readonly size: number
  /** Those that have not come, and that the peer has not refused. */
  readonly owed: Set<Slot>
  /** When the peer can have begun with it, in milliseconds: when it was asked, or was done with what it was asked before. */
  from: number
  /** Bytes of it that have come. */
  given: number
  /** The peer was told off for it. */
  isStruck: boolean
}

/** A block that is wanted, or under way though it is not wanted any more. */
export interface Slot {
  readonly id: string
  /** -1 if it is not wanted any more. */
  height: number
  /** Its size if it is here, else -1. */
  bytes: number
  /** The chunks that owe it. */
  readonly copies: Array<Chunk>
  /** Peers that cannot give it, and until when that is believed. */
  readonly refused: Map<number, number>
  /** How often the window had moved when there was no room for it; -1 if there was. */
  turnedAway: number
}

/** Whether it is wanted and not here. */
export const isMissing = ({ bytes, height }: Slot): boolean => bytes < 0 && height >= 0

/** A chunk that is asked for now, and of which no block was added yet. */
export const chunkOf = (peer: number, request: number, size: number, now: number): Chunk => ({
  peer,
  request,
  size,
  owed: new Set(),
  from: now,
  given: 0,
  isStruck: false
})
