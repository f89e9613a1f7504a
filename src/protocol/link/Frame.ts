/**
 * Frames: `u32 length | u8 version | u8 kind | body`, length counting everything after itself, big-endian
 * (docs/PROTOCOL.md, 3).
 *
 * The decoder is incremental: it takes chunks cut anywhere, checks a length before it allocates anything, and
 * hands out whole frames. Bodies may be views of the chunk they came in. Up to and including COMMIT or JOINED a frame is small.
 */
import { Schema } from "effect"

export const version = 1
/** Bytes before the body. */
export const headerSize = 6
/** Largest frame before the handshake is done, in bytes after the length field. */
export const maxBeforeHandshake = 4 * 1024
/** Largest frame on a live session, in bytes after the length field. */
export const maxOnSession = 4 * 1024 * 1024

/**
 * Kinds 1 to 127 must be understood: one that is not ends the connection. Kinds from 128 may be ignored, so that
 * a newer node can say more than an older one knows.
 */
export const Kind = {
  Hello: 1,
  Commit: 2,
  Reject: 3,
  Goodbye: 4,
  Ping: 5,
  Pong: 6,
  Join: 7,
  Joined: 8,
  Resume: 16,
  Data: 17,
  Receipt: 18,
  Stream: 19,
  Gossip: 128
} as const

const names = new Map<number, string>(Object.entries(Kind).map(([name, kind]) => [kind, name.toUpperCase()]))

/** What docs/PROTOCOL.md, 3, calls a kind, as "DATA"; "KIND 99" if it has no name. */
export const nameOf = (kind: number): string => names.get(kind) ?? `KIND ${kind}`

export const mayBeIgnored = (kind: number): boolean => kind >= 128

export interface Frame {
  readonly kind: number
  readonly body: Uint8Array
}

/** Bytes that are not a frame of this protocol; the connection that carried them is closed. */
export class FrameInvalid extends Schema.TaggedError<FrameInvalid>()("FrameInvalid", {
  reason: Schema.Literals(["oversized", "undersized", "version", "truncated"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.reason} frame: ${this.detail}`
  }
}

/** The header, before room for so much of the body. */
const begin = (kind: number, size: number, room: number): Uint8Array => {
  // Unlike a new Uint8Array, a small Buffer is cut from a shared block: ten times cheaper for a hundred bytes.
  const out = Buffer.allocUnsafe(headerSize + room)
  const length = size + 2
  out[0] = length >>> 24
  out[1] = length >>> 16
  out[2] = length >>> 8
  out[3] = length
  out[4] = version
  out[5] = kind
  return out
}

/** One frame as bytes, ready to be written. */
export const encode = (kind: number, body: Uint8Array): Uint8Array => {
  const out = begin(kind, body.length, body.length)
  out.set(body, headerSize)
  return out
}

/** A body from this size on is not copied to be written, in bytes. */
const large = 512

/** As `encode`; the body of a large frame stays where it is, and must stay as it is until it is written. */
export const encodeInPlace = (kind: number, body: Uint8Array): Uint8Array | readonly [Uint8Array, Uint8Array] =>
  body.length < large ? encode(kind, body) : [begin(kind, body.length, 0), body]

/** The kind of an encoded frame. */
export const kindOf = (frame: Uint8Array): number => frame[5]!

const nothing = new Uint8Array(0)
/** What a frame begun may take at once, in bytes, before that much of it has come. */
const freely = 128 * 1024

const lengthAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0

/**
 * Takes bytes in pieces and gives frames back. Owned by one reader.
 *
 * The bodies that it gives are views of the pieces it is fed, except where a frame lies in several: nothing else is
 * copied. It holds at most 128 KiB or twice the bytes that the frame begun has really brought, whatever length it
 * announces and however small the pieces are, and copies each byte a bounded number of times.
 */
export class Decoder {
  /**
   * A frame above it is refused by its length alone. The arbiter raises it when it sends COMMIT, and who sends JOINED
   * with that; the other side needs not, because what comes after them may already be in the same piece.
   */
  maxFrame: number
  #begun: Uint8Array = nothing
  #held = 0
  #failed: FrameInvalid | undefined

  constructor(maxFrame: number = maxBeforeHandshake) {
    this.maxFrame = maxFrame
  }

  /**
   * Appends to `frames` those that `piece` completes, in order. After the first invalid frame it fails for good and
   * nothing more is decoded.
   */
  feed(piece: Uint8Array, frames: Array<Frame>): FrameInvalid | undefined {
    if (this.#failed !== undefined) return this.#failed
    const from = this.#finishBegun(piece, frames)
    if (this.#failed !== undefined) return this.#failed
    const to = this.#takeWhole(piece, from, frames)
    const left = piece.length - to
    if (left > 0 && this.#failed === undefined) this.#keep(piece.subarray(to), this.#need(piece, to, left))
    return this.#failed
  }

  /** What it means that the input ends here: nothing between frames, a failure inside one. */
  end(): FrameInvalid | undefined {
    if (this.#failed !== undefined || this.#held === 0) return this.#failed
    return new FrameInvalid({ reason: "truncated", detail: `the input ended ${this.#held} bytes into a frame` })
  }

  /** Completes the frame that earlier pieces began, as far as this one goes; gives back where the rest starts. */
  #finishBegun(piece: Uint8Array, frames: Array<Frame>): number {
    let at = 0
    while (this.#held > 0) {
      const need = this.#need(this.#begun, 0, this.#held)
      if (need === this.#held) {
        const kind = this.#begun[5]!
        frames.push({ kind, body: this.#begun.subarray(headerSize, need) })
        this.#finished(kind)
        this.#begun = nothing
        this.#held = 0
      } else if (need === 0 || at === piece.length) break
      else {
        const taken = piece.subarray(at, at + need - this.#held)
        this.#keep(taken, need)
        at += taken.length
      }
    }
    return at
  }

  /** The frames that lie whole in the piece from `at` on; gives back where the last one ends. */
  #takeWhole(piece: Uint8Array, from: number, frames: Array<Frame>): number {
    let at = from
    while (at < piece.length) {
      const left = piece.length - at
      const need = this.#need(piece, at, left)
      if (need === 0 || need > left || left < headerSize) break
      const kind = piece[at + 5]!
      frames.push({ kind, body: piece.subarray(at + headerSize, at + need) })
      this.#finished(kind)
      at += need
    }
    return at
  }

  #finished(kind: number): void {
    if (kind === Kind.Commit || kind === Kind.Joined) this.maxFrame = Math.max(this.maxFrame, maxOnSession)
  }

  /** How many bytes from `at` are needed before anything more can be said; 0 if the frame is invalid. */
  #need(bytes: Uint8Array, at: number, have: number): number {
    if (have < 4) return 4
    const length = lengthAt(bytes, at)
    this.#failed = this.#refuse(length, have < 5 ? undefined : bytes[at + 4])
    return this.#failed === undefined ? 4 + length : 0
  }

  #refuse(length: number, seenVersion: number | undefined): FrameInvalid | undefined {
    if (length > this.maxFrame) {
      return new FrameInvalid({ reason: "oversized", detail: `${length} bytes announced, ${this.maxFrame} allowed` })
    }
    if (length < 2) return new FrameInvalid({ reason: "undersized", detail: `${length} bytes announced, 2 at least` })
    if (seenVersion !== undefined && seenVersion !== version) {
      return new FrameInvalid({ reason: "version", detail: `version ${seenVersion}, this node speaks ${version}` })
    }
    return undefined
  }

  /** Appends to the frame begun. The store doubles towards `need`, so that an announced length alone costs little. */
  #keep(bytes: Uint8Array, need: number): void {
    const total = this.#held + bytes.length
    if (total > this.#begun.length) {
      const grown = Buffer.allocUnsafe(Math.min(need, Math.max(freely, 2 * total)))
      grown.set(this.#begun.subarray(0, this.#held))
      this.#begun = grown
    }
    this.#begun.set(bytes, this.#held)
    this.#held = total
  }
}
