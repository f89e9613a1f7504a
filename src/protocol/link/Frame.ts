/**
 * Frames: `u32 length | u8 version | u8 kind | body`, length counting everything after itself, big-endian
 * (docs/PROTOCOL.md, 3).
 *
 * The decoder is incremental: it takes chunks cut anywhere, checks a length before it allocates anything, and
 * hands out whole frames. Bodies may be views of the chunk they came in. Up to and including COMMIT or JOINED a frame is small.
 */
import { Schema } from "effect"
import { Cutter, type Sink } from "../Cutter.ts"

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
  Ask: 32,
  Headers: 33,
  Want: 34,
  Blocks: 35,
  Tip: 36,
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

const lengthAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0

/** Takes bytes in pieces and gives frames back, with what a `Cutter` holds at the most. */
export class Decoder extends Cutter<Frame, FrameInvalid> {
  /**
   * A frame above it is refused by its length alone. The arbiter raises it when it sends COMMIT, and who sends JOINED
   * with that; the other side needs not, because what comes after them may already be in the same piece.
   */
  maxFrame: number

  constructor(maxFrame: number = maxBeforeHandshake) {
    super()
    this.maxFrame = maxFrame
  }

  protected override cutOff(held: number): FrameInvalid {
    return new FrameInvalid({ reason: "truncated", detail: `the input ended ${held} bytes into a frame` })
  }

  protected override need(bytes: Uint8Array, at: number, have: number): number {
    if (have < 4) return 4
    const length = lengthAt(bytes, at)
    this.failed = this.#refuse(length, have < 5 ? undefined : bytes[at + 4])
    return 4 + length
  }

  protected override take(bytes: Uint8Array, at: number, end: number, frames: Sink<Frame>): void {
    const kind = bytes[at + 5]!
    frames.push({ kind, body: bytes.subarray(at + headerSize, end) })
    if (kind === Kind.Commit || kind === Kind.Joined) this.maxFrame = Math.max(this.maxFrame, maxOnSession)
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
}
