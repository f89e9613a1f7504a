/**
 * What every transport promises of the bytes that it carries, whoever is slow, stops, or changes its mind: nothing is lost,
 * nothing is given twice, and nobody keeps what is not theirs. Part of the contract of transports.
 */
import { assert, describe } from "@effect/vitest"
import { Array as Arr, Effect, Fiber, type Scope } from "effect"
import type * as Socket from "effect/socket/Socket"
import { bytes, type End, failure, read, readAll } from "./SocketEnd.ts"
import { connected, listening, type Subject, type Test } from "./TransportSubject.ts"

/** Lets others go on. */
const turns = (count: number) => Effect.forEach(Array.from({ length: count }), () => Effect.yieldNow, { discard: true })

const block = 40 * 1024
const blocks = 150

/** The block of this number, in `into`. */
const fill = (into: Uint8Array, number: number): Uint8Array => {
  for (let at = 0; at < into.length; at++) into[at] = (at * 31 + number * 7) & 255
  return into
}

/** Reads to the end, now and then not for a while, and puts something else where it has read: how many blocks were right. */
const readSlowly = Effect.fnUntraced(function* (end: End, expected: (number: number) => Uint8Array) {
  const held = new Uint8Array(block)
  let filled = 0
  let count = 0
  let pulls = 0
  const take = (chunk: Uint8Array): void => {
    for (let at = 0; at < chunk.length;) {
      const some = chunk.subarray(at, at + block - filled)
      held.set(some, filled)
      filled += some.length
      at += some.length
      if (filled < block) return
      assert.strictEqual(Buffer.compare(held, expected(count)), 0, `block ${count}`)
      count++
      filled = 0
    }
  }
  const once = Effect.gen(function* () {
    for (const chunk of yield* end.pull) {
      take(chunk)
      chunk.fill(0xee)
    }
    if (++pulls % 16 === 0) yield* turns(40)
  })
  yield* Effect.flip(Effect.forever(once))
  return { count, rest: filled }
})

/** Runs pulls of which most are interrupted sooner or later, until the end: what came, in order. */
const readImpatiently = Effect.fnUntraced(function* (end: End) {
  const chunks: Array<Uint8Array> = []
  for (let round = 0; ; round++) {
    const pulling = yield* Effect.forkChild(end.pull, { startImmediately: round % 2 === 0 })
    yield* turns(round % 5)
    if (round % 7 < 5) yield* Fiber.interrupt(pulling)
    const exit = yield* Fiber.await(pulling)
    if (exit._tag === "Success") chunks.push(...exit.value)
    else if (exit.cause.reasons.some(({ _tag }) => _tag === "Fail")) return Uint8Array.from(Buffer.concat(chunks))
  }
})

export const transportBytesContract = (
  name: string,
  test: Test,
  make: Effect.Effect<Subject, never, Scope.Scope>
): void => {
  describe(`the bytes of a transport: ${name}`, () => {
    test("are those that were there when write was called, whatever becomes of them after it has returned", () =>
      Effect.gen(function* () {
        const { accepted, dialled } = yield* connected(make)
        const room = new Uint8Array(block)
        const writing = yield* Effect.forkChild(
          Effect.gen(function* () {
            for (let number = 0; number < blocks; number++) yield* dialled.write(fill(room, number))
            room.fill(0)
            yield* dialled.endWriting
          })
        )
        const wanted = new Uint8Array(block)
        assert.deepStrictEqual(yield* readSlowly(accepted, (number) => fill(wanted, number)), {
          count: blocks,
          rest: 0
        })
        yield* Fiber.join(writing)
      }))

    test("are the reader's own: whoever wrote them still has what they were", () =>
      Effect.gen(function* () {
        const { accepted, dialled } = yield* connected(make)
        const wanted = fill(new Uint8Array(block), 3)
        const own = Uint8Array.from(wanted)
        const writing = yield* Effect.forkChild(
          Effect.gen(function* () {
            for (let number = 0; number < blocks; number++) yield* dialled.write(own)
            yield* dialled.endWriting
          })
        )
        assert.deepStrictEqual(yield* readSlowly(accepted, () => wanted), { count: blocks, rest: 0 })
        yield* Fiber.join(writing)
        assert.deepStrictEqual(own, wanted)
      }))

    test("come whole and in order from 1,000 tiny writes, and from one of 1,000 pieces", () =>
      Effect.gen(function* () {
        const { accepted, dialled } = yield* connected(make)
        const pieces = Arr.makeBy(1_000, (n) => Uint8Array.of(n >> 8, n))
        const all = Uint8Array.from(Buffer.concat(pieces))
        yield* Effect.forkChild(Effect.forEach(pieces, (piece) => dialled.write(piece), { discard: true }))
        assert.deepStrictEqual(yield* read(accepted, all.length), all)
        yield* Effect.forkChild(accepted.writeAll(pieces))
        assert.deepStrictEqual(yield* read(dialled, all.length), all)
      }))

    for (const [who, first] of [
      ["dialled", "dialled"],
      ["was dialled", "accepted"]
    ] as const) {
      test(`come to both sides that ended their writing before anybody read, whoever ${who} first`, () =>
        Effect.gen(function* () {
          const ends = yield* connected(make)
          const [one, other] = [ends[first], first === "dialled" ? ends.accepted : ends.dialled]
          const [there, back] = [bytes(100_000, 3), bytes(70_000, 5)]
          const say = (end: End, words: Uint8Array) => Effect.andThen(end.write(words), end.endWriting)
          const saying = yield* Effect.forkChild(say(one, there))
          yield* turns(20)
          const answering = yield* Effect.forkChild(say(other, back))
          yield* turns(20)
          assert.deepStrictEqual(yield* readAll(other), { bytes: there, end: 1000 })
          assert.deepStrictEqual(yield* readAll(one), { bytes: back, end: 1000 })
          yield* Fiber.joinAll([saying, answering])
        }))
    }

    test("are not lost with a pull that is interrupted", () =>
      Effect.gen(function* () {
        const { accepted, dialled } = yield* connected(make)
        const pieces = Array.from({ length: 400 }, (_, n) => bytes(1 + (n % 7), n))
        const writing = yield* Effect.forkChild(
          Effect.gen(function* () {
            for (const [number, piece] of pieces.entries()) {
              yield* dialled.write(piece)
              yield* turns(number % 4)
            }
            yield* dialled.endWriting
          })
        )
        const all = Uint8Array.from(Buffer.concat(pieces))
        assert.deepStrictEqual(yield* readImpatiently(accepted), all)
        yield* Fiber.join(writing)
      }))

    test("that wait to be written fail with a type when the connection is reset, and so does every write after that", () =>
      Effect.gen(function* () {
        const subject = yield* make
        const listener = yield* listening(subject)
        const { reset } = yield* subject.breakable(listener.endpoint)
        const { end } = yield* listener.accept
        const reading = yield* Effect.forkChild(failure(end), { startImmediately: true })
        const writing = yield* Effect.forkChild(Effect.flip(Effect.forever(end.write(bytes(64 * 1024)))), {
          startImmediately: true
        })
        yield* turns(50)
        yield* reset
        const told = ({ reason }: Socket.SocketError): string => reason._tag
        assert.strictEqual(told(yield* Fiber.join(writing)), "SocketWriteError")
        assert.strictEqual(yield* Fiber.join(reading), "SocketReadError")
        assert.strictEqual(told(yield* Effect.flip(end.write(bytes(1)))), "SocketWriteError")
      }))
  })
}
