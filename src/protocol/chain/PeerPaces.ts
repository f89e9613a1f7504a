/** All peers that may be asked for blocks: who can give which, who has room for a request, and who comes first. */
import type { Chunk, Slot } from "./BodyChunk.ts"
import type { Policy } from "./BodyPolicy.ts"
import { PeerPace } from "./PeerPace.ts"

const never = Number.POSITIVE_INFINITY
/** What a block weighs in the mean of their sizes. */
const weightOfBlock = 1 / 16

export class PeerPaces {
  readonly #policy: Policy
  readonly #peers = new Map<number, PeerPace>()
  #blockBytes: number

  constructor(policy: Policy) {
    this.#policy = policy
    this.#blockBytes = Math.max(1, policy.chunk.bytes / policy.chunk.least)
  }

  /** The mean size of blocks, smoothed; until one has come so much that a chunk of the fewest is full. */
  get blockBytes(): number {
    return this.#blockBytes
  }

  get(id: number): PeerPace | undefined {
    return this.#peers.get(id)
  }

  join(id: number, height: number, now: number): void {
    this.#peers.set(id, new PeerPace(id, height, now))
  }

  leave(id: number): void {
    this.#peers.delete(id)
  }

  /** Nobody is known to have anything above this height. */
  lower(height: number): void {
    for (const peer of this.#peers.values()) peer.height = Math.min(peer.height, height)
  }

  /** A block of this size has come from somebody. */
  weigh(bytes: number): void {
    this.#blockBytes += weightOfBlock * (Math.max(1, bytes) - this.#blockBytes)
  }

  has({ height, id }: PeerPace, slot: Slot): boolean {
    return slot.height <= height && !slot.refused.has(id)
  }

  hasRoom(peer: PeerPace, now: number): boolean {
    return peer.chunks.length < (peer.isSlow(now) ? 1 : this.#policy.perPeer)
  }

  /** Those who owe just so many chunks, have room, and have blocks of this height: the fastest first. */
  owing(chunks: number, height: number, now: number): ReadonlyArray<PeerPace> {
    const some = [...this.#peers.values()].filter((peer) => peer.chunks.length === chunks && peer.height >= height)
    return ranked(some.filter((peer) => this.hasRoom(peer, now)))
  }

  /** When a chunk is late: after `lateMillis`, or what its peer needs for it if that is longer. */
  deadline(chunk: Chunk, lateMillis: number): number {
    const expected = this.#peers.get(chunk.peer)?.expected(chunk, this.#blockBytes) ?? 0
    const { lateFactor, slowMillis } = this.#policy
    return chunk.from + Math.max(lateMillis, Math.min(slowMillis, lateFactor * expected))
  }

  /** When all copies of a block are late; infinite if nobody was asked for it. */
  lateAt({ copies }: Slot, lateMillis: number): number {
    let late = copies.length === 0 ? never : -never
    for (const chunk of copies) late = Math.max(late, this.deadline(chunk, lateMillis))
    return late
  }

  /** When the oldest chunk of a peer is late. */
  busyUntil({ chunks }: PeerPace, lateMillis: number): number {
    return chunks[0] === undefined ? never : this.deadline(chunks[0], lateMillis)
  }

  /** Those that can give a block and were not asked: the best first, slow ones only where all others are stuck. */
  others(slot: Slot, lateMillis: number, now: number): ReadonlyArray<PeerPace> {
    const asked = new Set(slot.copies.map(({ peer }) => peer))
    const all = [...this.#peers.values()].filter((peer) => this.has(peer, slot) && !asked.has(peer.id))
    const well = all.filter((peer) => {
      return !peer.isSlow(now) && (this.hasRoom(peer, now) || this.busyUntil(peer, lateMillis) > now)
    })
    return ranked(well.length > 0 ? well : all)
  }

  /** Whether somebody has it who is not slow. */
  isElsewhere(slot: Slot, now: number): boolean {
    for (const peer of this.#peers.values()) if (this.has(peer, slot) && !peer.isSlow(now)) return true
    return false
  }

  /** The greatest height that somebody has who is not slow; -1 if there is none. */
  reach(now: number): number {
    let reach = -1
    for (const peer of this.#peers.values()) if (!peer.isSlow(now)) reach = Math.max(reach, peer.height)
    return reach
  }

  /** When the next of those who are slow has done its time. */
  slowUntil(now: number): number {
    let until = never
    for (const { slowUntil } of this.#peers.values()) if (slowUntil > now) until = Math.min(until, slowUntil)
    return until
  }
}

/** Those who owe least first, of these the fastest, of these who came first. */
const ranked = (peers: ReadonlyArray<PeerPace>): ReadonlyArray<PeerPace> =>
  [...peers].sort((a, b) => a.chunks.length - b.chunks.length || b.rate - a.rate)
