/**
 * What one peer owes and how fast it gives: when each of its chunks is to be expected, and whether it was late so often that
 * others are asked first.
 */
import type { Chunk } from "./BodyChunk.ts"

/** What a new sample weighs in the mean of the throughput. */
const weightOfSample = 0.3
/** A chunk that came in time makes good for so much of one that was late. */
const amends = 1 / 8

export class PeerPace {
  readonly id: number
  /** The greatest height of the wanted chain that it is known to have; -1 if none is. */
  height: number
  /** What it was asked for and has not finished, the oldest first. */
  readonly chunks: Array<Chunk> = []
  #rate = 0
  #strikes = 0
  #gaveAt: number
  #slowSince = Number.NEGATIVE_INFINITY
  #slowUntil = Number.NEGATIVE_INFINITY

  constructor(id: number, height: number, now: number) {
    this.id = id
    this.height = height
    this.#gaveAt = now
  }

  /** Bytes in a millisecond, smoothed over its chunks; 0 until it has finished one. */
  get rate(): number {
    return this.#rate
  }

  /** When it is not slow any more, unless it still owes what it was slow with. */
  get slowUntil(): number {
    return this.#slowUntil
  }

  /** Others are asked first: it was late, its time is not over, or it has given nothing since. */
  isSlow(now: number): boolean {
    return now < this.#slowUntil || (this.chunks.length > 0 && this.#gaveAt < this.#slowSince)
  }

  /** When a chunk should have come, by its throughput and with what it was asked before; at once if that is unknown. */
  expected(chunk: Chunk, blockBytes: number): number {
    if (this.#rate === 0) return 0
    let blocks = 0
    for (const one of this.chunks) {
      blocks += one.size
      if (one === chunk) break
    }
    return (blocks * blockBytes) / this.#rate
  }

  /** It has said something to a chunk; `bytes` of a block if it has given one. */
  gave(chunk: Chunk, bytes: number, now: number): void {
    chunk.given += bytes
    this.#gaveAt = now
    if (chunk.owed.size > 0) return
    const at = this.chunks.indexOf(chunk)
    this.chunks.splice(at, 1)
    if (chunk.given > 0) this.#measure(chunk.given / Math.max(1, now - chunk.from))
    if (chunk.given > 0 && !chunk.isStruck) this.#strikes = Math.max(0, this.#strikes - amends)
    const next = this.chunks[0]
    if (at === 0 && next !== undefined) next.from = now
  }

  /** Somebody else was asked because it is late with this chunk. Whether it is slow from now on. */
  strike(chunk: Chunk, now: number, mostHedges: number, slowMillis: number): boolean {
    if (chunk.isStruck) return false
    chunk.isStruck = true
    this.#strikes++
    if (this.#strikes < mostHedges) return false
    this.#strikes = 0
    this.#slowSince = now
    this.#slowUntil = now + slowMillis
    return true
  }

  #measure(sample: number): void {
    this.#rate = this.#rate === 0 ? sample : this.#rate + weightOfSample * (sample - this.#rate)
  }
}
