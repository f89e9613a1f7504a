import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Deferred, Effect, Exit, Fiber, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as DeliveryFrame from "../../../src/protocol/delivery/DeliveryFrame.ts"
import type { Outcome } from "../../../src/protocol/delivery/Message.ts"
import { Kind } from "../../../src/protocol/link/Frame.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import * as SessionPair from "../../support/SessionPair.ts"

const Word = Schema.Struct({ text: Schema.String, subject: Schema.optionalKey(Schema.String) })
type Word = typeof Word.Type

/** A protocol that writes down what it handles and what its messages came to. */
const recording = (
  decide: (word: Word, times: number) => Effect.Effect<void, Protocol.Rejected> = () => Effect.void
) => {
  const handled: Array<string> = []
  const outcomes: Array<readonly [string, Outcome["_tag"]]> = []
  const seen = new Map<string, number>()
  const protocol = Protocol.make("words", {
    messages: Word,
    subject: (word) => word.subject ?? "",
    handle: (word) =>
      Effect.gen(function* () {
        const times = (seen.get(word.text) ?? 0) + 1
        seen.set(word.text, times)
        yield* decide(word, times)
        handled.push(word.text)
      }),
    onOutcome: (word, outcome) => Effect.sync(() => void outcomes.push([word.text, outcome._tag]))
  })
  return { handled, outcomes, seen, protocol }
}

const nodes = (left: ReturnType<typeof recording>, right: ReturnType<typeof recording>) =>
  Effect.gen(function* () {
    const a = yield* DeliveryNode.start({
      seed: 1,
      database: yield* MemoryDatabase.make,
      protocols: [left.protocol.handled]
    })
    const b = yield* DeliveryNode.start({
      seed: 2,
      database: yield* MemoryDatabase.make,
      protocols: [right.protocol.handled]
    })
    return { a, b }
  })

/** Runs both ends of a session until it is closed, and says how. */
const connect = Effect.fnUntraced(function* (a: DeliveryNode.DeliveryNode, b: DeliveryNode.DeliveryNode) {
  const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
  const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
  const end = Effect.andThen(pair.cut, Fiber.interruptAll(fibers))
  return { ...pair, end }
})

const send = (
  node: DeliveryNode.DeliveryNode,
  to: DeliveryNode.DeliveryNode,
  protocol: ReturnType<typeof recording>,
  word: Word
) =>
  Effect.provide(
    Effect.flatMap(Delivery, (delivery) => delivery.send(DeliveryNode.keyOf(to), protocol.protocol, word)),
    node.context
  )

const owed = (node: DeliveryNode.DeliveryNode) =>
  Effect.provide(
    Effect.flatMap(RetryStore, (store) => store.owed({ limit: 1_000 })),
    node.context
  )

/** Lets everything that can happen without time happen, then a little time. */
const settle = Effect.gen(function* () {
  for (let round = 0; round < 20; round++) yield* TestClock.adjust(10)
})

describe("Exchange", () => {
  it.effect("carries what was committed before the session and what is committed while it lives", () =>
    Effect.gen(function* () {
      const [left, right] = [recording(), recording()]
      const { a, b } = yield* nodes(left, right)
      yield* send(a, b, left, { text: "before" })
      yield* connect(a, b)
      yield* settle
      yield* send(a, b, left, { text: "while" })
      yield* send(b, a, right, { text: "back" })
      yield* settle
      assert.deepStrictEqual(right.handled, ["before", "while"])
      assert.deepStrictEqual(left.handled, ["back"])
      assert.deepStrictEqual(left.outcomes, [
        ["before", "Ok"],
        ["while", "Ok"]
      ])
      assert.deepStrictEqual(yield* owed(a), [])
    }).pipe(Effect.scoped)
  )

  it.effect("says of a peer that it was useful when it brings or takes what is wanted, and not for the rest", () =>
    Effect.gen(function* () {
      const left = recording()
      const right = recording((word) =>
        word.text === "bad" ? Effect.fail(Protocol.Rejected.refused("not-wanted")) : Effect.void
      )
      const { a, b } = yield* nodes(left, right)
      const [atA, atB] = [DeliveryNode.keyOf(a), DeliveryNode.keyOf(b)]
      const { sent, useful } = yield* connect(a, b)
      yield* settle
      assert.deepStrictEqual(useful, [], "nothing but a greeting has come")
      yield* send(a, b, left, { text: "bad" })
      yield* settle
      assert.deepStrictEqual(useful.splice(0), [atA], "it takes what this node has for it")
      yield* send(a, b, left, { text: "good" })
      yield* settle
      assert.deepStrictEqual(useful.splice(0), [atB, atA])
      assert.isAbove(sent.length, 4)
    }).pipe(Effect.scoped)
  )

  it.effect("sends nothing of a transaction that was rolled back", () =>
    Effect.gen(function* () {
      const [left, right] = [recording(), recording()]
      const { a, b } = yield* nodes(left, right)
      yield* connect(a, b)
      const transactions = Context.get(a.context, Transactions)
      const failed = yield* transactions
        .within(Effect.andThen(send(a, b, left, { text: "never" }), Effect.fail("no")))
        .pipe(Effect.exit)
      assert.isTrue(Exit.isFailure(failed))
      yield* send(a, b, left, { text: "sent" })
      yield* settle
      assert.deepStrictEqual(right.handled, ["sent"])
    }).pipe(Effect.scoped)
  )

  it.effect("tells the sender of every outcome, and one bad message stops no other", () =>
    Effect.gen(function* () {
      const left = recording()
      const right = recording((word) => {
        if (word.text === "bad") return Effect.fail(Protocol.Rejected.refused("not-wanted"))
        return word.text === "old" ? Effect.fail(Protocol.Rejected.stale("7")) : Effect.void
      })
      const { a, b } = yield* nodes(left, right)
      for (const text of ["one", "bad", "two", "old", "three"]) yield* send(a, b, left, { text })
      yield* connect(a, b)
      yield* settle
      assert.deepStrictEqual(right.handled.slice(-3), ["one", "two", "three"])
      assert.deepStrictEqual(left.outcomes, [
        ["one", "Ok"],
        ["bad", "Refused"],
        ["two", "Ok"],
        ["old", "Stale"],
        ["three", "Ok"]
      ])
      const feed = Context.get(a.context, Feed)
      const kinds = (yield* feed.read({ limit: 10 })).flatMap((item) =>
        item._tag === "Event" ? [item.event.kind] : []
      )
      assert.deepStrictEqual(kinds, ["message.refused", "message.stale"])
    }).pipe(Effect.scoped)
  )

  it.effect("offers again what was answered later, and lets nothing of its subject overtake it", () =>
    Effect.gen(function* () {
      const left = recording()
      const right = recording((word, times) =>
        word.text === "a1" && times < 4 ? Effect.fail(Protocol.Rejected.later("1 second")) : Effect.void
      )
      const { a, b } = yield* nodes(left, right)
      yield* connect(a, b)
      for (const [text, subject] of [
        ["a1", "a"],
        ["a2", "a"],
        ["b1", "b"],
        ["a3", "a"]
      ] as const) {
        yield* send(a, b, left, { text, subject })
      }
      yield* settle
      assert.deepStrictEqual([...new Set(right.handled)], ["b1"])
      yield* send(a, b, left, { text: "a4", subject: "a" })
      for (let round = 0; round < 60; round++) yield* TestClock.adjust(1_000)
      assert.deepStrictEqual(
        right.handled.filter((text) => text.startsWith("a")),
        ["a1", "a2", "a3", "a4"]
      )
      assert.deepStrictEqual(yield* owed(a), [])
    }).pipe(Effect.scoped)
  )

  it.effect("offers again at its time what was answered later, where nothing else is sent", () =>
    Effect.gen(function* () {
      const left = recording()
      let busy = true
      const right = recording(() =>
        Effect.suspend(() => (busy ? Effect.fail(Protocol.Rejected.later("3 seconds")) : Effect.void))
      )
      const { a, b } = yield* nodes(left, right)
      yield* connect(a, b)
      yield* send(a, b, left, { text: "one" })
      yield* settle
      busy = false
      const [{ dueAt } = { dueAt: 0 }] = yield* owed(a)
      yield* TestClock.adjust(dueAt - (yield* Clock.currentTimeMillis))
      yield* settle
      assert.deepStrictEqual(right.handled, ["one"])
      assert.deepStrictEqual(yield* owed(a), [])
    }).pipe(Effect.scoped)
  )

  it.effect("parks a message that crashes its handler, and goes on", () =>
    Effect.gen(function* () {
      const left = recording()
      const right = recording((word) => (word.text === "poison" ? Effect.die(new Error("boom")) : Effect.void))
      const { a, b } = yield* nodes(left, right)
      for (const text of ["one", "poison", "two"]) yield* send(a, b, left, { text })
      yield* connect(a, b)
      yield* settle
      assert.deepStrictEqual(right.handled.slice(-2), ["one", "two"])
      assert.deepStrictEqual(left.outcomes[1], ["poison", "Refused"])
      const feed = Context.get(b.context, Feed)
      const kinds = (yield* feed.read({ limit: 10 })).flatMap((item) =>
        item._tag === "Event" ? [item.event.kind] : []
      )
      assert.deepStrictEqual(kinds, ["message.parked"])
    }).pipe(Effect.scoped)
  )

  it.effect("refuses a message of a protocol that the receiver does not run", () =>
    Effect.gen(function* () {
      const left = recording()
      const right = recording()
      const { a, b } = yield* nodes(left, right)
      const Other = Protocol.make("other", { messages: Word, handle: () => Effect.void })
      yield* Effect.provide(
        Effect.flatMap(Delivery, (delivery) => delivery.send(DeliveryNode.keyOf(b), Other, { text: "?" })),
        a.context
      )
      yield* connect(a, b)
      yield* settle
      const items = yield* Context.get(a.context, Feed).read({ limit: 10 })
      assert.deepStrictEqual(
        items.map((item) => item._tag === "Event" && item.event.kind),
        ["message.refused"]
      )
      assert.deepStrictEqual(yield* owed(a), [])
    }).pipe(Effect.scoped)
  )

  it.effect(
    "ends the session over a gap, a foreign stream, a second RESUME and a receipt for what was never sent",
    () =>
      Effect.gen(function* () {
        const stream = "11111111-1111-4111-8111-111111111111"
        const item = { id: stream, protocol: "words", subject: "", body: new Uint8Array([0xa0]) }
        const resume = DeliveryFrame.resume.encode({
          sending: { stream, last: 0n, receipted: 0n },
          received: { stream: null, position: 0n, seen: 0n },
          answers: []
        })
        const data = (of: string, first: bigint) =>
          DeliveryFrame.data.encode({ stream: of, first, seen: 0n, items: [item] })
        const cases = [
          { name: "gap", kind: Kind.Data, body: data(stream, 5n) },
          { name: "foreign", kind: Kind.Data, body: data("22222222-2222-4222-8222-222222222222", 1n) },
          { name: "resume", kind: Kind.Resume, body: resume },
          {
            name: "receipt",
            kind: Kind.Receipt,
            body: DeliveryFrame.receipt.encode({ stream, upTo: 3n, answers: [] })
          },
          { name: "garbage", kind: Kind.Data, body: new Uint8Array([1, 2, 3]) }
        ]
        for (const { body, kind, name } of cases) {
          const { a, b } = yield* nodes(recording(), recording())
          const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
          const fiber = yield* Effect.forkChild(b.run(pair.right))
          yield* pair.left.send(Kind.Resume, resume)
          yield* pair.left.send(kind, body)
          const closed = yield* Deferred.await(pair.closed)
          assert.strictEqual(closed.reason, "violation", name)
          yield* Fiber.join(fiber)
        }
      }).pipe(Effect.scoped)
  )

  it.effect("closes a session whose peer takes messages and never receipts them", () =>
    Effect.gen(function* () {
      const left = recording()
      const { a, b } = yield* nodes(left, recording())
      const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
      yield* Effect.forkChild(a.run(pair.left))
      yield* Effect.forkChild(Effect.forever(pair.right.frames.take))
      const resume: DeliveryFrame.Resume = {
        sending: { stream: "11111111-1111-4111-8111-111111111111", last: 0n, receipted: 0n },
        received: { stream: null, position: 0n, seen: 0n },
        answers: []
      }
      yield* pair.right.send(Kind.Resume, DeliveryFrame.resume.encode(resume))
      yield* send(a, b, left, { text: "lost" })
      yield* settle
      yield* TestClock.adjust("45 seconds")
      assert.strictEqual((yield* Deferred.await(pair.closed)).reason, "slow")
      assert.strictEqual((yield* owed(a)).length, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("gives a large message the time that it takes on a slow link", () =>
    Effect.gen(function* () {
      const left = recording()
      const { a, b } = yield* nodes(left, recording())
      const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
      yield* Effect.forkChild(a.run(pair.left))
      yield* Effect.forkChild(Effect.forever(pair.right.frames.take))
      const resume: DeliveryFrame.Resume = {
        sending: { stream: "11111111-1111-4111-8111-111111111111", last: 0n, receipted: 0n },
        received: { stream: null, position: 0n, seen: 0n },
        answers: []
      }
      yield* pair.right.send(Kind.Resume, DeliveryFrame.resume.encode(resume))
      yield* send(a, b, left, { text: "x".repeat(200_000) })
      yield* settle
      yield* TestClock.adjust("70 seconds")
      assert.isFalse(Deferred.isDoneUnsafe(pair.closed))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* Deferred.await(pair.closed)).reason, "slow")
      assert.strictEqual((yield* owed(a)).length, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("has every effect once, in order, over sessions and processes that end at every stage of a batch", () =>
    Effect.gen(function* () {
      const left = recording()
      // The effect is an event: it is rolled back with its transaction, as a handler's rows are.
      const effects = Protocol.make("words", {
        messages: Word,
        handle: (word) =>
          Effect.flatMap(Feed, (feed) =>
            feed.append([{ audience: "", protocol: "words", subject: "", kind: word.text, body: null }])
          )
      })
      const [here, there] = [yield* MemoryDatabase.make, yield* MemoryDatabase.make]
      const live = Effect.gen(function* () {
        const a = yield* DeliveryNode.start({ seed: 1, database: here, protocols: [left.protocol.handled] })
        const b = yield* DeliveryNode.start({ seed: 2, database: there, protocols: [effects.handled] })
        return { a, b, link: yield* connect(a, b) }
      })
      let sent = 0
      for (let life = 0; life < 60; life++) {
        const scope = yield* Scope.make()
        const { a, b, link } = yield* Scope.provide(live, scope)
        for (let burst = 0; burst < 3; burst++) {
          yield* send(a, b, left, { text: String(sent++) })
          // Every life runs for another number of turns, so that the end falls between other steps each time.
          for (let turn = 0; turn < life * 3; turn++) yield* Effect.yieldNow
        }
        ;(life % 2 === 0 ? here : there).crash()
        yield* link.end
        yield* Scope.close(scope, Exit.void)
      }
      const { a, b } = yield* live
      yield* settle
      assert.deepStrictEqual(yield* owed(a), [])
      const items = yield* Context.get(b.context, Feed).read({ limit: 1_000 })
      assert.deepStrictEqual(
        items.map((item) => item._tag === "Event" && item.event.kind),
        Array.from({ length: sent }, (_, index) => String(index))
      )
    }).pipe(Effect.scoped)
  )
})
