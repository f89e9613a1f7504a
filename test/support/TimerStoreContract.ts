/**
 * What every timer store does.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { type Due, type Lease, type NewTimer, type Now, TimerStore } from "../../src/services/delivery/TimerStore.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { uuid } from "./Messages.ts"
import { Reopen, type Stores } from "./Stores.ts"

/** A moment, by a wall clock that was set back by so much before. */
export const at = (wall: number, back = 0): Now => ({ wall, steady: wall + back })
/** Milliseconds until the next timer is due. */
const untilNext = (now: Now) => TimerStore.use((store) => Effect.map(store.next(now), ({ wait }) => wait))
export const lease: Lease = { millis: 1_000, poisonAttempts: 3, longest: 9_000 }

export const timer = (due: Due, fields: Partial<NewTimer> = {}): NewTimer => ({
  id: uuid(),
  protocol: "lift",
  subject: "lift 7",
  payload: Uint8Array.of(1, 0, 255),
  due,
  ...fields
})

const ids = (timers: ReadonlyArray<{ readonly id: string }>) => timers.map(({ id }) => id)

/** Claims at this moment, for a holder of its own unless one is given. */
export const claim = (now: Now, { holder = uuid(), limit = 10 } = {}) =>
  TimerStore.use((store) => store.claim(holder, { now, limit, lease }))

const empty = Effect.gen(function* () {
  const store = yield* TimerStore
  for (const { id } of yield* store.list(1_000)) yield* store.cancel(id)
})

export const timers = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`a timer store in ${name}`, (it) => {
    it.effect("gives what is due, the earliest first, as many as asked for, and nothing before its time", () =>
      Effect.gen(function* () {
        yield* empty
        const store = yield* TimerStore
        const [a, b, c, d] = [timer({ at: 300 }), timer({ in: 100 }), timer({ at: 200 }), timer({ at: 301 })]
        assert.strictEqual(yield* untilNext(at(0)), undefined)
        for (const one of [a, b, c, d]) assert.isTrue(yield* store.set(one, at(50)))
        assert.strictEqual(yield* untilNext(at(50)), 100)
        assert.deepStrictEqual(yield* claim(at(149)), [])
        assert.strictEqual(yield* untilNext(at(300)), -150)
        const { due: _, ...first } = b
        assert.deepStrictEqual(
          [...(yield* claim(at(300), { limit: 2 }))],
          [
            { ...first, attempts: 1, abandoned: false },
            { ...first, id: c.id, attempts: 1, abandoned: false }
          ]
        )
        assert.deepStrictEqual(ids(yield* claim(at(300))), [a.id])
        assert.strictEqual(yield* untilNext(at(300)), 1)
      })
    )

    it.effect("sets and cancels with the transaction, and not at all without it", () =>
      Effect.gen(function* () {
        yield* empty
        const store = yield* TimerStore
        const { within } = yield* Transactions
        const undone = <A, E>(effect: Effect.Effect<A, E>) =>
          Effect.exit(within(Effect.andThen(effect, Effect.fail("no"))))
        const [kept, lost] = [timer({ at: 100 }), timer({ at: 50 })]
        yield* within(store.set(kept, at(0)))
        yield* undone(store.set(lost, at(0)))
        yield* undone(store.set({ ...kept, due: { at: 10 }, subject: "other" }, at(0)))
        yield* undone(store.cancel(kept.id))
        assert.strictEqual(yield* untilNext(at(0)), 100)
        assert.deepStrictEqual(
          (yield* claim(at(100))).map(({ id, subject }) => [id, subject]),
          [[kept.id, kept.subject]]
        )
        assert.isTrue(yield* store.cancel(kept.id))
        assert.isFalse(yield* store.cancel(kept.id))
        assert.isFalse(yield* store.cancel(lost.id))
      })
    )

    it.effect(
      "keeps one timer of an id: at its new time, with its new payload, and as if it had never been tried",
      () =>
        Effect.gen(function* () {
          yield* empty
          const store = yield* TimerStore
          const holder = uuid()
          const old = timer({ at: 100 })
          yield* store.set(old, at(0))
          yield* claim(at(100), { holder })
          yield* store.fail(old.id, holder, { now: at(100), wait: 5, failure: "no luck" })
          yield* claim(at(105), { holder })
          yield* store.set({ ...old, due: { in: 500 }, payload: Uint8Array.of(7), subject: "new" }, at(200))
          assert.isFalse(yield* store.finish(old.id, holder))
          assert.isFalse(yield* store.fail(old.id, holder, { now: at(200), wait: 0, failure: "" }))
          assert.strictEqual(yield* untilNext(at(200)), 500)
          const { protocol } = old
          const seen = { id: old.id, protocol, subject: "new", attempts: 0, claimed: false, lastFailure: undefined }
          assert.deepStrictEqual(yield* store.list(10), [{ ...seen, dueAt: 700 }])
          const [again] = yield* claim(at(700))
          assert.deepStrictEqual(again?.payload, Uint8Array.of(7))
          assert.strictEqual(again?.attempts, 1)
        })
    )

    it.effect("keeps the timer of another protocol that has the same id", () =>
      Effect.gen(function* () {
        yield* empty
        const store = yield* TimerStore
        const one = timer({ at: 100 })
        yield* store.set(one, at(0))
        assert.isFalse(yield* store.set({ ...one, protocol: "chat", due: { at: 5 } }, at(0)))
        assert.deepStrictEqual(
          (yield* store.list(10)).map(({ dueAt, protocol }) => [protocol, dueAt]),
          [["lift", 100]]
        )
      })
    )

    it.effect("gives nothing that is claimed until its lease is over, and then alone", () =>
      Effect.gen(function* () {
        yield* empty
        const store = yield* TimerStore
        const [a, b, c] = [timer({ at: 10 }), timer({ at: 20 }), timer({ at: 990 })]
        for (const one of [a, b, c]) yield* store.set(one, at(0))
        assert.deepStrictEqual(ids(yield* claim(at(20))), [a.id, b.id])
        assert.deepStrictEqual(yield* claim(at(989)), [])
        assert.deepStrictEqual(ids(yield* claim(at(1_020))), [c.id])
        const abandoned = yield* claim(at(1_020))
        assert.deepStrictEqual(
          abandoned.map(({ abandoned, attempts }) => ({ abandoned, attempts })),
          [{ abandoned: true, attempts: 2 }]
        )
        assert.strictEqual((yield* claim(at(1_020))).length, 1)
        assert.deepStrictEqual(yield* claim(at(1_020)), [])
      })
    )

    it.effect("leases what has been tried too often for longer", () =>
      Effect.gen(function* () {
        yield* empty
        const store = yield* TimerStore
        yield* store.set(timer({ at: 0 }), at(0))
        yield* claim(at(0))
        yield* claim(at(1_000))
        yield* claim(at(2_000))
        assert.strictEqual(yield* untilNext(at(2_000)), 9_000)
        assert.strictEqual(yield* store.free(at(2_000), 3), 0)
        assert.strictEqual(yield* store.free(at(2_000), 4), 1)
        assert.strictEqual(yield* store.free(at(2_000), 4), 0)
        assert.strictEqual((yield* claim(at(2_000)))[0]?.attempts, 4)
      })
    )

    it.effect("takes a timer away with the transaction of its effect, for its holder alone", () =>
      Effect.gen(function* () {
        yield* empty
        const store = yield* TimerStore
        const { within } = yield* Transactions
        const [first, second] = [uuid(), uuid()]
        const one = timer({ at: 0 })
        yield* store.set(one, at(0))
        yield* claim(at(0), { holder: first })
        yield* Effect.exit(within(Effect.andThen(store.finish(one.id, first), Effect.fail("no"))))
        yield* claim(at(1_000), { holder: second })
        assert.isFalse(yield* store.finish(one.id, first))
        assert.isTrue(yield* within(store.finish(one.id, second)))
        assert.isFalse(yield* store.finish(one.id, second))
        assert.deepStrictEqual(yield* store.list(10), [])
      })
    )

    it.effect("gives back what failed, after its wait, and shows why", () =>
      Effect.gen(function* () {
        yield* empty
        const store = yield* TimerStore
        const holder = uuid()
        const [one, other] = [timer({ at: 7 }), timer({ at: 99 }, { protocol: "chat" })]
        yield* store.set(one, at(0))
        yield* store.set(other, at(0))
        yield* claim(at(10), { holder })
        const failed = { now: at(10), wait: 40, failure: "no such tally é" }
        assert.isTrue(yield* store.fail(one.id, holder, failed))
        assert.isFalse(yield* store.fail(one.id, holder, failed))
        assert.strictEqual(yield* untilNext(at(10)), 40)
        const { id, protocol, subject } = one
        const view = { id, protocol, subject, dueAt: 7, attempts: 1, claimed: false, lastFailure: failed.failure }
        assert.deepStrictEqual(yield* store.list(1), [view])
        assert.deepStrictEqual(ids(yield* store.list(10)), [one.id, other.id])
        assert.deepStrictEqual(ids(yield* store.list(10, "chat")), [other.id])
        const [again] = yield* claim(at(50))
        assert.deepInclude(again, { id, attempts: 2, abandoned: false })
        assert.isTrue((yield* store.list(1))[0]?.claimed)
      })
    )

    it.effect(
      "lets waits, leases and back-offs not last longer when the clock is set back, and times be as they are",
      () =>
        Effect.gen(function* () {
          yield* empty
          const store = yield* TimerStore
          const holder = uuid()
          const [failed, waits, atTime] = [timer({ at: 1_000 }), timer({ in: 100 }), timer({ at: 1_090 })]
          yield* store.set(failed, at(1_000))
          yield* claim(at(1_000), { holder })
          yield* store.fail(failed.id, holder, { now: at(1_000), wait: 120, failure: "" })
          yield* store.set(waits, at(1_000))
          yield* store.set(atTime, at(1_000))
          // Set back by 400.
          assert.strictEqual(yield* untilNext(at(650, 400)), 50)
          yield* store.set(timer({ in: 30 }, { id: "after" }), at(650, 400))
          assert.strictEqual(yield* untilNext(at(650, 400)), 30)
          assert.deepStrictEqual(ids(yield* claim(at(720, 400))), ["after", waits.id, failed.id])
          assert.deepStrictEqual(yield* claim(at(1_089, 400)), [])
          assert.deepStrictEqual(ids(yield* claim(at(1_090, 400))), [atTime.id])
        })
    )

    it.effect("has everything again after a restart", () =>
      Effect.gen(function* () {
        yield* empty
        const store = yield* TimerStore
        const { reopen } = yield* Reopen
        const one = timer({ at: 10 }, { payload: new Uint8Array(3_000).fill(9) })
        yield* store.set(one, at(0))
        yield* claim(at(10))
        yield* store.setAhead(400)
        yield* store.setAhead(300)
        const [again, { ahead }] = yield* Effect.provideContext(
          Effect.gen(function* () {
            const reopened = yield* TimerStore
            assert.strictEqual(yield* reopened.free(at(11), 3), 1)
            return [yield* claim(at(11)), yield* reopened.next(at(0))] as const
          }),
          yield* reopen
        )
        assert.deepStrictEqual(
          again.map(({ id, payload }) => [id, payload]),
          [[one.id, one.payload]]
        )
        assert.strictEqual(ahead, 400)
      }).pipe(Effect.scoped)
    )
  })
