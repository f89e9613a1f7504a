import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Logger, Schema } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as DeliveryFrame from "../../../src/protocol/delivery/DeliveryFrame.ts"
import { Kind } from "../../../src/protocol/link/Frame.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Necessity from "../../../src/services/delivery/Necessity.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import * as SessionPair from "../../support/SessionPair.ts"

const settle = Effect.gen(function* () {
  for (let round = 0; round < 200; round++) yield* TestClock.adjust(10)
})

const fresh = DeliveryFrame.resume.encode({
  sending: { stream: "00112233-4455-6677-8899-aabbccddeeff", last: 0n, receipted: 0n },
  received: { stream: null, position: 0n, seen: 0n },
  answers: []
})

type Question = NonNullable<Protocol.Definition<string, DeliveryNode.Services>["isStillNecessary"]>

/** Two nodes that talk in words, the first of which asks before it sends them. */
const nodes = Effect.fnUntraced(function* (isStillNecessary: Question) {
  const handled: Array<string> = []
  const Words = Protocol.make("words", { messages: Schema.String, handle: () => Effect.void, isStillNecessary })
  const Heard = Protocol.make("words", {
    messages: Schema.String,
    handle: (word) => Effect.sync(() => void handled.push(word))
  })
  const a = yield* DeliveryNode.start({ seed: 1, database: yield* MemoryDatabase.make, protocols: [Words.handled] })
  const b = yield* DeliveryNode.start({ seed: 2, database: yield* MemoryDatabase.make, protocols: [Heard.handled] })
  const send = (word: string) => Context.get(a.context, Delivery).send(DeliveryNode.keyOf(b), Words, word)
  const events = Effect.map(Context.get(a.context, Feed).read({ limit: 100 }), (items) =>
    items.flatMap((item) => (item._tag === "Event" ? [item.event] : []))
  )
  return { a, b, handled, send, events }
})

const connected = Effect.fnUntraced(function* (a: DeliveryNode.DeliveryNode, b: DeliveryNode.DeliveryNode) {
  const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
  const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
  yield* settle
  yield* Fiber.interruptAll(fibers)
})

describe("a protocol that is asked whether a message is still necessary", () => {
  it.effect("takes back what no longer is, with an event, and its subject goes on", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const { a, b, events, handled, send } = yield* nodes((word, { attempts, peer }) =>
        Effect.sync(() => {
          asked.push(`${word} ${peer === DeliveryNode.keyOf(b)} ${attempts}`)
          return word !== "old"
        })
      )
      yield* send("one")
      const old = yield* send("old")
      yield* send("two")
      assert.deepStrictEqual(asked, [])
      yield* connected(a, b)
      assert.deepStrictEqual(handled, ["one", "two"])
      assert.deepStrictEqual(asked, ["one true 1", "old true 1", "two true 1"])
      assert.deepStrictEqual(yield* Context.get(a.context, RetryStore).owed({ limit: 10 }), [])
      const [event, ...more] = yield* events
      assert.deepInclude(event, {
        kind: "message.unnecessary",
        protocol: "words",
        subject: "",
        body: { peer: DeliveryNode.keyOf(b), id: old, outcome: "unknown" }
      })
      assert.deepStrictEqual(more, [])
    }).pipe(Effect.scoped)
  )

  it.effect("is asked again about what is sent again on a new session", () =>
    Effect.gen(function* () {
      let necessary = true
      const asked: Array<string> = []
      const { a, b, events, handled, send } = yield* nodes((word) =>
        Effect.sync(() => {
          asked.push(word)
          return necessary
        })
      )
      const id = yield* send("one")
      const lone = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
      const sender = yield* Effect.forkChild(a.run(lone.left))
      // A peer that says where it is, and goes away before anything arrives.
      yield* lone.right.send(Kind.Resume, fresh)
      yield* settle
      assert.isTrue(lone.sent.some(({ kind }) => kind === Kind.Data))
      yield* Fiber.interrupt(sender)
      assert.deepStrictEqual(asked, ["one"])
      necessary = false
      yield* connected(a, b)
      assert.deepStrictEqual(asked, ["one", "one"])
      assert.deepStrictEqual(handled, [])
      assert.deepStrictEqual(
        (yield* events).map(({ body }) => body),
        [{ peer: DeliveryNode.keyOf(b), id, outcome: "unknown" }]
      )
      assert.deepStrictEqual(yield* Context.get(a.context, RetryStore).owed({ limit: 10 }), [])
    }).pipe(Effect.scoped)
  )

  it.effect("that cannot answer has it sent, says so once, and leaves no write of the question", () =>
    Effect.gen(function* () {
      const errors: Array<unknown> = []
      const log = Logger.make(({ logLevel, message }) => void (logLevel === "Error" && errors.push(message)))
      const { a, b, events, handled, send } = yield* nodes((word) =>
        word === "bad"
          ? Feed.use((feed) =>
              feed.append([{ audience: "", protocol: "", subject: "", kind: "asked", body: null }])
            ).pipe(Effect.andThen(Effect.die(new Error("boom"))))
          : Effect.succeed(word !== "old")
      )
      for (const word of ["one", "bad", "old", "bad", "two"]) yield* send(word)
      yield* connected(a, b).pipe(Effect.provide(Logger.layer([log])))
      assert.deepStrictEqual(handled, ["one", "bad", "bad", "two"])
      assert.deepStrictEqual(
        (yield* events).map(({ kind }) => kind),
        ["message.unnecessary"]
      )
      assert.lengthOf(errors, 1)
    }).pipe(Effect.scoped)
  )
})

describe("a protocol that is not asked", () => {
  it.effect("costs no transaction, and its batch is sent as it is", () =>
    Effect.gen(function* () {
      const Plain = Protocol.make("plain", { messages: Schema.String, handle: () => Effect.void })
      const node = yield* DeliveryNode.start({ seed: 1, database: yield* MemoryDatabase.make, protocols: [] })
      const transactions = Transactions.of({
        within: () => Effect.die("no transaction is needed"),
        afterCommit: () => Effect.void,
        isOpen: Effect.succeed(false)
      })
      const necessity = yield* Necessity.make(new Map([["plain", Plain.handled]])).pipe(
        Effect.provideService(Transactions, transactions),
        Effect.provide(node.context)
      )
      const link = yield* Context.get(node.context, RetryStore).claim(DeliveryNode.keyOf(node))
      const { body } = Plain.prepare("x")
      const batch = [
        { seq: 1n, id: "00112233-4455-6677-8899-aabbccddeeff", protocol: "plain", subject: "", body, void: false }
      ]
      assert.strictEqual(yield* necessity(link, batch), batch)
    }).pipe(Effect.scoped)
  )
})
