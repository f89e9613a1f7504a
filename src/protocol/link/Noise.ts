/**
 * The handshake of a secure channel: who is at the other end, and the keys to talk under (docs/PROTOCOL.md, "Secure
 * channel"). Bytes in, bytes out, no I/O; the random ephemeral secret is an argument, so a seed replays.
 *
 * The initiator sends a preamble (magic, version, pattern) and Noise message 1. Messages are `u16 length | bytes`. The
 * pattern is IK if the initiator knows the peer's key, else XX. Both preamble and node keys are authenticated: the
 * preamble as Noise prologue, the Ed25519 node key by travelling in an encrypted payload and converting to exactly the
 * X25519 key that Noise proved.
 *
 * The responder of IK is done after a message that anybody may have recorded and replayed: it knows who is there
 * only when the first record opens. Nothing may be decided before.
 */
import { Redacted } from "effect"
import * as NodeKey from "../NodeKey.ts"
import type { LinkKeys } from "../NodeSecret.ts"
import { LinkKeyCache } from "./LinkKeyCache.ts"
import * as NoiseAlert from "./NoiseAlert.ts"
import {
  DecryptionFailed,
  KeyInvalid,
  KeyMismatch,
  KeyWeak,
  MessageMalformed,
  MessageOversized,
  type NoiseFailed,
  NotHoldfast,
  PatternUnsupported,
  VersionUnsupported
} from "./NoiseFailed.ts"
import * as NoiseState from "./NoiseState.ts"

/** Version of the handshake, in the preamble. */
export const version = 1
/** The largest handshake message that is read, in bytes. */
export const maxMessage = 1024
/** Bytes in the preamble: 8 of magic, one of version, one of pattern. */
export const preambleSize = 10

const magic = Uint8Array.from("HOLDFAST", (letter) => letter.charCodeAt(0))
const patterns: ReadonlyArray<NoiseState.Pattern> = ["XX", "IK"]
const nothing = new Uint8Array(0)
const linkKeys = new LinkKeyCache()

/** Bytes of every message of a pattern: each has a fixed length, since each payload is empty or one node key. */
const { keySize: key, tagSize: tag } = NoiseState
const lengths: Record<NoiseState.Pattern, ReadonlyArray<number>> = {
  XX: [key, key + (key + tag) + (key + tag), key + tag + (key + tag)],
  IK: [key + (key + tag) + (key + tag), key + (key + tag)]
}

/** This node's part in a handshake. */
export interface Self {
  readonly key: NodeKey.NodeKey
  readonly linkKeys: LinkKeys
  /** 32 random bytes for this handshake alone. */
  readonly ephemeral: Uint8Array
}

/** The outcome: the proven peer, the keys of both directions, and what was read beyond the handshake. */
export interface Established extends NoiseState.Split {
  readonly peer: NodeKey.NodeKey
  /** Bytes after the last handshake message; they belong to the record layer. A view of the chunk given to `feed`. */
  readonly rest: Uint8Array
}

/** What one step asks for: write `send` in order, then look at `done` and `error`. After either the machine is over. */
export interface Step {
  readonly send: ReadonlyArray<Uint8Array>
  readonly done?: Established
  readonly error?: NoiseFailed
}

/** Begins as the side that dialled: XX, or IK with `expected`, the key that the peer must hold. */
export const initiator = (self: Self, expected?: NodeKey.NodeKey): Noise => new Noise(self, "initiator", expected)

/** Begins as the side that was dialled. */
export const responder = (self: Self): Noise => new Noise(self, "responder", undefined)

const preambles: Record<NoiseState.Pattern, Uint8Array> = {
  XX: Uint8Array.of(...magic, version, patterns.indexOf("XX")),
  IK: Uint8Array.of(...magic, version, patterns.indexOf("IK"))
}

const framed = (message: Uint8Array): Uint8Array => {
  const out = new Uint8Array(2 + message.length)
  out[0] = message.length >>> 8
  out[1] = message.length
  out.set(message, 2)
  return out
}

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const out = new Uint8Array(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}

/** One handshake. Call `start` once, then `feed` until a step has `done` or `error`. */
export class Noise {
  readonly #self: Self
  readonly #role: "initiator" | "responder"
  readonly #expected: NodeKey.NodeKey | undefined
  #pattern: NoiseState.Pattern
  #state: NoiseState.NoiseState | undefined
  /** Messages written and read so far, of those that the pattern has. */
  #messages = 0
  #written = 0
  #peer: NodeKey.NodeKey | undefined
  #buffer: Uint8Array = nothing
  #over = false

  /** Use `initiator` or `responder`. */
  constructor(self: Self, role: "initiator" | "responder", expected: NodeKey.NodeKey | undefined) {
    this.#self = self
    this.#role = role
    this.#expected = expected
    this.#pattern = expected === undefined ? "XX" : "IK"
  }

  /** What to do before the first byte arrives. A responder only waits. */
  start(): Step {
    if (this.#role === "responder") return { send: [] }
    const expected = this.#expected
    const remoteStatic = expected === undefined ? undefined : linkKeys.of(expected)
    if (expected !== undefined && remoteStatic === undefined) {
      return this.#failed([], new KeyInvalid({ key: expected }))
    }
    const preamble = preambles[this.#pattern]
    this.#begin(preamble, remoteStatic)
    const written = this.#write()
    return written instanceof Uint8Array ? { send: [joined(preamble, written)] } : this.#failed([], written)
  }

  /** Takes the next bytes from the peer, cut anywhere. */
  feed(chunk: Uint8Array): Step {
    if (this.#over) throw new Error("the handshake is over")
    this.#buffer = this.#buffer.length === 0 ? chunk : joined(this.#buffer, chunk)
    const send: Array<Uint8Array> = []
    if (this.#state === undefined) {
      const problem = this.#readPreamble()
      if (problem === "incomplete") return this.#waiting(send)
      if (problem !== undefined) return this.#failed(send, problem)
    }
    while (true) {
      const message = this.#take()
      if (message === undefined) return this.#waiting(send)
      const problem = message instanceof Uint8Array ? this.#read(message) : message
      if (problem !== undefined) return this.#failed(send, problem)
      if (this.#finished()) return this.#established(send)
      const written = this.#write()
      if (!(written instanceof Uint8Array)) return this.#failed(send, written)
      send.push(written)
      if (this.#finished()) return this.#established(send)
    }
  }

  /** The next bytes are not all there. What is kept is less than one message, and no view of the caller's chunk. */
  #waiting(send: ReadonlyArray<Uint8Array>): Step {
    this.#buffer = this.#buffer.length === 0 ? nothing : new Uint8Array(this.#buffer)
    return { send }
  }

  #readPreamble(): NoiseFailed | "incomplete" | undefined {
    const bytes = this.#buffer
    for (let i = 0; i < magic.length && i < bytes.length; i++) {
      if (bytes[i] !== magic[i]) return new NotHoldfast({ received: Uint8Array.from(bytes.subarray(0, 8)) })
    }
    if (bytes.length < preambleSize) return "incomplete"
    const theirs = bytes[8]!
    if (theirs !== version) return new VersionUnsupported({ ours: version, theirs })
    const pattern = patterns[bytes[9]!]
    if (pattern === undefined) return new PatternUnsupported({ pattern: bytes[9]! })
    this.#pattern = pattern
    this.#begin(bytes.subarray(0, preambleSize), undefined)
    this.#buffer = bytes.subarray(preambleSize)
    return undefined
  }

  #begin(preamble: Uint8Array, remoteStatic: Uint8Array | undefined): void {
    this.#state = NoiseState.make({
      pattern: this.#pattern,
      initiator: this.#role === "initiator",
      publicKey: this.#self.linkKeys.publicKey,
      secretKey: Redacted.value(this.#self.linkKeys.secretKey),
      ephemeral: this.#self.ephemeral,
      prologue: preamble,
      remoteStatic
    })
  }

  /** The next whole message, taken out of the buffer; undefined if more bytes are needed. */
  #take(): Uint8Array | NoiseFailed | undefined {
    const bytes = this.#buffer
    if (bytes.length < 2) return undefined
    const length = (bytes[0]! << 8) | bytes[1]!
    if (length === NoiseAlert.marker) {
      if (bytes.length < NoiseAlert.size) return undefined
      return NoiseAlert.fromPeer(bytes[2]!, bytes[3]!, version, this.#expected)
    }
    if (length > maxMessage) {
      // Nothing that speaks Holdfast answers a dial like this, so the text of another protocol was read as a length.
      return this.#role === "initiator"
        ? new NotHoldfast({ received: Uint8Array.from(bytes.subarray(0, 8)) })
        : new MessageOversized({ length, limit: maxMessage })
    }
    const expected = lengths[this.#pattern][this.#messages]!
    if (length !== expected) return new MessageMalformed({ step: this.#messages + 1, length, expected })
    if (bytes.length < 2 + length) return undefined
    this.#buffer = bytes.subarray(2 + length)
    return bytes.subarray(2, 2 + length)
  }

  #read(message: Uint8Array): NoiseFailed | undefined {
    const step = ++this.#messages
    let payload: Uint8Array
    try {
      payload = this.#state!.read(message)
    } catch (error) {
      return error instanceof NoiseState.WeakKey ? new KeyWeak({}) : new DecryptionFailed({ step })
    }
    if (payload.length === 0) return undefined
    const claimed = NodeKey.fromBytes(payload)
    const proven = this.#state!.remoteStatic()
    const same = proven !== undefined && linkKeys.belongs(claimed, proven)
    // The second half matters: two node keys share one X25519 key, and only one of them was dialled.
    if (!same || (this.#expected !== undefined && claimed !== this.#expected)) return new KeyMismatch({ claimed })
    this.#peer = claimed
    return undefined
  }

  #write(): Uint8Array | NoiseFailed {
    const first = this.#messages === 0
    // Message 1 of XX is not encrypted, so it says nothing about us.
    const payload = first && this.#pattern === "XX" ? nothing : NodeKey.toBytes(this.#self.key)
    try {
      const message = framed(this.#state!.write(payload))
      this.#messages++
      this.#written++
      return message
    } catch (error) {
      if (error instanceof NoiseState.WeakKey) return new KeyWeak({})
      throw error
    }
  }

  #finished(): boolean {
    return this.#messages === lengths[this.#pattern].length
  }

  #established(send: ReadonlyArray<Uint8Array>): Step {
    this.#over = true
    return { send, done: { peer: this.#peer!, rest: this.#buffer, ...this.#state!.split() } }
  }

  /** Breaks off. The peer is told as long as it still waits for a handshake message; later it would read a record. */
  #failed(send: ReadonlyArray<Uint8Array>, error: NoiseFailed): Step {
    this.#over = true
    const owed = lengths[this.#pattern].length / 2
    const peerWaits = this.#written < (this.#role === "initiator" ? Math.ceil(owed) : Math.floor(owed))
    const forAnotherNode = this.#role === "responder" && this.#pattern === "IK"
    const alert = peerWaits ? NoiseAlert.toPeer(error, forAnotherNode) : undefined
    return { send: alert === undefined ? send : [...send, alert], error }
  }
}
