/**
 * What nodes have sent on connections that are over, kept so that it can come again: the last few of each ordered pair,
 * the beginning of each, and no more in all than a small memory holds.
 */

const mostOfOne = 256 * 1024
const mostOfPair = 3
const mostOfAll = 32 * 1024 * 1024
/** What an array of bytes takes beside the bytes. */
const overhead = 160

/** What one node sends on one connection. */
export class Recording {
  readonly chunks: Array<Uint8Array> = []
  /** Where the connection was dialled. */
  readonly port: number
  /** Memory that it takes. */
  size = 0
  /** When the connection ended, by the clock of the ghosts. */
  endedAt = 0
  readonly #ghosts: Ghosts
  readonly #pair: string
  #bytes = 0
  #full = false
  #ended = false

  constructor(ghosts: Ghosts, pair: string, port: number) {
    this.#ghosts = ghosts
    this.#pair = pair
    this.port = port
  }

  /** Keeps as much of it as there is room for; nothing after the first that was not kept whole. */
  add(bytes: Uint8Array): void {
    if (this.#full) return
    const kept = bytes.subarray(0, mostOfOne - this.#bytes)
    this.#full = kept.length < bytes.length || kept.length === 0
    if (kept.length === 0 || !this.#ghosts.admits(kept.length + overhead)) {
      this.#full = true
      return
    }
    this.size += kept.length + overhead
    this.#bytes += kept.length
    this.chunks.push(kept)
  }

  /** The connection is over in this direction. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#full = true
    this.endedAt = this.#ghosts.now()
    this.#ghosts.keep(this.#pair, this)
  }
}

export class Ghosts {
  readonly now: () => number
  readonly #kept = new Map<string, Array<Recording>>()
  #size = 0

  /** `now` is the clock that says how old a recording is; nobody asks by default. */
  constructor(now: () => number = () => 0) {
    this.now = now
  }

  record(from: string, to: string, port: number): Recording {
    return new Recording(this, pairOf(from, to), port)
  }

  /** What the one sent to the other on the connection that ended last. */
  last(from: string, to: string): Recording | undefined {
    return this.#kept.get(pairOf(from, to))?.at(-1)
  }

  /** Part of a recording: whether there is room, which is taken then. */
  admits(size: number): boolean {
    if (this.#size + size > mostOfAll) return false
    this.#size += size
    return true
  }

  /** Part of a recording that has ended. */
  keep(pair: string, recording: Recording): void {
    if (recording.chunks.length === 0) return
    const kept = this.#kept.get(pair)
    if (kept === undefined) this.#kept.set(pair, [recording])
    else if (kept.push(recording) > mostOfPair) this.#size -= kept.shift()!.size
  }
}

const pairOf = (from: string, to: string): string => `${from}>${to}`
