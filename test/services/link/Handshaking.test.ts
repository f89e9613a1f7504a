import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Schema, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Socket from "effect/socket/Socket"
import * as IdentityMemory from "../../../src/layers/IdentityMemory.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import { type HandshakeFailed, WritingEnded } from "../../../src/services/link/ChannelFailure.ts"
import * as Record from "../../../src/protocol/link/Record.ts"
import * as Handshaking from "../../../src/services/link/Handshaking.ts"
import type { SecureChannel } from "../../../src/services/link/SecureChannel.ts"
import { holding } from "../../support/Points.ts"
import { inputs } from "../../support/properties/Inputs.ts"
import * as SocketPair from "../../support/SocketPair.ts"

const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const bytes = (length: number, seed = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255)
const concat = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(Buffer.concat(chunks))

/** An identity and the ephemeral secret that its handshakes draw. */
const as = (seed: number) =>
  Layer.merge(
    IdentityMemory.layerFromSeed(fill(seed)),
    Layer.succeed(
      SecureRandom.SecureRandom,
      SecureRandom.make((size) => new Uint8Array(size).fill(seed + 100))
    )
  )
const annKey = NodeSecret.fromSeed(fill(1)).key
const benKey = NodeSecret.fromSeed(fill(2)).key
const eveKey = NodeSecret.fromSeed(fill(3)).key

type Options = Parameters<typeof Handshaking.initiate>[1]

/** Both sides of one handshake, each with its own outcome; the responder has a scope of its own, closed if it fails. */
const handshake = Effect.fnUntraced(function* (pair: SocketPair.SocketPair, options?: Options) {
  const accepted = yield* Handshaking.accept(pair.right, options).pipe(
    Effect.provide(as(2)),
    closingOnFailure,
    Effect.exit,
    Effect.forkChild
  )
  const initiated = yield* Handshaking.initiate(pair.left, options).pipe(
    Effect.provide(as(1)),
    closingOnFailure,
    Effect.exit
  )
  return [initiated, yield* Fiber.join(accepted)] as const
})

/** What any caller does: the connection is closed if no channel came of it. */
const closingOnFailure = <A, E, R>(effect: Effect.Effect<A, E, R | Scope.Scope>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    return yield* Scope.provide(effect, scope).pipe(
      Effect.onExit((exit) => (Exit.isFailure(exit) ? Scope.close(scope, exit) : Effect.void))
    )
  })

const connect = Effect.fnUntraced(function* (pair: SocketPair.SocketPair, options?: Options) {
  const [initiated, accepted] = yield* handshake(pair, options)
  return [yield* initiated, yield* accepted] as const
})

/** The reason of a failed handshake. */
const reasonOf = <A>(exit: Exit.Exit<A, HandshakeFailed>): string | undefined =>
  Exit.isFailure(exit) && exit.cause.reasons[0]?._tag === "Fail" ? exit.cause.reasons[0].error.reason._tag : undefined

const ignore = (): void => undefined

/** Pulls until `size` bytes are there. */
const pullBytes = Effect.fnUntraced(function* (channel: SecureChannel, size: number) {
  const chunks: Array<Uint8Array> = []
  let have = 0
  while (have < size) {
    yield* channel.pull((piece) => {
      assert.isAbove(piece.length, 0)
      chunks.push(Uint8Array.from(piece))
      have += piece.length
    })
  }
  return concat(chunks)
})

describe("a secure channel", () => {
  for (const [pattern, expected] of [
    ["XX", undefined],
    ["IK", benKey]
  ] as const) {
    it.effect(`joins two nodes by ${pattern} and carries bytes both ways`, () =>
      Effect.gen(function* () {
        const pair = yield* SocketPair.make()
        const [ann, ben] = yield* connect(pair, { expected })
        assert.strictEqual(ann.peer, benKey)
        assert.strictEqual(ben.peer, annKey)
        yield* ann.write([bytes(10), bytes(20, 2)])
        yield* ben.write([bytes(5, 3)])
        assert.deepStrictEqual(yield* pullBytes(ben, 30), concat([bytes(10), bytes(20, 2)]))
        assert.deepStrictEqual(yield* pullBytes(ann, 5), bytes(5, 3))
      })
    )

    it.effect(`joins two nodes by ${pattern} over a socket that gives one byte at a time`, () =>
      Effect.gen(function* () {
        const pair = yield* SocketPair.make({ arrive: (written) => Array.from(written, (byte) => Uint8Array.of(byte)) })
        const [ann, ben] = yield* connect(pair, { expected })
        yield* Effect.forkChild(ann.write([bytes(300)]))
        assert.deepStrictEqual(yield* pullBytes(ben, 300), bytes(300))
      })
    )
  }

  it.effect("sends the last message of the handshake with the first record, for who writes at once", () =>
    Effect.gen(function* () {
      const pair = yield* SocketPair.make()
      const accepting = yield* Handshaking.accept(pair.right, { writesAtOnce: true }).pipe(
        Effect.provide(as(2)),
        Effect.tap((ben) => ben.write([bytes(7)])),
        Effect.forkChild
      )
      const ann = yield* Handshaking.initiate(pair.left, { expected: benKey }).pipe(Effect.provide(as(1)))
      assert.deepStrictEqual(yield* pullBytes(ann, 7), bytes(7))
      assert.deepStrictEqual(
        pair.written.map(([side]) => side),
        ["left", "right"]
      )
      const ben = yield* Fiber.join(accepting)
      yield* ben.write([bytes(300_000)]).pipe(Effect.forkChild)
      assert.deepStrictEqual(yield* pullBytes(ann, 300_000), bytes(300_000))
    })
  )

  it.effect("sends the last message of the handshake before it ends without a record", () =>
    Effect.gen(function* () {
      const pair = yield* SocketPair.make()
      const accepting = yield* Handshaking.accept(pair.right, { writesAtOnce: true }).pipe(
        Effect.provide(as(2)),
        Effect.tap((ben) => ben.end),
        Effect.forkChild
      )
      const ann = yield* Handshaking.initiate(pair.left, { expected: benKey }).pipe(Effect.provide(as(1)))
      assert.strictEqual((yield* Effect.flip(ann.pull(ignore)))._tag, "ChannelClosed")
      yield* Fiber.join(accepting)
    })
  )

  it.effect("writes no message of the handshake before it has passed its point", () =>
    Effect.gen(function* () {
      const { held, points, release } = holding("link.handshake-before-written")
      const pair = yield* SocketPair.make()
      const joining = yield* Effect.forkChild(connect(pair, { points }), { startImmediately: true })
      yield* Effect.yieldNow
      assert.deepStrictEqual([held(), pair.written.length], [1, 0])
      release()
      const [ann, ben] = yield* Fiber.join(joining)
      assert.deepStrictEqual([ann.peer, ben.peer], [benKey, annKey])
    })
  )

  it.effect("hands on records that came in one chunk with the end of the handshake", () =>
    Effect.gen(function* () {
      const held: Array<Uint8Array> = []
      // Ann's message arrives. Ben's answer and his first record are held back until his second record.
      let writes = 0
      const pair = yield* SocketPair.make({
        arrive: (written) => {
          held.push(written)
          if (++writes === 1) return held.splice(0)
          return writes < 4 ? [] : [concat(held.splice(0))]
        }
      })
      const accepting = yield* Handshaking.accept(pair.right).pipe(
        Effect.provide(as(2)),
        Effect.tap((ben) => ben.write([bytes(7)])),
        Effect.tap((ben) => ben.write([bytes(8, 2)])),
        Effect.forkChild
      )
      const ann = yield* Handshaking.initiate(pair.left, { expected: benKey }).pipe(Effect.provide(as(1)))
      yield* Fiber.join(accepting)
      assert.deepStrictEqual(yield* pullBytes(ann, 15), concat([bytes(7), bytes(8, 2)]))
    })
  )

  it.effect("writes everything it is given in one socket write", () =>
    Effect.gen(function* () {
      const pair = yield* SocketPair.make()
      const [ann] = yield* connect(pair)
      const before = pair.written.length
      yield* ann.write(Array.from({ length: 1000 }, (_, i) => bytes(100, i)))
      yield* ann.write([])
      yield* ann.write([new Uint8Array(0)])
      assert.strictEqual(pair.written.length, before + 1)
      assert.strictEqual(pair.written.at(-1)?.[1].length, Record.sealedSize(100_000))
    })
  )

  it.effect("keeps its keys in step past many changes of key in both directions", () =>
    Effect.gen(function* () {
      const [ann, ben] = yield* connect(yield* SocketPair.make(), { rekeyInterval: 4 })
      for (let i = 0; i < 30; i++) {
        yield* ann.write([bytes(50, i)])
        assert.deepStrictEqual(yield* pullBytes(ben, 50), bytes(50, i))
        yield* ben.write([bytes(60, i)])
        assert.deepStrictEqual(yield* pullBytes(ann, 60), bytes(60, i))
      }
    })
  )

  it.effect("waits in write while the peer does not read", () =>
    Effect.gen(function* () {
      const pair = yield* SocketPair.make({ capacity: 1 })
      const [ann, ben] = yield* connect(pair)
      yield* ann.write([bytes(1)])
      const second = yield* Effect.forkChild(ann.write([bytes(2)]), { startImmediately: true })
      yield* Effect.yieldNow
      assert.isUndefined(second.pollUnsafe())
      yield* ben.pull(ignore)
      yield* Fiber.join(second)
    })
  )

  it.effect("writes nothing more after an interrupted write, since the peer could not open it", () =>
    Effect.gen(function* () {
      const pair = yield* SocketPair.make({ capacity: 1 })
      const [ann, ben] = yield* connect(pair)
      yield* ann.write([bytes(1)])
      const second = yield* Effect.forkChild(ann.write([bytes(2)]), { startImmediately: true })
      yield* Fiber.interrupt(second)
      assert.deepStrictEqual(yield* pullBytes(ben, 1), bytes(1))
      const failure = yield* Effect.flip(ann.write([bytes(3)]))
      assert.deepStrictEqual(failure.reason, new WritingEnded({ interrupted: true }))
    })
  )

  it.effect("has no hold on what it was given to write, nor what it gives to read", () =>
    Effect.gen(function* () {
      const [ann, ben] = yield* connect(yield* SocketPair.make())
      const large = bytes(300_000)
      const reading = yield* Effect.forkChild(pullBytes(ben, 300_010))
      yield* ann.write([bytes(10), large])
      large.fill(0)
      assert.deepStrictEqual(yield* Fiber.join(reading), concat([bytes(10), bytes(300_000)]))
    })
  )

  it.effect("closes after what was written, and then writes no more but still reads", () =>
    Effect.gen(function* () {
      const [ann, ben] = yield* connect(yield* SocketPair.make())
      yield* ann.write([bytes(9)])
      yield* ann.end
      assert.deepStrictEqual(yield* pullBytes(ben, 9), bytes(9))
      assert.strictEqual((yield* Effect.flip(ben.pull(ignore)))._tag, "ChannelClosed")
      assert.strictEqual((yield* Effect.flip(ben.pull(ignore)))._tag, "ChannelClosed")
      const failure = yield* Effect.flip(ann.write([bytes(1)]))
      assert.deepStrictEqual(failure.reason, new WritingEnded({ interrupted: false }))
      yield* ben.write([bytes(4)])
      assert.deepStrictEqual(yield* pullBytes(ann, 4), bytes(4))
    })
  )

  it.effect("fails on both sides if the connection is cut", () =>
    Effect.gen(function* () {
      const pair = yield* SocketPair.make()
      const [ann, ben] = yield* connect(pair)
      const pulling = yield* Effect.forkChild(Effect.flip(ben.pull(ignore)), { startImmediately: true })
      yield* pair.cut
      const failure = yield* Fiber.join(pulling)
      assert.strictEqual(failure._tag === "ChannelFailed" ? failure.reason._tag : undefined, "SocketLost")
      assert.include(failure.message, "cut")
      assert.isTrue(failure.isRetryable)
      assert.strictEqual((yield* Effect.flip(ann.write([bytes(1)]))).reason._tag, "SocketLost")
      assert.strictEqual((yield* Effect.flip(ann.write([bytes(1)]))).reason._tag, "WritingEnded")
    })
  )

  it.effect("calls an end of input inside a record a failure", () =>
    Effect.gen(function* () {
      let writes = 0
      // The third write, Ann's first record, loses its last byte.
      const pair = yield* SocketPair.make({ arrive: (written) => [++writes === 3 ? written.subarray(0, -1) : written] })
      const [ann, ben] = yield* connect(pair, { expected: benKey })
      yield* ann.write([bytes(30)])
      yield* ann.end
      const failure = yield* Effect.flip(Effect.forever(ben.pull(ignore)))
      assert.strictEqual(failure._tag === "ChannelFailed" ? failure.reason._tag : undefined, "RecordTruncated")
      assert.include(failure.message, "inside a record, 47 bytes into it")
    })
  )

  it.effect("hands out what was whole before a damaged record, then fails for ever", () =>
    Effect.gen(function* () {
      let writes = 0
      const pair = yield* SocketPair.make({
        arrive: (written) => {
          if (++writes === 4) written[10]! ^= 1
          return [written]
        }
      })
      const [ann, ben] = yield* connect(pair, { expected: benKey })
      yield* ann.write([bytes(30)])
      yield* ann.write([bytes(30)])
      yield* ann.write([bytes(30)])
      assert.deepStrictEqual(yield* pullBytes(ben, 30), bytes(30))
      for (let i = 0; i < 2; i++) {
        const failure = yield* Effect.flip(ben.pull(ignore))
        assert.strictEqual(failure._tag === "ChannelFailed" ? failure.reason._tag : undefined, "RecordForged")
      }
    })
  )

  it.effect("tells a dialler that expects another key so, and fails on both sides", () =>
    Effect.gen(function* () {
      const [ann, ben] = yield* handshake(yield* SocketPair.make(), { expected: eveKey })
      assert.strictEqual(reasonOf(ann), "WrongNode")
      assert.strictEqual(reasonOf(ben), "DecryptionFailed")
      const error = yield* Effect.flip(ann)
      assert.isFalse(error.isRetryable)
      assert.include(error.message, eveKey)
    })
  )

  it.effect("dials no key that no node can hold", () =>
    Effect.gen(function* () {
      const pair = yield* SocketPair.make()
      const [ann, ben] = yield* handshake(pair, { expected: benKey.replace(/./g, "0") as typeof benKey })
      assert.strictEqual(reasonOf(ann), "KeyInvalid")
      assert.strictEqual(reasonOf(ben), "HandshakeCutShort")
      assert.deepStrictEqual(pair.written, [])
    })
  )

  for (const [what, text, reason] of [
    ["an HTTP request", "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "NotHoldfast"],
    ["garbage", "\x00\x01\x02\x03", "NotHoldfast"],
    ["another version", "HOLDFAST\x09\x00", "VersionUnsupported"],
    ["another pattern", "HOLDFAST\x01\x09", "PatternUnsupported"],
    ["an oversized message", "HOLDFAST\x01\x01\x7f\xff", "MessageOversized"],
    ["a truncated preamble", "HOLD", "HandshakeCutShort"],
    ["a truncated message", "HOLDFAST\x01\x01\x00\x80abc", "HandshakeCutShort"],
    ["a message that means nothing", "HOLDFAST\x01\x01\x00\x80" + "x".repeat(128), "DecryptionFailed"],
    ["nothing at all", "", "HandshakeCutShort"]
  ] as const) {
    it.effect(`refuses ${what} with a typed reason`, () =>
      Effect.gen(function* () {
        const pair = yield* SocketPair.make()
        yield* Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* pair.left.writer
            if (text.length > 0) yield* writer.write(Buffer.from(text, "latin1"))
          })
        )
        const exit = yield* Handshaking.accept(pair.right).pipe(Effect.provide(as(2)), Effect.exit)
        assert.strictEqual(reasonOf(exit), reason)
      })
    )
  }

  it.effect("knows at the dialling side that no Holdfast node answers", () =>
    Effect.gen(function* () {
      const pair = yield* SocketPair.make()
      const writer = yield* pair.right.writer
      yield* writer.write(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"))
      const exit = yield* Handshaking.initiate(pair.left).pipe(Effect.provide(as(1)), Effect.exit)
      assert.strictEqual(reasonOf(exit), "NotHoldfast")
    })
  )

  it.effect("fails if the connection is cut during the handshake", () =>
    Effect.gen(function* () {
      const pair = yield* SocketPair.make()
      const dialling = yield* Handshaking.initiate(pair.left).pipe(
        Effect.provide(as(1)),
        Effect.exit,
        Effect.forkChild({ startImmediately: true })
      )
      yield* pair.cut
      assert.strictEqual(reasonOf(yield* Fiber.join(dialling)), "SocketLost")
    })
  )

  it.effect("says the same bytes again from the same seeds", () =>
    Effect.gen(function* () {
      const run = Effect.gen(function* () {
        const pair = yield* SocketPair.make()
        const [ann] = yield* connect(pair, { expected: benKey })
        yield* ann.write([bytes(100)])
        return pair.written
      })
      assert.deepStrictEqual(yield* run, yield* run)
    })
  )

  it.effect("closes the socket with the scope", () =>
    Effect.gen(function* () {
      const pair = yield* SocketPair.make()
      yield* Effect.scoped(connect(pair))
      const pull = yield* Socket.readerBytes(pair.right)
      const failure = yield* Effect.flip(pull)
      assert.strictEqual(failure.reason._tag, "SocketCloseError")
    })
  )

  it.effect.prop(
    "brings any writes through any cutting of the stream",
    [
      Schema.Array(Schema.Array(Schema.Uint8Array)),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 })),
      Schema.Boolean
    ],
    ([writes, size, known]) =>
      Effect.scoped(
        Effect.gen(function* () {
          const arrive = (written: Uint8Array) =>
            Array.from({ length: Math.ceil(written.length / size) }, (_, i) => written.slice(i * size, (i + 1) * size))
          const pair = yield* SocketPair.make({ arrive })
          const [ann, ben] = yield* connect(pair, { expected: known ? benKey : undefined, rekeyInterval: 3 })
          yield* Effect.forEach(writes, (chunks) => ann.write(chunks), { discard: true }).pipe(
            Effect.andThen(ann.end),
            Effect.forkChild
          )
          const expected = concat(writes.flat())
          assert.deepStrictEqual(yield* pullBytes(ben, expected.length), expected)
          assert.strictEqual((yield* Effect.flip(ben.pull(ignore)))._tag, "ChannelClosed")
        })
      ),
    { arbitrary: { runs: inputs(60) } }
  )
})
