/**
 * Frames: `u32 length | u8 version | u8 kind | body`, length counting everything after itself, big-endian
 * (docs/PROTOCOL.md, 3).
 *
 * The decoder is incremental: it takes chunks cut anywhere, checks a length before it allocates anything, and
 * hands out whole frames. Bodies may be views of the chunk they came in. Up to and including COMMIT a frame is small.
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
  Resume: 16,
  Data: 17,
  Receipt: 18,
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

/** One frame as bytes, ready to be written. */
export const encode = (kind: number, body: Uint8Array): Uint8Array => {
  // Unlike a new Uint8Array, a small Buffer is cut from a shared block: ten times cheaper for a hundred bytes.
  const out = Buffer.allocUnsafe(headerSize + body.length)
  const length = body.length + 2
  out[0] = length >>> 24
  out[1] = length >>> 16
  out[2] = length >>> 8
  out[3] = length
  out[4] = version
  out[5] = kind
  out.set(body, headerSize)
  return out
}

/** The kind of an encoded frame. */
export const kindOf = (frame: Uint8Array): number => frame[5]!

/**
 * Takes bytes in pieces and gives frames back. Owned by one reader.
 *
 * It holds at most twice the bytes that the frame begun has really brought, whatever length it announces and however
 * small the pieces are, and copies each byte a bounded number of times.
 */
export class Decoder {
  /**
   * A frame above it is refused by its length alone. The arbiter raises it when it sends COMMIT; the follower needs
   * not, because what comes after a COMMIT may already be in the same chunk.
   */
  maxFrame: number
  #begun: Uint8Array = new Uint8Array(0)
  #held = 0
  #failed: FrameInvalid | undefined

  constructor(maxFrame: number = maxBeforeHandshake) {
    this.maxFrame = maxFrame
  }

  /**
   * The frames that `chunk` completes, in order. After the first invalid frame `error` is set for good and nothing
   * more is decoded.
   */
  feed(chunk: Uint8Array): { readonly frames: ReadonlyArray<Frame>; readonly error?: FrameInvalid } {
    const frames: Array<Frame> = []
    let at = 0
    while (this.#failed === undefined) {
      const begun = this.#held > 0
      const bytes = begun ? this.#begun : chunk
      const start = begun ? 0 : at
      const have = begun ? this.#held : chunk.length - at
      const need = this.#need(bytes, start, have)
      if (need > have) {
        const taken = begun ? chunk.subarray(at, at + need - have) : chunk.subarray(at)
        if (taken.length === 0) return { frames }
        this.#keep(taken, need)
        at += taken.length
      } else if (need > 0) {
        const kind = bytes[start + 5]!
        frames.push({ kind, body: bytes.subarray(start + headerSize, start + need) })
        if (kind === Kind.Commit) this.maxFrame = Math.max(this.maxFrame, maxOnSession)
        if (begun) {
          this.#begun = new Uint8Array(0)
          this.#held = 0
        } else at += need
      }
    }
    return { frames, error: this.#failed }
  }

  /** What it means that the input ends here: nothing between frames, a failure inside one. */
  end(): FrameInvalid | undefined {
    if (this.#failed !== undefined || this.#held === 0) return this.#failed
    return new FrameInvalid({ reason: "truncated", detail: `the input ended ${this.#held} bytes into a frame` })
  }

  /** How many bytes from `at` are needed before anything more can be said; 0 if the frame is invalid. */
  #need(bytes: Uint8Array, at: number, have: number): number {
    if (have < 4) return 4
    const length = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
    this.#failed = this.#refuse(length, have < 5 ? undefined : bytes[at + 4])
    if (this.#failed !== undefined) return 0
    return 4 + length
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

  /** Appends to the frame begun. The store doubles towards `need`, so that an announced length alone costs nothing. */
  #keep(bytes: Uint8Array, need: number): void {
    const total = this.#held + bytes.length
    if (total > this.#begun.length) {
      const grown = new Uint8Array(Math.min(need, Math.max(total, 2 * this.#begun.length)))
      grown.set(this.#begun.subarray(0, this.#held))
      this.#begun = grown
    }
    this.#begun.set(bytes, this.#held)
    this.#held = total
  }
}
