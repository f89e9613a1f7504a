/**
 * What every implementation of `Transactions` does. The rows are those of the peer book.
 */
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, type Layer } from "effect"
import { PeerBook } from "../../src/services/link/PeerBook.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { stranger } from "./Messages.ts"
import type { Reopen, Stores } from "./Stores.ts"

export const commits = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`transactions in ${name}`, (it) => {
    it.effect("return the result and keep the writes of an effect that succeeds", () =>
      Effect.gen(function* () {
        const { within } = yield* Transactions
        const book = yield* PeerBook
        const peer = stranger()
        assert.strictEqual(yield* within(Effect.as(book.connected(peer, 5), 42)), 42)
        assert.strictEqual((yield* book.find(peer))?.lastConnectedAt, 5)
      })
    )

    it.effect("take everything back when the effect fails, dies or is interrupted", () =>
      Effect.gen(function* () {
        const { within } = yield* Transactions
        const book = yield* PeerBook
        const peer = stranger()
        yield* book.connected(peer, 1)
        const ends = [Effect.fail("no"), Effect.die("worse"), Effect.interrupt]
        for (const end of ends) {
          const exit = yield* Effect.exit(within(Effect.andThen(book.connected(peer, 2), end)))
          assert.isTrue(Exit.isFailure(exit))
          assert.strictEqual((yield* book.find(peer))?.lastConnectedAt, 1)
        }
      })
    )

    it.effect("read their own writes, which nobody outside sees before the commit", () =>
      Effect.gen(function* () {
        const { within } = yield* Transactions
        const book = yield* PeerBook
        const peer = stranger()
        const written = yield* Deferred.make<void>()
        const go = yield* Deferred.make<void>()
        const writer = yield* Effect.gen(function* () {
          yield* book.connected(peer, 7)
          assert.strictEqual((yield* book.find(peer))?.lastConnectedAt, 7)
          yield* Deferred.succeed(written, undefined)
          yield* Deferred.await(go)
        }).pipe(within, Effect.forkChild)
        yield* Deferred.await(written)
        // Where there is one connection the reader waits; elsewhere it reads the past. Either is right.
        const reader = yield* Effect.forkChild(book.find(peer), { startImmediately: true })
        yield* Deferred.succeed(go, undefined)
        yield* Fiber.join(writer)
        const seen = yield* Fiber.join(reader)
        assert.isTrue(seen === undefined || seen.lastConnectedAt === 7)
        assert.strictEqual((yield* book.find(peer))?.lastConnectedAt, 7)
      })
    )

    it.effect("inside others are savepoints: what fails inside is taken back alone", () =>
      Effect.gen(function* () {
        const { within } = yield* Transactions
        const book = yield* PeerBook
        const [one, two, three] = [stranger(), stranger(), stranger()]
        yield* within(
          Effect.gen(function* () {
            yield* book.connected(one, 1)
            yield* Effect.exit(
              within(
                Effect.gen(function* () {
                  yield* book.connected(one, 2)
                  yield* within(book.connected(two, 2))
                  return yield* Effect.fail("no")
                })
              )
            )
            yield* within(book.connected(three, 3))
          })
        )
        assert.strictEqual((yield* book.find(one))?.lastConnectedAt, 1)
        assert.isUndefined(yield* book.find(two))
        assert.strictEqual((yield* book.find(three))?.lastConnectedAt, 3)
        yield* Effect.exit(within(Effect.andThen(within(book.connected(three, 4)), Effect.fail("no"))))
        assert.strictEqual((yield* book.find(three))?.lastConnectedAt, 3)
      })
    )

    it.effect("run what is to follow the commit in order, after it, outside, and only then", () =>
      Effect.gen(function* () {
        const { within, afterCommit } = yield* Transactions
        const book = yield* PeerBook
        const peer = stranger()
        const log: Array<string> = []
        const note = (text: string) => afterCommit(Effect.sync(() => void log.push(text)))
        yield* note("at once")
        assert.deepStrictEqual(log, ["at once"])
        yield* within(
          Effect.gen(function* () {
            yield* note("first")
            yield* Effect.exit(within(Effect.andThen(note("of a savepoint that failed"), Effect.fail("no"))))
            yield* within(note("second"))
            yield* afterCommit(Effect.die("a callback that breaks"))
            yield* book.connected(peer, 1)
            yield* afterCommit(
              Effect.gen(function* () {
                const seen = yield* Effect.orDie(book.find(peer))
                // Not inside: this has its own commit.
                yield* Effect.orDie(within(note("third")))
                log.push(`sees ${seen?.lastConnectedAt}`)
              })
            )
            assert.deepStrictEqual(log, ["at once"])
          })
        )
        assert.deepStrictEqual(log, ["at once", "first", "second", "third", "sees 1"])
        yield* Effect.exit(within(Effect.andThen(note("never"), Effect.fail("no"))))
        assert.strictEqual(log.length, 5)
      })
    )

    it.effect("may be asked for by many fibers at once", () =>
      Effect.gen(function* () {
        const { within } = yield* Transactions
        const book = yield* PeerBook
        const peers = Array.from({ length: 20 }, stranger)
        yield* Effect.forEach(
          peers,
          (peer, n) =>
            Effect.exit(
              within(Effect.andThen(book.connected(peer, n), n % 2 === 0 ? Effect.yieldNow : Effect.fail("odd")))
            ),
          { concurrency: "unbounded" }
        )
        for (const [n, peer] of peers.entries()) {
          assert.strictEqual((yield* book.find(peer))?.lastConnectedAt, n % 2 === 0 ? n : undefined)
        }
      })
    )

    it.effect(
      "trap 12: give their connection back when they are interrupted, wherever they are and however often",
      () =>
        Effect.gen(function* () {
          const { within } = yield* Transactions
          const book = yield* PeerBook
          const peer = stranger()
          yield* book.connected(peer, 1)
          // More than there are connections: one that is lost each time would soon be missed.
          for (let steps = 0; steps < 24; steps++) {
            const begun = yield* Deferred.make<void>()
            const fiber = yield* Effect.gen(function* () {
              yield* Deferred.succeed(begun, undefined)
              yield* book.connected(peer, 100 + steps)
              yield* within(book.connected(peer, 200 + steps))
              return yield* Effect.never
            }).pipe(within, Effect.forkChild)
            yield* Deferred.await(begun)
            for (let step = 0; step < steps; step++) yield* Effect.yieldNow
            yield* Fiber.interrupt(fiber)
            assert.strictEqual((yield* within(book.find(peer)))?.lastConnectedAt, 1)
          }
          yield* within(book.connected(peer, 2))
          assert.strictEqual((yield* book.find(peer))?.lastConnectedAt, 2)
        })
    )

    it.effect("that never got their turn leave nothing behind when they are interrupted", () =>
      Effect.gen(function* () {
        const { within } = yield* Transactions
        const book = yield* PeerBook
        const peer = stranger()
        const go = yield* Deferred.make<void>()
        const first = yield* Effect.forkChild(within(Deferred.await(go)), { startImmediately: true })
        const waiting = yield* Effect.forkChild(within(Effect.andThen(book.connected(peer, 1), Effect.never)))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(waiting)
        yield* Deferred.succeed(go, undefined)
        yield* Fiber.join(first)
        assert.isUndefined(yield* within(book.find(peer)))
      })
    )
  })
