import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Latch, Logger, References, Schema } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as DeliveryFrame from "../../../src/protocol/delivery/DeliveryFrame.ts"
import { Kind } from "../../../src/protocol/link/Frame.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import { defaults, DeliveryConfig } from "../../../src/services/delivery/DeliveryConfig.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import * as SessionPair from "../../support/SessionPair.ts"

const Load = Schema.Struct({ n: Schema.Int, ballast: Schema.Uint8Array })

/** A protocol whose handler takes its time. */
const slow = (millis: number) => {
  const handled: Array<number> = []
  const protocol = Protocol.make("load", {
    messages: Load,
    handle: ({ n }) =>
      Effect.andThen(
        Effect.sleep(millis),
        Effect.sync(() => void handled.push(n))
      )
  })
  return { handled, protocol }
}

const start = (seed: number, { protocol }: ReturnType<typeof slow>) =>
  Effect.flatMap(MemoryDatabase.make, (database) =>
    DeliveryNode.start({ seed, database, protocols: [protocol.handled] })
  )

const fill = Effect.fnUntraced(function* (
  from: DeliveryNode.DeliveryNode,
  to: DeliveryNode.DeliveryNode,
  { protocol }: ReturnType<typeof slow>,
  messages: number,
  bytes: number
) {
  const delivery = Context.get(from.context, Delivery)
  const ballast = new Uint8Array(bytes)
  for (let n = 0; n < messages; n++) yield* delivery.send(DeliveryNode.keyOf(to), protocol, { n, ballast })
})

const owed = (node: DeliveryNode.DeliveryNode) =>
  Effect.map(Context.get(node.context, RetryStore).owed({ limit: 10_000 }), (rows) => rows.length)

/** Plays the peer on the right: says RESUME, and reads the node's. */
const greet = Effect.fnUntraced(function* ({ right }: SessionPair.SessionPair) {
  const resume = DeliveryFrame.resume.encode({
    sending: { stream: theirStream, last: 0n, receipted: 0n },
    received: { stream: null, position: 0n, seen: 0n },
    answers: []
  })
  yield* right.send(Kind.Resume, resume)
  const { body } = yield* right.frames.take
  return yield* Effect.map(Effect.fromResult(DeliveryFrame.resume.decode(body)), ({ sending }) => sending)
})

const theirStream = "11111111-1111-4111-8111-111111111111"

const data = (first: bigint, count: number): Uint8Array => {
  const items = Array.from({ length: count }, (_, index) => ({
    id: `00000000-0000-4000-8000-${(first + BigInt(index)).toString().padStart(12, "0")}`,
    ...slow(0).protocol.prepare({ n: 0, ballast: new Uint8Array(0) }),
    protocol: "load"
  }))
  return DeliveryFrame.data.encode({ stream: theirStream, first, seen: 0n, items })
}

const counted = (messages: number) => Array.from({ length: messages }, (_, n) => n)

describe("a receiver whose handlers take long", () => {
  it.effect("trap 11: commits what it has done while there is more, so that its receipts come in time", () =>
    Effect.gen(function* () {
      const [left, right] = [slow(0), slow(50)]
      const a = yield* start(1, left)
      const b = yield* start(2, right)
      yield* fill(a, b, left, 4_000, 10)
      const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
      const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
      // All of it takes 200 s, far more than the 30 s that the sender waits for a receipt.
      yield* TestClock.adjust("230 seconds")
      assert.isFalse(yield* Deferred.isDone(pair.closed))
      assert.deepStrictEqual(right.handled, counted(4_000))
      assert.strictEqual(yield* owed(a), 0)
      yield* Fiber.interruptAll(fibers)
    }).pipe(Effect.scoped)
  )

  const reported = Effect.fnUntraced(function* (handlerMillis: number, runMillis: number) {
    const lines: Array<unknown> = []
    const logger = Logger.make<unknown, void>(({ fiber, message }) => {
      if (!String(message).includes("should do database work only")) return
      const { milliseconds, protocol, unsaid } = fiber.getRef(References.CurrentLogAnnotations)
      lines.push([protocol, milliseconds, unsaid])
    })
    const [left, right] = [slow(0), slow(handlerMillis)]
    yield* Effect.gen(function* () {
      const a = yield* start(1, left)
      const b = yield* start(2, right)
      yield* fill(a, b, left, 8, 10)
      const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
      const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
      // The session begins.
      for (let round = 0; round < 60; round++) yield* TestClock.adjust(0)
      yield* TestClock.adjust(runMillis)
      yield* Fiber.interruptAll(fibers)
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([logger])))
    return { lines, handled: right.handled.length }
  })

  it.effect("trap 11: is reported by the name of its protocol, once a minute at most", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* reported(10_000, 75_000), {
        handled: 7,
        lines: [
          ["load", 10_000, 0],
          ["load", 10_000, 5]
        ]
      })
      assert.deepStrictEqual(yield* reported(100, 75_000), { handled: 8, lines: [] })
    })
  )

  it.effect("trap 11: is reported when it does not end, by the end of its transaction", () =>
    Effect.map(reported(1_000_000_000, 5_000), (it) =>
      assert.deepStrictEqual(it, { handled: 0, lines: [["load", 5_000, 0]] })
    )
  )

  it.effect("reads the receipts behind messages that wait, while its own receipts wait for room", () =>
    Effect.gen(function* () {
      const left = slow(0)
      const a = yield* start(1, left)
      const b = yield* start(2, slow(0))
      yield* fill(a, b, left, 100, 10)
      const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
      const fiber = yield* Effect.forkChild(a.run(pair.left))
      const { stream } = yield* greet(pair)
      // This peer reads nothing, so what the node sends soon waits.
      const peer = yield* Effect.forkChild(
        Effect.gen(function* () {
          for (let first = 1n; first <= 200n; first++) yield* pair.right.send(Kind.Data, data(first, 1))
          yield* pair.right.send(Kind.Receipt, DeliveryFrame.receipt.encode({ stream, upTo: 10n, answers: [] }))
        })
      )
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* owed(a), 90)
      yield* Fiber.join(peer)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.scoped, Effect.provideService(DeliveryConfig, { ...defaults, batch: { messages: 1, bytes: 1 } }))
  )

  it.effect("ends the session with a peer that sends without regard to receipts", () =>
    Effect.gen(function* () {
      const a = yield* start(1, slow(60_000))
      const b = yield* start(2, slow(0))
      const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
      yield* Effect.forkChild(a.run(pair.left))
      yield* greet(pair)
      for (let first = 1n; first < 20_000n; first += 1_000n) {
        if (yield* Deferred.isDone(pair.closed)) break
        yield* pair.right.send(Kind.Data, data(first, 1_000))
        yield* TestClock.adjust(1)
      }
      const closed = yield* Deferred.await(pair.closed)
      assert.strictEqual(closed.reason, "violation")
      assert.match(closed.detail, /ahead of the receipts/)
    }).pipe(Effect.scoped)
  )
})

describe("a sender that settles slowly", () => {
  it.effect("leaves its peer no more answers to keep than a RESUME holds", () =>
    Effect.gen(function* () {
      const messages = 6_000
      const gate = Latch.makeUnsafe(false)
      const told: Array<string> = []
      const asking = Protocol.make("load", {
        messages: Load,
        handle: () => Effect.void,
        onOutcome: (_, outcome) => Effect.sync(() => void told.push(outcome._tag))
      })
      const refusing = Protocol.make("load", {
        messages: Load,
        handle: () => Effect.fail(Protocol.Rejected.refused("no"))
      })
      const a = yield* DeliveryNode.start({
        seed: 1,
        database: yield* MemoryDatabase.make,
        protocols: [asking.handled],
        amend: (services) => {
          const store = Context.get(services, RetryStore)
          return Context.add(services, RetryStore, {
            ...store,
            settle: (...args) => Effect.andThen(gate.await, store.settle(...args))
          })
        }
      })
      const b = yield* DeliveryNode.start({
        seed: 2,
        database: yield* MemoryDatabase.make,
        protocols: [refusing.handled]
      })
      yield* fill(a, b, { handled: [], protocol: asking }, messages, 10)
      const session = Effect.gen(function* () {
        const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
        const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
        for (let round = 0; round < 100; round++) yield* TestClock.adjust(100)
        assert.isFalse(yield* Deferred.isDone(pair.closed))
        yield* Fiber.interruptAll(fibers)
      })
      yield* session
      assert.deepStrictEqual(told, [])
      gate.openUnsafe()
      yield* session
      assert.deepStrictEqual(
        told,
        Array.from({ length: messages }, () => "Refused")
      )
      assert.strictEqual(yield* owed(a), 0)
    }).pipe(Effect.scoped)
  )
})
