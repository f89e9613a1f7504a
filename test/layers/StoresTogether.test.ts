/**
 * Two processes on one PostgreSQL database, played by two connections: fencing, late commits, locks.
 */
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import { FeedStore } from "../../src/services/delivery/FeedStore.ts"
import { LinkFenced, RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import {
  answer,
  batch,
  ids,
  later,
  message,
  messages,
  settling,
  stranger,
  uuid,
  wide,
  number
} from "../support/Messages.ts"
import { postgres } from "../support/Stores.ts"

/** A transaction that has run `effect` and stays open until it is told how to end. */
const open = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E>) {
  const { within } = yield* Transactions
  const ready = yield* Deferred.make<A, E>()
  const end = yield* Deferred.make<void, "rolled back">()
  const fiber = yield* effect.pipe(
    Effect.onExit((exit) => Deferred.done(ready, exit)),
    Effect.andThen(Deferred.await(end)),
    within,
    Effect.forkChild
  )
  const value = yield* Deferred.await(ready)
  return {
    value,
    commit: Effect.andThen(Deferred.succeed(end, undefined), Fiber.join(fiber)),
    rollback: Effect.andThen(Deferred.fail(end, "rolled back"), Effect.asVoid(Fiber.await(fiber)))
  }
})

/** Waits until a statement of another client waits for a lock. */
const someoneWaits = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const waiting = sql`
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND wait_event_type = 'Lock'`
  while ((yield* waiting).length === 0) yield* Effect.yieldNow
})

layer(postgres)("two processes on one PostgreSQL database", (it) => {
  it.effect("fence each other: a claim waits for an open write and voids every later one", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const peer = stranger()
      yield* store.enqueue(messages(peer, 4), 1_000)
      const old = yield* store.claim(peer)
      const writing = yield* open(number(store, old, { messages: 1, bytes: 100 }, 1_000))
      const claiming = yield* Effect.forkChild(store.claim(peer))
      yield* someoneWaits
      yield* writing.commit
      const link = yield* Fiber.join(claiming)
      assert.instanceOf(yield* Effect.flip(number(store, old, wide, 1_000)), LinkFenced)
      const rest = yield* number(store, link, wide, 1_000)
      assert.deepStrictEqual(
        rest.map(({ seq }) => seq),
        [2n, 3n, 4n]
      )
    })
  )

  it.effect("fence a write that was waiting when the link was taken over", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const peer = stranger()
      yield* store.enqueue(messages(peer, 3), 1_000)
      const old = yield* store.claim(peer)
      yield* number(store, old, { messages: 2, bytes: 100 }, 1_000)
      const claim = yield* open(store.claim(peer))
      const late = yield* Effect.forkChild(
        Effect.all(
          [
            Effect.flip(number(store, old, wide, 1_000)),
            Effect.flip(store.settle(old, { upTo: 1n, answers: [] }, settling(1_000))),
            Effect.flip(store.settle(old, { upTo: 1n, answers: [answer(1n, later(1))] }, settling(1_000))),
            Effect.flip(store.received(old, batch({ stream: uuid(), adopts: true, position: 1n }), 1_000))
          ],
          { concurrency: "unbounded" }
        )
      )
      yield* someoneWaits
      yield* claim.commit
      for (const error of yield* Fiber.join(late)) assert.instanceOf(error, LinkFenced)
      const { sending, receiving } = yield* store.positions(claim.value)
      assert.deepStrictEqual([sending.last, sending.receipted, receiving.stream], [2n, 0n, null])
      assert.strictEqual((yield* store.owed({ peer, limit: 10 })).length, 3)
    })
  )

  it.effect("let one send while the other's handlers run", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const peer = stranger()
      yield* store.enqueue(messages(peer, 2), 1_000)
      const link = yield* store.claim(peer)
      const handling = yield* open(store.receiving(link))
      assert.strictEqual((yield* number(store, link, wide, 1_000)).length, 2)
      yield* store.settle(link, { upTo: 2n, answers: [] }, settling(1_000))
      yield* handling.commit
    })
  )

  it.effect(
    "trap 5: number a message whose sender commits late next, without a hole, and no sender waits for another",
    () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const [slow, quick, lost] = [message(peer), message(peer), message(peer)]
        const link = yield* store.claim(peer)
        yield* store.enqueue([message(peer)], 1_000)
        const first = yield* open(store.enqueue([slow], 1_000))
        const second = yield* open(store.enqueue([lost], 1_000))
        yield* store.enqueue([quick], 1_000)
        assert.strictEqual((yield* number(store, link, wide, 1_000)).length, 2)
        yield* second.rollback
        yield* first.commit
        const late = yield* number(store, link, wide, 1_000)
        assert.deepStrictEqual(
          late.map(({ id, seq }) => [id, seq]),
          [[slow.id, 3n]]
        )
      })
  )

  it.effect("number nothing that is being cancelled, and leave no hole whichever way that ends", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      for (const end of ["commit", "rollback"] as const) {
        const peer = stranger()
        const sent = messages(peer, 3)
        yield* store.enqueue(sent, 1_000)
        const link = yield* store.claim(peer)
        const cancelling = yield* open(store.cancel(sent[1]?.id ?? ""))
        assert.deepInclude(cancelling.value, { peer, outcome: "cancelled" })
        const numbering = yield* Effect.forkChild(number(store, link, wide, 1_000))
        yield* someoneWaits
        yield* cancelling[end]
        const numbered = yield* Fiber.join(numbering)
        assert.deepStrictEqual(
          numbered.map(({ seq }) => seq),
          end === "commit" ? [1n, 2n] : [1n, 2n, 3n]
        )
        assert.deepStrictEqual(ids(numbered), ids(end === "commit" ? sent.filter((_, n) => n !== 1) : sent))
        assert.strictEqual((yield* store.positions(link)).sending.last, BigInt(numbered.length))
      }
    })
  )

  it.effect("know that a message is under way when it is cancelled while it gets its number", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const peer = stranger()
      const sent = message(peer)
      yield* store.enqueue([sent], 1_000)
      const link = yield* store.claim(peer)
      const numbering = yield* open(number(store, link, wide, 1_000))
      const cancelling = yield* Effect.forkChild(store.cancel(sent.id))
      yield* someoneWaits
      yield* numbering.commit
      assert.deepInclude(yield* Fiber.join(cancelling), { outcome: "unknown" })
      assert.deepStrictEqual(
        (yield* store.numbered(link, 0n, wide)).map(({ seq, void: gone }) => [seq, gone]),
        [[1n, true]]
      )
    })
  )

  it.effect("make a new peer's link from both sides at once", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const sql = yield* SqlClient.SqlClient
      const peer = stranger()
      // What a transaction sends is written right before its commit, too late for others to wait for it.
      const making = yield* open(sql`INSERT INTO holdfast_links (peer) VALUES (${peer})`)
      const both = yield* Effect.forkChild(
        Effect.all([store.enqueue([message(peer)], 1_000), store.claim(peer)], { concurrency: "unbounded" })
      )
      yield* someoneWaits
      yield* making.commit
      const [, link] = yield* Fiber.join(both)
      assert.strictEqual((yield* number(store, link, wide, 1_000)).length, 1)
    })
  )

  it.effect("publish events that commit out of order without gap or loss", () =>
    Effect.gen(function* () {
      const feed = yield* FeedStore
      const event = (kind: string) => ({ audience: "", protocol: "chat", subject: "room", kind, body: null })
      const early = yield* open(feed.append([event("early, committed late")], 1_000))
      yield* feed.append([event("late, committed early")], 1_000)
      yield* feed.publish(10)
      const [first] = yield* feed.after(0n, 10)
      assert.deepStrictEqual([first?.kind, first?.position], ["late, committed early", 1n])
      yield* early.commit
      yield* feed.publish(10)
      const [second] = yield* feed.after(1n, 10)
      assert.deepStrictEqual([second?.kind, second?.position], ["early, committed late", 2n])
    })
  )

  it.effect("publish the same events only once when both publish at the same time", () =>
    Effect.gen(function* () {
      const feed = yield* FeedStore
      const { newest } = yield* feed.bounds
      const events = Array.from({ length: 6 }, (_, n) => ({
        audience: "",
        protocol: "chat",
        subject: "room",
        kind: `${n}`,
        body: null
      }))
      yield* feed.append(events, 1_000)
      const one = yield* open(feed.publish(2))
      const other = yield* Effect.forkChild(feed.publish(3))
      yield* someoneWaits
      yield* one.commit
      assert.deepStrictEqual([one.value, yield* Fiber.join(other)], [2, 3])
      yield* feed.publish(10)
      assert.deepStrictEqual(
        (yield* feed.after(newest, 10)).map(({ kind, position }) => [kind, position - newest]),
        events.map(({ kind }, n) => [kind, BigInt(n + 1)])
      )
    })
  )

  it.effect("read both positions and the answers as one commit left them", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const link = yield* store.claim(stranger())
      const stream = uuid()
      const answers = [{ ...answer(2n, later(5)), id: uuid() }]
      const receiving = yield* open(store.received(link, batch({ stream, adopts: true, position: 2n, answers }), 1_000))
      const reading = yield* Effect.forkChild(store.positions(link))
      yield* someoneWaits
      yield* receiving.commit
      const positions = yield* Fiber.join(reading)
      assert.deepStrictEqual(positions.receiving, { stream, position: 2n, seen: 0n })
      assert.deepStrictEqual(positions.answers, [answer(2n, later(5))])
    })
  )

  it.effect("free a message for the other side when a numbering fiber is interrupted while it waits", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const peer = stranger()
      const sent = messages(peer, 2)
      yield* store.enqueue(sent, 1_000)
      const link = yield* store.claim(peer)
      const cancelling = yield* open(store.cancel(sent[1]?.id ?? ""))
      const numbering = yield* Effect.forkChild(number(store, link, wide, 1_000))
      yield* someoneWaits
      yield* Fiber.interrupt(numbering)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(numbering)))
      yield* cancelling.rollback
      const again = yield* store.claim(peer)
      assert.deepStrictEqual(
        (yield* number(store, again, wide, 1_000)).map(({ seq }) => seq),
        [1n, 2n]
      )
    })
  )
})
