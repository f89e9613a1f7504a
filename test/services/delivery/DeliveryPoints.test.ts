import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as DeliveryFrame from "../../../src/protocol/delivery/DeliveryFrame.ts"
import type { Outcome } from "../../../src/protocol/delivery/Message.ts"
import { Kind } from "../../../src/protocol/link/Frame.ts"
import { Buggify, none, type Points } from "../../../src/services/Buggify.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as DeliveryConfig from "../../../src/services/delivery/DeliveryConfig.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { Wakes } from "../../../src/services/delivery/Wakes.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import { stranger } from "../../support/Messages.ts"
import { firing, holding, once } from "../../support/Points.ts"
import * as SessionPair from "../../support/SessionPair.ts"

/** A sender and a receiver, of which one has points, and what became of everything. */
const pair = Effect.fnUntraced(function* ({ receiver = none, sender = none }: { sender?: Points; receiver?: Points }) {
  const handled: Array<string> = []
  const outcomes: Array<readonly [string, Outcome["_tag"]]> = []
  const settled: Array<bigint> = []
  const Word = Protocol.make("words", {
    messages: Schema.String,
    handle: (word) =>
      Effect.suspend(() => {
        handled.push(word)
        return word.startsWith("bad") ? Effect.fail(Protocol.Rejected.refused("bad")) : Effect.void
      }),
    onOutcome: (word, outcome) => Effect.sync(() => void outcomes.push([word, outcome._tag]))
  })
  const spying = (context: Context.Context<DeliveryNode.Services>) => {
    const store = Context.get(context, RetryStore)
    return Context.add(context, RetryStore, {
      ...store,
      settle: (link, receipt, options) =>
        Effect.tap(store.settle(link, receipt, options), () => Effect.sync(() => settled.push(receipt.upTo)))
    })
  }
  const node = (seed: number, points: Points) =>
    Effect.flatMap(MemoryDatabase.make, (database) =>
      DeliveryNode.start({ seed, database, protocols: [Word.handled], amend: spying })
    ).pipe(Effect.provideService(Buggify, points))
  const [a, b] = [yield* node(1, sender), yield* node(2, receiver)]
  const stores = { a: Context.get(a.context, RetryStore), b: Context.get(b.context, RetryStore) }
  const session = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
  const frames = (kind: number) => session.sent.filter((frame) => frame.kind === kind)
  const run = Effect.gen(function* () {
    yield* Effect.forkChild(a.run(session.left))
    yield* Effect.forkChild(b.run(session.right))
    yield* settle
  })
  const { send } = Context.get(a.context, Delivery)
  return {
    session,
    stores,
    handled,
    outcomes,
    settled,
    send: (...words: ReadonlyArray<string>) =>
      Effect.forEach(words, (word) => send(DeliveryNode.keyOf(b), Word, word), { discard: true }),
    /** Begins the session at both ends, and lets everything happen that needs no time. */
    run,
    /** How many messages each DATA had, and how far each RECEIPT went with how many answers. */
    data: () => frames(Kind.Data).map(({ body }) => Result.getOrThrow(DeliveryFrame.data.decode(body)).items.length),
    receipts: () =>
      frames(Kind.Receipt).map(({ body }) => {
        const { answers, upTo } = Result.getOrThrow(DeliveryFrame.receipt.decode(body))
        return [Number(upTo), answers.length] as const
      }),
    resumes: () => frames(Kind.Resume).length,
    owed: Effect.map(stores.a.owed({ limit: 100 }), (owed) => owed.length),
    received: Effect.map(stores.b.totals(1), ([link]) => ({
      position: Number(link?.received ?? 0n),
      duplicates: Number(link?.duplicates ?? 0n)
    }))
  }
})

const settle = Effect.gen(function* () {
  for (let round = 0; round < 20; round++) yield* TestClock.adjust(1)
})

const three = ["one", "two", "three"]
const allOk = three.map((word) => [word, "Ok"] as const)

describe("the points of delivery", () => {
  it.effect("send what is owed message by message", () =>
    Effect.gen(function* () {
      const { data, handled, owed, run, send } = yield* pair({ sender: firing("delivery.batch-of-one").points })
      yield* send(...three)
      yield* run
      assert.deepStrictEqual(data(), [1, 1, 1])
      assert.deepStrictEqual([handled, yield* owed], [three, 0])
    }).pipe(Effect.scoped)
  )

  it.effect("send nothing as long as anything is in flight", () =>
    Effect.gen(function* () {
      const { points, release } = holding("delivery.committed-before-receipt")
      const it = yield* pair({ sender: firing("delivery.window-of-one").points, receiver: points })
      yield* it.send(...three)
      yield* it.run
      assert.deepStrictEqual(it.data(), [1])
      release()
      yield* settle
      assert.deepStrictEqual(it.data(), [1, 1, 1])
      assert.deepStrictEqual([it.handled, yield* it.owed], [three, 0])
    }).pipe(Effect.scoped)
  )

  it.effect("send a batch again, which the receiver knows already", () =>
    Effect.gen(function* () {
      const it = yield* pair({ sender: firing("delivery.batch-sent-again").points })
      yield* it.send(...three)
      yield* it.run
      assert.deepStrictEqual(it.data(), [3, 3])
      assert.deepStrictEqual([it.handled, it.outcomes], [three, allOk])
      assert.deepStrictEqual(yield* it.received, { position: 3, duplicates: 3 })
    }).pipe(Effect.scoped)
  )

  it.effect("handle messages each behind a savepoint from the start", () =>
    Effect.gen(function* () {
      const { points } = firing("delivery.handled-one-by-one")
      for (const { handled, receiver } of [
        { receiver: none, handled: ["one", "bad", "one", "bad", "two"] },
        { receiver: points, handled: ["one", "bad", "two"] }
      ]) {
        const it = yield* pair({ receiver })
        yield* it.send("one", "bad", "two")
        yield* it.run
        assert.deepStrictEqual(it.handled, handled)
        assert.deepStrictEqual(
          it.outcomes.map(([, outcome]) => outcome),
          ["Ok", "Refused", "Ok"]
        )
      }
    }).pipe(Effect.scoped)
  )

  it.effect("end the transaction of a batch after each message, and receipt each", () =>
    Effect.gen(function* () {
      const it = yield* pair({ receiver: firing("delivery.transaction-cut-short").points })
      yield* it.send(...three)
      yield* it.run
      assert.deepStrictEqual(it.data(), [3])
      assert.deepStrictEqual(it.receipts(), [
        [1, 0],
        [2, 0],
        [3, 0]
      ])
      assert.deepStrictEqual([it.handled, it.outcomes], [three, allOk])
    }).pipe(Effect.scoped)
  )

  it.effect("run the transaction of a batch again, which answers as it did and changes nothing", () =>
    Effect.gen(function* () {
      const it = yield* pair({ receiver: firing("delivery.transaction-run-again").points })
      yield* it.send("one", "bad", "two")
      yield* it.run
      assert.deepStrictEqual(it.handled, ["one", "bad", "one", "bad", "two"])
      assert.deepStrictEqual(it.receipts(), [[3, 1]])
      assert.deepStrictEqual(yield* it.received, { position: 3, duplicates: 3 })
      assert.deepStrictEqual(
        it.outcomes.map(([, outcome]) => outcome),
        ["Ok", "Refused", "Ok"]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("run the transaction of a receipt again, which tells nobody anything twice", () =>
    Effect.gen(function* () {
      const it = yield* pair({ sender: firing("delivery.transaction-run-again").points })
      yield* it.send(...three)
      yield* it.run
      assert.deepStrictEqual(it.settled, [3n, 3n])
      assert.deepStrictEqual([it.outcomes, yield* it.owed], [allOk, 0])
    }).pipe(Effect.scoped)
  )

  it.effect("give every answer a receipt of its own", () =>
    Effect.gen(function* () {
      const it = yield* pair({ receiver: firing("delivery.answers-split").points })
      yield* it.send("one", "bad 1", "bad 2", "two", "bad 3", "three")
      yield* it.run
      assert.deepStrictEqual(it.receipts(), [
        [2, 1],
        [4, 1],
        [6, 1]
      ])
      assert.deepStrictEqual(
        it.outcomes.map(([, outcome]) => outcome),
        ["Ok", "Refused", "Refused", "Ok", "Refused", "Ok"]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("settle a receipt number by number", () =>
    Effect.gen(function* () {
      const it = yield* pair({ sender: firing("delivery.settled-one-by-one").points })
      yield* it.send(...three)
      yield* it.run
      assert.deepStrictEqual(it.settled, [1n, 2n, 3n])
      assert.deepStrictEqual([it.outcomes, yield* it.owed], [allOk, 0])
    }).pipe(Effect.scoped)
  )

  it.effect("lose a wake-up, so that only the sweep finds the message", () =>
    Effect.gen(function* () {
      const it = yield* pair({ sender: firing("delivery.wake-up-lost", once).points })
      yield* it.run
      yield* it.send("one")
      yield* TestClock.adjust(DeliveryConfig.defaults.sweep - 1_000)
      assert.deepStrictEqual(it.data(), [])
      yield* TestClock.adjust(1_000)
      yield* settle
      assert.deepStrictEqual([it.handled, yield* it.owed], [["one"], 0])
    }).pipe(Effect.scoped)
  )

  it.effect("write every message in a transaction of its own that was sent along with others", () =>
    Effect.gen(function* () {
      const wakeUps = Effect.fnUntraced(function* (points: Points) {
        const { context } = yield* DeliveryNode.start({
          seed: 1,
          database: yield* MemoryDatabase.make,
          protocols: []
        }).pipe(Effect.provideService(Buggify, points))
        const other = DeliveryNode.keyOf(
          yield* DeliveryNode.start({ seed: 2, database: yield* MemoryDatabase.make, protocols: [] })
        )
        const look = yield* Context.get(context, Wakes).attach(other)
        look.close()
        const Word = Protocol.make("words", { messages: Schema.String, handle: () => Effect.void })
        const { sendNow } = Context.get(context, Delivery)
        const sending = yield* Effect.forEach(three, (word) => Effect.forkChild(sendNow(other, Word, word)))
        let commits = 0
        for (let turn = 0; turn < 100; turn++) {
          yield* Effect.yieldNow
          if (look.isOpen) commits++
          look.close()
        }
        yield* Fiber.joinAll(sending)
        return commits
      })
      assert.strictEqual(yield* wakeUps(none), 1)
      assert.strictEqual(yield* wakeUps(firing("delivery.group-of-one").points), 3)
    }).pipe(Effect.scoped)
  )

  it.effect("take a peer for slow that is not", () =>
    Effect.gen(function* () {
      const it = yield* pair({ sender: firing("delivery.taken-for-slow").points })
      yield* it.send("one")
      yield* it.run
      yield* TestClock.adjust(DeliveryConfig.defaults.receiptTimeout / 4)
      assert.isTrue(yield* Deferred.isDone(it.session.closed))
      assert.strictEqual((yield* Deferred.await(it.session.closed)).reason, "slow")
      assert.deepStrictEqual([it.handled, yield* it.owed], [["one"], 0])
    }).pipe(Effect.scoped)
  )

  it.effect("let a session be late with its RESUME", () =>
    Effect.gen(function* () {
      const { held, points, release } = holding("delivery.claimed-before-resume")
      const it = yield* pair({ sender: points })
      yield* it.send("one")
      yield* it.run
      assert.deepStrictEqual([held(), it.resumes(), it.data()], [1, 1, []])
      release()
      yield* settle
      assert.deepStrictEqual([it.handled, yield* it.owed], [["one"], 0])
    }).pipe(Effect.scoped)
  )

  it.effect("stand between the numbers and the sending of a batch", () =>
    Effect.gen(function* () {
      const { held, points, release } = holding("delivery.numbered-before-sent")
      const it = yield* pair({ sender: points })
      yield* it.send("one")
      yield* it.run
      const [owed] = yield* it.stores.a.owed({ limit: 1 })
      assert.deepStrictEqual([held(), owed?.seq, it.data()], [1, 1n, []])
      release()
      yield* settle
      assert.deepStrictEqual([it.handled, yield* it.owed], [["one"], 0])
    }).pipe(Effect.scoped)
  )

  it.effect("stand between the handlers and the commit of a batch", () =>
    Effect.gen(function* () {
      const { held, points, release } = holding("delivery.handled-before-commit")
      const it = yield* pair({ receiver: points })
      yield* it.send("one")
      yield* it.run
      assert.deepStrictEqual([held(), it.handled, it.receipts()], [1, ["one"], []])
      // The transaction is open: whoever wants to write waits for it.
      const writing = yield* Effect.forkChild(it.stores.b.claim(stranger()))
      yield* settle
      assert.isUndefined(writing.pollUnsafe())
      release()
      yield* Fiber.join(writing)
      yield* settle
      assert.deepStrictEqual([it.handled, yield* it.owed], [["one"], 0])
    }).pipe(Effect.scoped)
  )

  it.effect("stand between the commit and the receipt of a batch", () =>
    Effect.gen(function* () {
      const { held, points, release } = holding("delivery.committed-before-receipt")
      const it = yield* pair({ receiver: points })
      yield* it.send("one")
      yield* it.run
      assert.deepStrictEqual([held(), (yield* it.received).position, it.receipts()], [1, 1, []])
      release()
      yield* settle
      assert.deepStrictEqual([it.handled, yield* it.owed], [["one"], 0])
    }).pipe(Effect.scoped)
  )

  it.effect("stand between a receipt and the settling of what it is for", () =>
    Effect.gen(function* () {
      const { held, points, release } = holding("delivery.receipted-before-settled")
      const it = yield* pair({ sender: points })
      yield* it.send("one")
      yield* it.run
      assert.deepStrictEqual([held(), it.receipts(), it.outcomes, yield* it.owed], [1, [[1, 0]], [], 1])
      release()
      yield* settle
      assert.deepStrictEqual([it.outcomes, yield* it.owed], [[["one", "Ok"]], 0])
    }).pipe(Effect.scoped)
  )
})
