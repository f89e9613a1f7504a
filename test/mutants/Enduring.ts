/**
 * Bugs in what a link makes of bytes that nobody honest sends, and of a peer that sends too much or takes too little. The
 * simulator's nodes are honest and read, so these are hunted by properties of their own: those of
 * `test/support/hostile/EnduranceProperties.ts`.
 */
import type { Property } from "../support/hostile/EnduranceProperties.ts"
import type { Planted } from "./Mutant.ts"

export interface EnduranceMutant extends Planted {
  /** One sentence. */
  readonly what: string
  /** The property that must find it. */
  readonly property: Property
}

const frames = "src/protocol/link/Frame.ts"
const cutter = "src/protocol/Cutter.ts"
const records = "src/protocol/link/Record.ts"
const noise = "src/protocol/link/Noise.ts"
const handshake = "src/protocol/link/Handshake.ts"
const queue = "src/services/link/SendQueue.ts"
const writer = "src/services/link/Writer.ts"
const connection = "src/services/link/Connection.ts"
const reader = "src/services/link/Reader.ts"
const negotiation = "src/services/link/Negotiation.ts"
const inbox = "src/services/link/Inbox.ts"

export const enduring: ReadonlyArray<EnduranceMutant> = [
  {
    name: "any-length-allowed",
    what: "A frame may have any length.",
    file: frames,
    find: `if (length > this.maxFrame) {`,
    replace: `if (length > 0xffff_ffff) {`,
    property: "frames are what was sent, in little memory"
  },
  {
    name: "lengths-with-a-sign",
    what: "A length from 2 GiB on is read as a negative one.",
    file: frames,
    find: `bytes[at + 3]!) >>> 0`,
    replace: `bytes[at + 3]!) | 0`,
    property: "frames are what was sent, in little memory"
  },
  {
    name: "announced-is-allocated",
    what: "A frame takes what its length announces as soon as it begins.",
    file: cutter,
    find: `Math.min(need, Math.max(freely, 2 * total))`,
    replace: `need`,
    property: "frames are what was sent, in little memory"
  },
  {
    name: "commit-in-pieces-unseen",
    what: "A COMMIT that came in pieces does not allow large frames.",
    file: cutter,
    find: `this.take(whole, 0, need, frames)`,
    replace: `frames.push({ kind: whole[5], body: whole.subarray(6, need) })`,
    property: "frames are what was sent, in little memory"
  },
  {
    name: "goes-on-after-failure",
    what: "What comes behind a frame that is none is decoded in spite of it.",
    file: cutter,
    find: `    let at = this.#finishBegun(piece, frames)`,
    replace: `    this.failed = undefined
    let at = this.#finishBegun(piece, frames)`,
    property: "frames are what was sent, in little memory"
  },
  {
    name: "half-length-forgotten",
    what: "The first byte of a record's length is lost if the second comes later.",
    file: records,
    find: `if (left === 1) this.#lengthByte = chunk[at]!`,
    replace: ``,
    property: "records open as they were sealed"
  },
  {
    name: "end-in-length-unseen",
    what: "Input that ends behind the first byte of a record counts as ended between two.",
    file: records,
    find: `return this.#lengthByte < 0 ? undefined :`,
    replace: `return this.#lengthByte < 256 ? undefined :`,
    property: "records open as they were sealed"
  },
  {
    name: "tagless-records",
    what: "A record may be shorter than its tag.",
    file: records,
    find: `if (length >= tagSize) return false`,
    replace: `if (length >= 0) return false`,
    property: "records open as they were sealed"
  },
  {
    name: "forged-goes-on",
    what: "A record that does not open is left out, and the next one is opened.",
    file: records,
    find: `      this.#failed = new RecordForged({ length: ciphertext.length })
`,
    replace: `
`,
    property: "records open as they were sealed"
  },
  {
    name: "any-message-length",
    what: "A handshake message may have any length up to the longest.",
    file: noise,
    find: `if (length !== expected) return`,
    replace: `if (length > maxMessage) return`,
    property: "handshakes end with a type"
  },
  {
    name: "undecipherable-thrown",
    what: "A handshake message that cannot be decrypted throws.",
    file: noise,
    find: `return error instanceof NoiseState.WeakKey ? new KeyWeak({}) : new DecryptionFailed({ step })`,
    replace: `throw error`,
    property: "handshakes end with a type"
  },
  {
    name: "chunk-kept",
    what: "The handshake keeps a view of the chunk that it has not read whole.",
    file: noise,
    find: `this.#buffer = this.#buffer.length === 0 ? nothing : new Uint8Array(this.#buffer)`,
    replace: `this.#buffer = this.#buffer.length === 0 ? nothing : this.#buffer`,
    property: "handshakes end with a type"
  },
  {
    name: "networks-mixed",
    what: "Nobody looks whether a peer is of the same network.",
    file: handshake,
    find: `if (hello.network !== self.network) {`,
    replace: `if (hello.network === "") {`,
    property: "sessions begin where both said so"
  },
  {
    name: "unreadable-body-dies",
    what: "A body that cannot be decoded is an exception of the reader.",
    file: negotiation,
    find: `if (message !== undefined && Result.isFailure(message)) {`,
    replace: `if (message !== undefined && Result.isFailure(message) && Result.getOrThrow(message) !== undefined) {`,
    property: "sessions begin where both said so"
  },
  {
    name: "commit-before-hello",
    what: "A COMMIT that comes before the HELLO is obeyed.",
    file: handshake,
    find: `return state.phase === "candidate"
        ? { state, action: { _tag: "Obey"`,
    replace: `return state.phase === "candidate" || state.phase === "greeting"
        ? { state, action: { _tag: "Obey"`,
    property: "sessions begin where both said so"
  },
  {
    name: "queue-off-by-one",
    what: "The send queue takes one frame more than fits.",
    file: queue,
    find: `if (this.#bulk.bytes > 0 && !this.#bulk.fits(frame, this.#limits.bulkBytes)) return false`,
    replace: `if (this.#bulk.bytes > this.#limits.bulkBytes) return false`,
    property: "queues within caps"
  },
  {
    name: "gossip-without-end",
    what: "Gossip waits however much there is.",
    file: queue,
    find: `while (lane.bytes > 0 && !lane.fits(frame, this.#limits.gossipBytes)) {`,
    replace: `while (lane.bytes === Number.POSITIVE_INFINITY) {`,
    property: "queues within caps"
  },
  {
    name: "control-without-end",
    what: "Answers wait however many a peer asks for and does not take.",
    file: queue,
    find: `if (!this.#control.fits(frame, this.#limits.controlBytes)) return false`,
    replace: ``,
    property: "queues within caps"
  },
  {
    name: "room-for-nobody",
    what: "Who waits for room in a queue goes on before there is any.",
    file: queue,
    find: `return Effect.flatMap(this.#room.await, then)`,
    replace: `return Effect.sync(() => void this.#bulk.push(new Uint8Array(900)))`,
    property: "queues within caps"
  },
  {
    name: "deadline-ignored",
    what: "A write may take as long as it likes.",
    file: writer,
    find: `if (now >= due) failed(ended("slow", "the peer does not take what is written"))`,
    replace: `if (now >= due) return`,
    property: "who does not read is cut off"
  },
  {
    name: "deadline-not-reset",
    what: "The time for a write goes on when it is done.",
    file: writer,
    find: `      this.#since = undefined
      return queue.bytes`,
    replace: `      return queue.bytes`,
    property: "who does not read is cut off"
  },
  {
    name: "pong-behind-bulk",
    what: "A pong waits behind everything else.",
    file: connection,
    find: `if (!this.#queue.control(frame)) this.end(`,
    replace: `if (!this.#queue.offer(frame)) this.end(`,
    property: "what is urgent goes first"
  },
  {
    name: "old-gossip-kept",
    what: "Where gossip has no room the newest is thrown away.",
    file: queue,
    find: `      lane.shift()
`,
    replace: `      return void this.dropped++
`,
    property: "what is urgent goes first"
  },
  {
    name: "reads-without-end",
    what: "A connection reads for as long as something comes.",
    file: reader,
    find: `if (inTurn < maxInTurn) return once`,
    replace: `if (inTurn < Number.POSITIVE_INFINITY) return once`,
    property: "everybody has a turn"
  },
  {
    name: "writes-without-end",
    what: "A connection writes for as long as its socket takes it.",
    file: writer,
    find: `return queue.bytes > 0 ? Effect.yieldNow : Effect.void`,
    replace: `return Effect.void`,
    property: "everybody has a turn"
  },
  {
    name: "frames-for-nothing",
    what: "A connection reads for as long as frames have few bytes.",
    file: reader,
    find: `inTurn += frameCost * this.#together.length`,
    replace: ``,
    property: "everybody has a turn"
  },
  {
    name: "records-for-nothing",
    what: "A connection reads for as long as records carry few bytes.",
    file: "src/services/link/SecureChannel.ts",
    find: `this.#opener.records - before > crowd`,
    replace: `this.#opener.records - before === -1`,
    property: "everybody has a turn"
  },
  {
    name: "inbox-without-end",
    what: "What a session's handler does not take is read all the same.",
    file: inbox,
    find: `return this.#bytes >= this.#limit`,
    replace: `return this.#bytes === Number.POSITIVE_INFINITY`,
    property: "who does not take is not read for"
  },
  {
    name: "chunks-kept-alive",
    what: "What waits for a handler keeps alive the whole chunks in which it came.",
    file: inbox,
    find: `overhead : overhead + body.buffer.byteLength`,
    replace: `overhead : overhead + body.length`,
    property: "who does not take is not read for"
  }
]
