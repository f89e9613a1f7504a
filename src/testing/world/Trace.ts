/**
 * What happened in a world: a rolling hash of everything, and the last events in words.
 *
 * Two runs of one seed and plan have the same hash at every event. Checkpoints of it, taken as the run goes on, tell
 * where two runs that differ parted.
 */

/** One event, for people and for `explain`. Details are facts that a replay repeats: no ids of the process, no times. */
export interface TraceEvent {
  /** Its number in the run. */
  readonly n: number
  /** Microseconds of world time. */
  readonly at: number
  /** The node that it happened at; "" for the world itself. */
  readonly node: string
  readonly kind: string
  readonly detail: Readonly<Record<string, string | number | boolean>>
}

/** The hash after event `n`. */
export interface Checkpoint {
  readonly n: number
  readonly hash: string
}

export interface Options {
  /** Events that are kept in words; the oldest go first. 10,000 by default. */
  readonly kept?: number | undefined
}

/** Checkpoints are taken at this many events at first, and at twice as many whenever there are `maxCheckpoints`. */
const firstSpacing = 1_000
const maxCheckpoints = 4_096

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0")

export class Trace {
  readonly #kept: number
  #ring: Array<TraceEvent> = []
  #next = 0
  #a = 0x9e3779b9
  #b = 0x85ebca6b
  #count = 0
  #spacing = firstSpacing
  /** The two words of the hash after every `#spacing` events, as bare numbers: a long run has thousands of them. */
  #checkpoints: Array<number> = []

  constructor({ kept = 10_000 }: Options = {}) {
    this.#kept = kept
  }

  /** Events so far. */
  get count(): number {
    return this.#count
  }

  get hash(): string {
    return hex(this.#a) + hex(this.#b)
  }

  get checkpoints(): ReadonlyArray<Checkpoint> {
    return Array.from({ length: this.#checkpoints.length / 2 }, (_, index) => ({
      n: (index + 1) * this.#spacing,
      hash: hex(this.#checkpoints[2 * index]!) + hex(this.#checkpoints[2 * index + 1]!)
    }))
  }

  /** The events that are kept, oldest first. */
  get events(): ReadonlyArray<TraceEvent> {
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)]
  }

  /** Makes a number part of the hash. */
  mix(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0x9e3779b1)
    this.#a ^= this.#a >>> 15
    this.#b = Math.imul(this.#b + value, 0x85ebca77) ^ this.#a
    this.#b ^= this.#b >>> 13
  }

  /** Makes bytes part of the hash: all of a short chunk, both ends of a long one, which a cipher spreads over. */
  mixBytes(bytes: Uint8Array): void {
    const { length } = bytes
    this.mix(length)
    const head = length <= 256 ? length : 128
    for (let i = 0; i < head; i += 4) this.mix(word(bytes, i))
    if (head < length) for (let i = length - 128; i < length; i += 4) this.mix(word(bytes, i))
  }

  mixText(text: string): void {
    this.mix(text.length)
    for (let i = 0; i < text.length; i++) this.mix(text.charCodeAt(i))
  }

  /** Counts an event at a time. Every fired timer and delivered chunk is one, whether it is kept in words or not. */
  tick(at: number): void {
    this.#count++
    this.mix(at)
    this.mix(at / 0x100000000)
    if (this.#count % this.#spacing === 0) this.#checkpoint()
  }

  /** An event in words. */
  record(at: number, node: string, kind: string, detail: TraceEvent["detail"] = {}): void {
    this.mixText(kind)
    this.mixText(node)
    for (const value of Object.values(detail)) {
      if (typeof value === "number") this.mix(value)
      else this.mixText(String(value))
    }
    const event = { n: this.#count, at, node, kind, detail }
    if (this.#ring.length < this.#kept) this.#ring.push(event)
    else {
      this.#ring[this.#next] = event
      this.#next = (this.#next + 1) % this.#kept
    }
  }

  #checkpoint(): void {
    this.#checkpoints.push(this.#a, this.#b)
    if (this.#checkpoints.length < 2 * maxCheckpoints) return
    // Every other one stays.
    this.#checkpoints = this.#checkpoints.filter((_, index) => index % 4 >= 2)
    this.#spacing *= 2
  }
}

const word = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
