import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, FiberSet, Latch, Random } from "effect"
import { TestClock } from "effect/testing"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as Heartbeat from "../../../src/protocol/link/Heartbeat.ts"
import { none, type Points } from "../../../src/services/Buggify.ts"
import { Alarms } from "../../../src/services/link/Alarms.ts"
import { Connection, type Owner } from "../../../src/services/link/Connection.ts"
import { type Ended, ended } from "../../../src/services/link/Ended.ts"
import * as HoldfastWire from "../../../src/services/link/HoldfastWire.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import * as FakeChannel from "../../support/FakeChannel.ts"
import { firing, holding } from "../../support/Points.ts"

const { Kind } = Frame
const config: LinkConfig.Config = { ...LinkConfig.defaults, heartbeat: Heartbeat.profiles.fast }
const data = (name: number, length = 8): Uint8Array => Frame.encode(Kind.Data, new Uint8Array(length).fill(name))
const kinds = (writes: ReadonlyArray<ReadonlyArray<Uint8Array>>): ReadonlyArray<number> =>
  writes.flat().map((frame) => frame[5]!)
const pongTo = (ping: Uint8Array): Uint8Array => Frame.encode(Kind.Pong, ping.subarray(Frame.headerSize))

const describeError = (error: FakeChannel.ChannelError): Ended => ended(error.kind, error.message)

/** A connection over a fake channel, running, with everything that it did. */
const start = Effect.fnUntraced(function* (options?: {
  readonly handle?: Owner["handle"]
  readonly config?: Partial<LinkConfig.Config>
  readonly onEnded?: (connection: Connection) => void
  readonly points?: Points
  readonly pull?: FakeChannel.FakeChannel["channel"]["pull"]
}) {
  const fake = yield* FakeChannel.make
  const alarms = yield* Alarms.make
  const fork = yield* FiberSet.makeRuntime<never, void>()
  const handled: Array<Frame.Frame> = []
  const caughtUp: Array<number> = []
  const ends: Array<Ended> = []
  const connection: Connection = new Connection(
    {
      wire: HoldfastWire.framing,
      points: options?.points ?? none,
      config: { ...config, ...options?.config },
      alarms,
      fork
    },
    {
      handle: (frame) => {
        handled.push(frame)
        return options?.handle?.(frame)
      },
      caughtUp: () => void caughtUp.push(handled.length),
      violated: (reason) => connection.finish(reason, Frame.encode(Kind.Goodbye, new Uint8Array(0))),
      onEnded: (reason) => {
        ends.push(reason)
        options?.onEnded?.(connection)
      }
    },
    { id: 1, direction: "inbound", remote: "test:1", host: "test", nonce: 0n, phase: yield* Random.next }
  )
  const channel = options?.pull === undefined ? fake.channel : { ...fake.channel, pull: options.pull }
  const running = yield* Effect.forkChild(connection.run(channel, describeError))
  yield* TestClock.adjust(0)
  return { ...fake, connection, running, handled, caughtUp, ends }
})

/** Lets everything that needs no time happen. */
const settle = TestClock.adjust(0)

/** Looks at a count in every turn, from now on: what it saw. */
const watching = Effect.fnUntraced(function* (count: () => number) {
  const seen: Array<number> = []
  const look = Effect.andThen(
    Effect.sync(() => seen.push(count())),
    Effect.yieldNow
  )
  yield* Effect.forkChild(Effect.forever(look), { startImmediately: true })
  return seen
})

const mostAtOnce = (seen: ReadonlyArray<number>): number =>
  Math.max(...seen.slice(1).map((count, at) => count - seen[at]!))

describe("Connection", () => {
  describe("reading", () => {
    it.effect("hands the frames on in their order, however the bytes were cut", () =>
      Effect.gen(function* () {
        const { feed, handled } = yield* start()
        const bytes = Buffer.concat([data(1), data(2), data(3, 300)])
        for (const byte of bytes) feed(Uint8Array.of(byte))
        yield* settle
        assert.deepStrictEqual(
          handled.map(({ body }) => [body[0], body.length]),
          [
            [1, 8],
            [2, 8],
            [3, 300]
          ]
        )
      })
    )

    it.effect("waits for the handler of a frame before it looks at the next", () =>
      Effect.gen(function* () {
        const gate = Latch.makeUnsafe(false)
        const { feed, handled } = yield* start({ handle: () => gate.await })
        feed(Buffer.concat([data(1), data(2)]))
        yield* settle
        assert.strictEqual(handled.length, 1)
        gate.openUnsafe()
        yield* settle
        assert.strictEqual(handled.length, 2)
      })
    )

    it.effect("says once for all frames that came together that they have been handled", () =>
      Effect.gen(function* () {
        const gate = Latch.makeUnsafe(true)
        const { caughtUp, feed } = yield* start({ handle: () => gate.await })
        feed(Buffer.concat([data(1), data(2)]))
        feed(data(3))
        yield* settle
        assert.deepStrictEqual(caughtUp, [3])
        gate.closeUnsafe()
        feed(Buffer.concat([data(4), data(5)]))
        yield* settle
        assert.deepStrictEqual(caughtUp, [3])
        gate.openUnsafe()
        yield* settle
        assert.deepStrictEqual(caughtUp, [3, 5])
      })
    )

    it.effect("calls the end of input between frames a close, and inside one a truncation that the peer is told", () =>
      Effect.gen(function* () {
        const whole = yield* start()
        whole.feed(data(1))
        whole.fail("closed")
        assert.strictEqual((yield* Fiber.join(whole.running)).reason, "closed")
        assert.deepStrictEqual(kinds(whole.writes), [])

        const cut = yield* start()
        cut.feed(data(1).subarray(0, 9))
        cut.fail("closed")
        yield* settle
        assert.deepStrictEqual(kinds(cut.writes), [Kind.Goodbye])
        // There is no close of the peer left to wait for.
        assert.deepStrictEqual(yield* Fiber.join(cut.running), {
          reason: "truncated",
          detail: "truncated frame: the input ended 9 bytes into a frame"
        })
      })
    )

    it.effect("says what broke the channel even in the middle of a frame", () =>
      Effect.gen(function* () {
        const broken = yield* start()
        broken.feed(data(1).subarray(0, 9))
        broken.fail("network")
        assert.strictEqual((yield* Fiber.join(broken.running)).reason, "network")
      })
    )

    it.effect("throws away what comes while it finishes, and still sees the peer close", () =>
      Effect.gen(function* () {
        const { connection, fail, feed, handled, running } = yield* start()
        connection.finish(ended("shutdown", "done"))
        feed(data(1))
        feed(new Uint8Array(1_000).fill(255))
        yield* settle
        assert.deepStrictEqual(handled, [])
        fail("closed")
        assert.deepStrictEqual(yield* Fiber.join(running), ended("shutdown", "done"))
      })
    )

    it.effect("handles nothing that comes behind a violation in the same chunk", () =>
      Effect.gen(function* () {
        const { feed, handled, writes } = yield* start()
        feed(Buffer.concat([data(1), Frame.encode(Kind.Ping, new Uint8Array(7)), data(2)]))
        yield* settle
        assert.strictEqual(handled.length, 1)
        assert.deepStrictEqual(kinds(writes), [Kind.Goodbye])
      })
    )

    for (const [what, piece, inTwoTurns] of [
      ["after 256 KiB", data(1, 64 * 1024), 8],
      ["after fewer bytes of small frames", Buffer.concat(Array.from({ length: 4_000 }, () => data(1, 0))), 16_000]
    ] as const) {
      it.effect(`lets all others have their turn ${what}, however much has come`, () =>
        Effect.gen(function* () {
          const begin = Latch.makeUnsafe(false)
          let left = 40
          const { connection } = yield* start({
            pull: (take) =>
              begin.whenOpen(Effect.suspend(() => (left-- > 0 ? Effect.sync(() => take(piece)) : Effect.never)))
          })
          connection.established()
          const seen = yield* watching(() => connection.framesIn)
          begin.openUnsafe()
          for (let i = 0; i < 20; i++) yield* settle
          assert.isBelow(left, 0)
          assert.isAtMost(mostAtOnce(seen), inTwoTurns)
        })
      )
    }

    it.effect("ends when a handler crashes, and says so", () =>
      Effect.gen(function* () {
        const { feed, running } = yield* start({ handle: () => Effect.die(new Error("bug")) })
        feed(data(1))
        const reason = yield* Fiber.join(running)
        assert.strictEqual(reason.reason, "internal")
        assert.include(reason.detail, "the reader failed: Error: bug")
      })
    )
  })

  describe("writing", () => {
    it.effect("writes everything that was queued in one turn as one", () =>
      Effect.gen(function* () {
        const { connection, writes } = yield* start()
        for (let i = 0; i < 5; i++) yield* connection.bulk(data(i))
        connection.control(data(9))
        yield* settle
        assert.deepStrictEqual(
          writes.map((frames) => frames.length),
          [6]
        )
      })
    )

    it.effect("lets all others have their turn between two writes", () =>
      Effect.gen(function* () {
        const { connection, writes } = yield* start({
          config: { queue: { controlBytes: 1_000, gossipBytes: 100, bulkBytes: 10_000, writeBytes: 20 } }
        })
        const seen = yield* watching(() => writes.length)
        for (let i = 0; i < 40; i++) yield* connection.bulk(data(i))
        for (let i = 0; i < 20; i++) yield* settle
        assert.strictEqual(writes.flat().length, 40)
        assert.isAtMost(mostAtOnce(seen), 2)
      })
    )

    it.effect("answers a ping ahead of queued bulk", () =>
      Effect.gen(function* () {
        const { connection, feed, gate, writes } = yield* start({
          config: { queue: { controlBytes: 1_000, gossipBytes: 100, bulkBytes: 10_000, writeBytes: 20 } }
        })
        gate.closeUnsafe()
        for (let i = 0; i < 5; i++) yield* connection.bulk(data(i))
        yield* settle
        feed(Frame.encode(Kind.Ping, new Uint8Array(8).fill(7)))
        yield* settle
        gate.openUnsafe()
        yield* settle
        // The first write was under way already.
        assert.deepStrictEqual(kinds(writes), [Kind.Data, Kind.Data, Kind.Pong, Kind.Data, Kind.Data, Kind.Data])
        assert.deepStrictEqual(writes[1]![0]!.subarray(Frame.headerSize), new Uint8Array(8).fill(7))
      })
    )

    it.effect("cuts a peer off that does not take a write in time", () =>
      Effect.gen(function* () {
        const { connection, feed, gate, running } = yield* start()
        gate.closeUnsafe()
        yield* connection.bulk(data(1))
        // Its own frames are no excuse.
        for (let waited = 0; waited < config.writeTimeout; waited += 1_000) {
          assert.isUndefined(running.pollUnsafe())
          feed(data(9))
          yield* TestClock.adjust(1_000)
        }
        assert.deepStrictEqual(yield* Fiber.join(running), ended("slow", "the peer does not take what is written"))
      })
    )

    it.effect("cuts a peer off that pings and takes no pongs", () =>
      Effect.gen(function* () {
        const { ping: pings } = config.rates
        const rates = { ...config.rates, ping: { ...pings, burst: 10_000 } }
        const { feed, gate, running } = yield* start({ config: { rates } })
        gate.closeUnsafe()
        const ping = Frame.encode(Kind.Ping, new Uint8Array(8))
        // One write is under way; the lane holds 64 KiB more.
        feed(ping)
        yield* settle
        for (let i = 0; i < 1 + (64 * 1024) / ping.length; i++) feed(ping)
        yield* settle
        assert.deepStrictEqual(yield* Fiber.join(running), ended("slow", "the peer does not take its control frames"))
      })
    )

    it.effect("finishes after everything queued, the last word behind it, and half-closes", () =>
      Effect.gen(function* () {
        const { connection, ended: writingEnded, gate, running, writes } = yield* start()
        gate.closeUnsafe()
        for (let i = 0; i < 3; i++) yield* connection.bulk(data(i))
        connection.control(Frame.encode(Kind.Pong, new Uint8Array(8)))
        connection.finish(ended("shutdown", "done"), Frame.encode(Kind.Goodbye, new Uint8Array(0)))
        yield* connection.bulk(data(4))
        gate.openUnsafe()
        yield* settle
        assert.strictEqual(kinds(writes).at(-1), Kind.Goodbye)
        assert.deepStrictEqual(
          [...kinds(writes)].sort((a, b) => a - b),
          [Kind.Goodbye, Kind.Pong, Kind.Data, Kind.Data, Kind.Data]
        )
        assert.isTrue(writingEnded())
        assert.isUndefined(running.pollUnsafe())
        yield* TestClock.adjust(config.lingerTimeout)
        assert.deepStrictEqual(yield* Fiber.join(running), ended("shutdown", "done"))
      })
    )

    it.effect("lets bulk that waits for room go when the connection ends", () =>
      Effect.gen(function* () {
        const { connection, gate } = yield* start({
          config: { queue: { controlBytes: 100, gossipBytes: 100, bulkBytes: 20, writeBytes: 20 } }
        })
        gate.closeUnsafe()
        yield* connection.bulk(data(1, 20))
        yield* settle
        yield* connection.bulk(data(2, 20))
        const waiting = yield* Effect.forkChild(connection.bulk(data(3, 20)), { startImmediately: true })
        yield* settle
        assert.isUndefined(waiting.pollUnsafe())
        connection.end(ended("replaced", ""))
        yield* Fiber.join(waiting)
      })
    )
  })

  describe("heartbeat", () => {
    it.effect("ends after the profile's silence, counted from the last frame, for every phase of its timer", () =>
      Effect.gen(function* () {
        for (let i = 0; i < 20; i++) {
          const { ends, feed } = yield* start()
          yield* TestClock.adjust(1_000 + i * 137)
          feed(data(1))
          yield* settle
          yield* TestClock.adjust(config.heartbeat.timeout - 1)
          assert.deepStrictEqual(ends, [])
          yield* TestClock.adjust(1_001)
          assert.strictEqual(ends[0]?.reason, "silent")
        }
      })
    )

    it.effect("lives for ever with a peer that only answers pings", () =>
      Effect.gen(function* () {
        const { ends, feed, writes } = yield* start()
        let answered = 0
        for (let i = 0; i < 1_000; i++) {
          yield* TestClock.adjust(500)
          const frames = writes.flat()
          for (; answered < frames.length; answered++) feed(pongTo(frames[answered]!))
        }
        assert.deepStrictEqual(ends, [])
        assert.isAbove(answered, 150)
      })
    )

    it.effect("takes the parts of a frame for life, and lets the peer hear that it is heard", () =>
      Effect.gen(function* () {
        const { connection, ends, feed, handled, writes } = yield* start()
        connection.established()
        const large = data(1, 1_000)
        for (const byte of large.subarray(0, -1)) {
          feed(Uint8Array.of(byte))
          yield* TestClock.adjust(200)
        }
        assert.deepStrictEqual([ends, handled], [[], []])
        // 200 seconds, each with a tick.
        assert.isAbove(kinds(writes).filter((kind) => kind === Kind.Ping).length, 150)
        feed(large.subarray(-1))
        yield* settle
        assert.strictEqual(handled.length, 1)
        yield* TestClock.adjust(2 * config.heartbeat.timeout)
        assert.strictEqual(ends[0]?.reason, "silent")
      })
    )

    it.effect("never takes our own slow handler for a silent peer", () =>
      Effect.gen(function* () {
        const gate = Latch.makeUnsafe(false)
        const { ends, feed, running } = yield* start({ handle: () => gate.await })
        feed(data(1))
        yield* TestClock.adjust(10 * config.heartbeat.timeout)
        assert.deepStrictEqual(ends, [])
        gate.openUnsafe()
        // From now on the peer can be heard again, and is given its time.
        yield* TestClock.adjust(config.heartbeat.timeout - 1)
        assert.deepStrictEqual(ends, [])
        yield* TestClock.adjust(1_001 + config.heartbeat.interval)
        assert.strictEqual((yield* Fiber.join(running)).reason, "silent")
      })
    )

    it.effect("pings at once when it becomes a session, so that a busy one has a pong too", () =>
      Effect.gen(function* () {
        const { connection, feed, writes } = yield* start()
        connection.established()
        yield* settle
        assert.deepStrictEqual(kinds(writes), [Kind.Ping])
        feed(pongTo(writes[0]![0]!))
        yield* settle
        assert.strictEqual(connection.heartbeat.matched, 1)
        assert.isDefined(connection.heartbeat.rttMillis)
      })
    )
  })

  describe("probing", () => {
    const within = 2_000
    const asked = (connection: Connection) => {
      const answers: Array<boolean> = []
      connection.probe(within, (answered) => void answers.push(answered))
      return answers
    }

    it.effect("takes any frame for an answer, and the lack of one for none", () =>
      Effect.gen(function* () {
        const { connection, feed, writes } = yield* start({ config: { heartbeat: Heartbeat.profiles.relaxed } })
        const first = asked(connection)
        yield* settle
        assert.deepStrictEqual(kinds(writes), [Kind.Ping])
        feed(data(1))
        yield* TestClock.adjust(within)
        assert.deepStrictEqual(first, [true])
        const second = asked(connection)
        yield* TestClock.adjust(within - 1)
        assert.deepStrictEqual(second, [])
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(second, [false])
      })
    )

    it.effect("answers everybody who asks, each at its own time", () =>
      Effect.gen(function* () {
        const { connection, feed } = yield* start({ config: { heartbeat: Heartbeat.profiles.relaxed } })
        const first = asked(connection)
        yield* TestClock.adjust(within / 2)
        const second = asked(connection)
        yield* TestClock.adjust(within / 2)
        assert.deepStrictEqual([first, second], [[false], []])
        const third = asked(connection)
        feed(data(1))
        yield* settle
        assert.deepStrictEqual([first, second, third], [[false], [true], [true]])
        yield* TestClock.adjust(within)
        assert.deepStrictEqual([first, second, third], [[false], [true], [true]])
      })
    )

    it.effect("does not call a peer silent that nobody reads", () =>
      Effect.gen(function* () {
        const { connection, feed } = yield* start({ handle: () => Effect.never })
        feed(data(1))
        yield* settle
        const answers = asked(connection)
        yield* TestClock.adjust(within)
        assert.deepStrictEqual(answers, [true])
      })
    )

    it.effect("reports an end as no answer, after the end is known", () =>
      Effect.gen(function* () {
        const { connection, ends } = yield* start()
        let endsThen: number | undefined
        connection.probe(0, () => void (endsThen = ends.length))
        connection.end(ended("network", ""))
        assert.strictEqual(endsThen, 1)
        assert.deepStrictEqual(asked(connection), [false])
      })
    )
  })

  describe("ending", () => {
    it.effect("ends once, for the first reason, and tells before anybody goes on", () =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const { connection, ends, running } = yield* start({
          onEnded: (it) => {
            order.push("told")
            // What follows from an end may end the connection again.
            it.end(ended("replaced", "nested"))
          }
        })
        yield* Effect.forkChild(
          Effect.tap(Deferred.await(connection.ended), () => Effect.sync(() => order.push("awaited"))),
          { startImmediately: true }
        )
        // Nobody may answer a probe by ending the connection a second time.
        connection.probe(0, () => connection.end(ended("replaced", "by the probe")))
        connection.end(ended("network", "first"))
        connection.end(ended("slow", "second"))
        connection.finish(ended("shutdown", "third"))
        assert.deepStrictEqual(ends, [ended("network", "first")])
        assert.deepStrictEqual(yield* Fiber.join(running), ended("network", "first"))
        assert.deepStrictEqual(order, ["told", "awaited"])
      })
    )

    it.effect("stops reading, writing and beating with its end", () =>
      Effect.gen(function* () {
        const { connection, feed, handled, running, writes } = yield* start()
        connection.end(ended("replaced", ""))
        yield* Fiber.join(running)
        feed(data(1))
        connection.control(data(2))
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual([handled, writes], [[], []])
      })
    )
  })

  describe("at its points", () => {
    it.effect("handles what it has read only after it was late with it", () =>
      Effect.gen(function* () {
        const { held, points, release } = holding("link.read-before-handled")
        const { feed, handled } = yield* start({ points })
        feed(data(1))
        yield* settle
        assert.deepStrictEqual([held(), handled.length], [1, 0])
        release()
        yield* settle
        assert.strictEqual(handled.length, 1)
      })
    )

    it.effect("writes what it has taken only after it was late with it", () =>
      Effect.gen(function* () {
        const { held, points, release } = holding("link.taken-before-written")
        const { connection, writes } = yield* start({ points })
        yield* connection.bulk(data(1))
        yield* settle
        assert.deepStrictEqual([held(), writes.length], [1, 0])
        // What is queued meanwhile is in a write of its own.
        yield* connection.bulk(data(2))
        release()
        yield* settle
        assert.deepStrictEqual(
          writes.map((frames) => frames.length),
          [1, 1]
        )
      })
    )

    it.effect("answers a ping late, and what came behind it after that", () =>
      Effect.gen(function* () {
        const { held, points, release } = holding("link.ping-before-pong")
        const { feed, handled, writes } = yield* start({ points })
        feed(Buffer.concat([Frame.encode(Kind.Ping, new Uint8Array(8)), data(1)]))
        yield* settle
        assert.deepStrictEqual([held(), handled.length, writes.length], [1, 0, 0])
        release()
        yield* settle
        assert.deepStrictEqual([handled.length, kinds(writes)], [1, [Kind.Pong]])
      })
    )

    it.effect("asks again instead of judging when its own tick was late", () =>
      Effect.gen(function* () {
        const { points, stop } = firing("link.tick-put-off")
        const { ends, writes } = yield* start({ points })
        yield* TestClock.adjust(10 * config.heartbeat.timeout)
        assert.deepStrictEqual([ends, writes], [[], []])
        stop()
        yield* TestClock.adjust(Heartbeat.tickMillis(config.heartbeat) / 4)
        assert.deepStrictEqual([ends, kinds(writes)], [[], [Kind.Ping]])
        yield* TestClock.adjust(config.heartbeat.timeout)
        assert.strictEqual(ends[0]?.reason, "silent")
      })
    )

    it.effect("pings a peer that is not silent at all", () =>
      Effect.gen(function* () {
        const pings = Effect.fnUntraced(function* (points: Points) {
          const { ends, feed, writes } = yield* start({ points })
          for (let second = 0; second < 20; second++) {
            feed(data(1))
            yield* TestClock.adjust(1_000)
          }
          assert.deepStrictEqual(ends, [])
          return kinds(writes).length
        })
        assert.strictEqual(yield* pings(none), 0)
        assert.isAtLeast(yield* pings(firing("link.pinged-without-need").points), 19)
      })
    )

    it.effect("ends without its last word", () =>
      Effect.gen(function* () {
        const { points } = firing("link.last-word-lost")
        const { connection, ended: writingEnded, running, writes } = yield* start({ points })
        yield* connection.bulk(data(1))
        connection.finish(ended("shutdown", "done"), Frame.encode(Kind.Goodbye, new Uint8Array(0)))
        yield* settle
        assert.deepStrictEqual([kinds(writes), writingEnded(), connection.framesOut], [[Kind.Data], true, 1])
        yield* TestClock.adjust(config.lingerTimeout)
        assert.deepStrictEqual(yield* Fiber.join(running), ended("shutdown", "done"))
      })
    )
  })
})
