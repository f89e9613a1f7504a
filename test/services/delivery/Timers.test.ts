import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Exit, Fiber, Layer, Random, Schema, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as StoresMemory from "../../../src/layers/StoresMemory.ts"
import { timersIn } from "../../../src/layers/TimerStoreMemory.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { Timers } from "../../../src/services/delivery/Timers.ts"
import { TimerWatch } from "../../../src/services/delivery/TimerWatch.ts"
import { skewed } from "../../support/SkewedClock.ts"
import { Bell, bell, start } from "../../support/TimerNode.ts"
import { pass } from "../../support/VirtualTime.ts"

class NoLuck extends Schema.TaggedError<NoLuck>()("NoLuck", {}) {
  override get message(): string {
    return "no luck"
  }
}

const fresh = Effect.flatMap(MemoryDatabase.make, (database) => start(database))
const kinds = (events: ReadonlyArray<{ readonly kind: string }>) => events.map(({ kind }) => kind)

describe("a timer", () => {
  it.effect("runs once when its time has come, not before and never again", () =>
    Effect.gen(function* () {
      const { rang, store, timers } = yield* fresh
      yield* timers.set({ protocol: Bell, at: 5_000, payload: "at" })
      yield* timers.set({ protocol: Bell, in: "7 seconds", payload: "in" })
      yield* pass(4_999)
      assert.deepStrictEqual(yield* rang, [])
      yield* pass(1)
      assert.deepStrictEqual(yield* rang, ["at"])
      yield* pass("1999 millis")
      assert.deepStrictEqual(yield* rang, ["at"])
      yield* pass("1 hour")
      assert.deepStrictEqual(yield* rang, ["at", "in"])
      assert.deepStrictEqual(yield* store.list(10), [])
    }).pipe(Effect.scoped)
  )

  it.effect("is there and is gone with the commit of its transaction, and not without it", () =>
    Effect.gen(function* () {
      const { rang, timers, within } = yield* fresh
      const undone = <A, E>(effect: Effect.Effect<A, E>) => Effect.exit(within(Effect.andThen(effect, new NoLuck())))
      yield* undone(timers.set({ protocol: Bell, in: "1 second", payload: "never set" }))
      const kept = yield* within(timers.set({ protocol: Bell, in: "2 seconds", payload: "kept" }))
      const gone = yield* timers.set({ protocol: Bell, in: "2 seconds", payload: "cancelled" })
      yield* undone(timers.cancel(kept))
      assert.isTrue(yield* within(timers.cancel(gone)))
      assert.isFalse(yield* timers.cancel(gone))
      yield* pass("1 minute")
      assert.deepStrictEqual(yield* rang, ["kept"])
      assert.isFalse(yield* timers.cancel(kept))
    }).pipe(Effect.scoped)
  )

  it.effect("takes the place of the one of the same id", () =>
    Effect.gen(function* () {
      const { rang, timers } = yield* fresh
      yield* timers.set({ id: "one", protocol: Bell, in: "1 second", payload: "old" })
      yield* timers.set({ id: "one", protocol: Bell, in: "10 seconds", payload: "new" })
      yield* pass("9 seconds")
      assert.deepStrictEqual(yield* rang, [])
      yield* timers.set({ id: "one", protocol: Bell, in: 0, payload: "now" })
      yield* pass(1)
      assert.deepStrictEqual(yield* rang, ["now"])
      yield* pass("1 minute")
      assert.deepStrictEqual(yield* rang, ["now"])
    }).pipe(Effect.scoped)
  )

  it.effect("can be set again by its own handler, as one that comes round does", () =>
    Effect.gen(function* () {
      const again: Protocol.Protocol<"bell", never, Timers, string> = Protocol.make("bell", {
        messages: Schema.Never,
        handle: () => Effect.void,
        timers: Schema.String,
        onTimer: (payload, { id }) =>
          Effect.flatMap(Timers, (timers) =>
            payload === "xxx"
              ? Effect.void
              : timers.set({ id, protocol: again, in: "1 minute", payload: `${payload}x` })
          )
      })
      const { store, timers } = yield* start(yield* MemoryDatabase.make, [again.handled])
      yield* timers.set({ id: "round", protocol: again, in: 0, payload: "" })
      const seen: Array<number | undefined> = []
      for (let minute = 0; minute < 5; minute++) {
        yield* pass(1)
        seen.push((yield* store.list(1))[0]?.attempts)
        yield* pass(59_999)
      }
      assert.deepStrictEqual(seen, [0, 0, 0, undefined, undefined])
    }).pipe(Effect.scoped)
  )

  it.effect("is refused with what to change, and nothing is set", () =>
    Effect.gen(function* () {
      const { store, timers } = yield* fresh
      const good = { protocol: Bell, in: 1_000, payload: "" }
      yield* timers.set({ ...good, id: "theirs", protocol: bell(undefined, "other") })
      const bad = [
        timers.set({ ...good, id: "" }),
        timers.set({ ...good, id: "x".repeat(257) }),
        timers.set({ ...good, id: "a\0" }),
        timers.set({ ...good, subject: "s".repeat(257) }),
        timers.set({ ...good, subject: "\ud800" }),
        timers.set({ ...good, payload: "p".repeat(2 ** 20) }),
        timers.set({ ...good, in: Number.POSITIVE_INFINITY }),
        timers.set({ protocol: Bell, at: Number.NaN, payload: "" }),
        timers.set({ protocol: Bell, at: 1e16, payload: "" }),
        timers.set({ ...good, id: "theirs" })
      ]
      const problems: Array<string> = []
      for (const set of bad) problems.push((yield* Effect.flip(set)).message)
      assert.strictEqual(problems.length, bad.length)
      for (const problem of problems) assert.match(problem, /^timer ".*" of "bell" cannot be set: /s)
      assert.deepStrictEqual(
        (yield* store.list(10)).map(({ id, protocol }) => [id, protocol]),
        [["theirs", "other"]]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("runs in its turn, by its time, however many are due at once", () =>
    Effect.gen(function* () {
      const { rang, timers, within } = yield* fresh
      const due = Array.from({ length: 100 }, (_, n) => (n * 37) % 100)
      yield* within(
        Effect.forEach(due, (n) => timers.set({ protocol: Bell, at: 1_000 + n, payload: `${n}` }), { discard: true })
      )
      yield* pass("2 seconds")
      assert.deepStrictEqual(
        yield* rang,
        due.toSorted((a, b) => a - b).map((n) => `${n}`)
      )
    }).pipe(Effect.scoped)
  )

  it.effect("costs nothing while it waits: the database is asked when it is due, and once in a sweep", () =>
    Effect.gen(function* () {
      let asked = 0
      const { rang, timers } = yield* start(yield* MemoryDatabase.make, undefined, (store) => ({
        ...store,
        next: (now) =>
          Effect.andThen(
            Effect.sync(() => void asked++),
            store.next(now)
          )
      }))
      yield* Effect.forEach([1, 2, 3], (hour) =>
        timers.set({ protocol: Bell, in: `${hour} hours`, payload: `${hour}` })
      )
      yield* pass("59 minutes")
      const before = asked
      assert.isAtMost(before, 125)
      yield* timers.set({ protocol: Bell, in: "2 hours", payload: "other" })
      yield* pass(1)
      assert.strictEqual(asked, before)
      yield* pass("10 hours")
      assert.deepStrictEqual(yield* rang, ["1", "2", "other", "3"])
    }).pipe(Effect.scoped)
  )
})

describe("a timer that fails", () => {
  const failures = {
    "with an error": Effect.fail(new NoLuck()),
    "by a crash": Effect.die(new NoLuck()),
    "by interrupting itself": Effect.interrupt
  }
  for (const [how, failure] of Object.entries(failures)) {
    it.effect(`${how} is tried again until it succeeds, is shown, and after three times told of, once`, () =>
      Effect.gen(function* () {
        const tried: Array<number> = []
        const flaky = bell((_, { attempts }) =>
          Effect.gen(function* () {
            tried.push((yield* Clock.currentTimeMillis) / 1_000)
            assert.strictEqual(attempts, tried.length)
            if (attempts < 6) return yield* failure
          })
        )
        const { rang, store, timers, told } = yield* Effect.provideService(
          start(yield* MemoryDatabase.make, [flaky.handled]),
          Random.Random,
          { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => 0.5 }
        )
        const id = yield* timers.set({ protocol: flaky, subject: "s", in: "10 seconds", payload: "rings" })
        yield* pass("10 seconds")
        const [shown] = yield* store.list(1)
        assert.deepInclude(shown, { id, protocol: "bell", subject: "s", dueAt: 10_000, attempts: 1, claimed: false })
        if (how !== "by interrupting itself") assert.include(shown?.lastFailure, "no luck")
        assert.deepStrictEqual(yield* told, [])
        yield* pass("3 seconds")
        assert.strictEqual(tried.length >= 3, true)
        assert.deepStrictEqual(kinds(yield* told), ["timer.failing"])
        yield* pass("1 hour")
        assert.deepStrictEqual(yield* rang, ["rings"])
        assert.strictEqual(tried.length, 6)
        assert.deepStrictEqual(kinds(yield* told), ["timer.failing"])
        // Half of what each may wait at the most.
        const waits = tried.slice(1).map((at, n) => Math.floor(at - tried[n]!))
        assert.deepStrictEqual(waits, [0, 1, 150, 150, 150])
        yield* pass("1 hour")
        assert.strictEqual(tried.length, 6)
      }).pipe(Effect.scoped)
    )
  }

  it.effect("leaves nothing of what it wrote, and holds up no other", () =>
    Effect.gen(function* () {
      const never = bell((payload) =>
        payload === "bad"
          ? Effect.andThen(
              Effect.flatMap(Timers, (timers) => timers.set({ protocol: Bell, in: 0, payload: "by the bad one" })),
              new NoLuck()
            )
          : Effect.void
      )
      const { rang, store, timers } = yield* start(yield* MemoryDatabase.make, [never.handled])
      yield* timers.set({ protocol: never, in: 0, payload: "bad" })
      yield* timers.set({ protocol: never, in: 1, payload: "good" })
      yield* pass("2 hours")
      assert.deepStrictEqual(yield* rang, ["good"])
      const [left, ...more] = yield* store.list(10)
      assert.isAbove(left?.attempts ?? 0, 20)
      assert.deepStrictEqual(more, [])
    }).pipe(Effect.scoped)
  )

  it.effect("to end holds up the others for a minute, and then as any failure does", () =>
    Effect.gen(function* () {
      const stuck = bell((payload) => (payload === "stuck" ? Effect.never : Effect.void))
      const database = yield* MemoryDatabase.make
      const { rang, timers } = yield* start(database, [stuck.handled])
      yield* timers.set({ protocol: stuck, in: 0, payload: "stuck" })
      yield* timers.set({ protocol: stuck, in: 1, payload: "other" })
      yield* pass("61 seconds")
      const rows = database.log.committed(() => [...timersIn.of(database).rows])
      assert.strictEqual(rows.length, 1)
      assert.include(rows[0]?.lastFailure, "The transaction was open for 1m")
      yield* pass("1 hour")
      // It may be running again: who asks the database then waits until it is given up.
      const asked = yield* Effect.forkChild(rang)
      yield* pass("61 seconds")
      assert.deepStrictEqual(yield* Fiber.join(asked), ["other"])
    }).pipe(Effect.scoped)
  )

  it.effect("because nobody knows what to do with it waits for a node that does", () =>
    Effect.gen(function* () {
      const database = yield* MemoryDatabase.make
      const scope = yield* Scope.make()
      const without = yield* Scope.provide(start(database, []), scope)
      yield* without.timers.set({ protocol: Bell, in: 0, payload: "rings" })
      yield* pass("10 seconds")
      const [shown] = yield* without.store.list(1)
      assert.include(shown?.lastFailure, 'this node runs no protocol "bell" with timers')
      assert.deepStrictEqual(kinds(yield* without.told), ["timer.failing"])
      yield* Scope.close(scope, Exit.void)
      const { rang } = yield* start(database)
      yield* pass("5 minutes")
      assert.deepStrictEqual(yield* rang, ["rings"])
    }).pipe(Effect.scoped)
  )

  it.effect("because its payload is of another version is kept and shown", () =>
    Effect.gen(function* () {
      const { rang, store, timers } = yield* fresh
      const other = Protocol.make("bell", {
        messages: Schema.Never,
        handle: () => Effect.void,
        timers: Schema.Struct({ tone: Schema.Int }),
        onTimer: () => Effect.void
      })
      yield* timers.set({ protocol: other, in: 0, payload: { tone: 7 } })
      yield* pass("1 minute")
      assert.deepStrictEqual(yield* rang, [])
      assert.include((yield* store.list(1))[0]?.lastFailure, 'a timer of "bell" is not readable')
    }).pipe(Effect.scoped)
  )
})

describe("a timer whose process dies", () => {
  /** A process whose handlers never end, until it is killed. */
  const hanging = Effect.fnUntraced(function* (database: MemoryDatabase["Service"], ids: ReadonlyArray<string>) {
    const scope = yield* Scope.make()
    const stuck = bell((payload) => (payload === "a stuck one" ? Effect.never : Effect.void))
    const node = yield* Scope.provide(start(database, [stuck.handled]), scope)
    for (const id of ids) yield* node.timers.set({ id, protocol: stuck, in: 1, payload: id })
    return {
      ...node,
      die: Effect.gen(function* () {
        database.crash()
        yield* Scope.close(scope, Exit.void)
      })
    }
  })

  /** As committed: whoever asked the database would wait for the handler. */
  const attempts = (database: MemoryDatabase["Service"]) =>
    database.log.committed(() => [...timersIn.of(database).rows].map((row) => row.attempts))

  it.effect("while it runs takes effect once in the next life, at once", () =>
    Effect.gen(function* () {
      const database = yield* MemoryDatabase.make
      const first = yield* hanging(database, ["a stuck one", "behind it"])
      yield* pass("2 seconds")
      yield* first.die
      const { rang } = yield* start(database)
      yield* pass(1)
      assert.deepStrictEqual(yield* rang, ["a stuck one", "behind it"])
      yield* pass("1 hour")
      assert.strictEqual((yield* rang).length, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("again and again is tried alone, then seldom, and told of", () =>
    Effect.gen(function* () {
      const database = yield* MemoryDatabase.make
      const lives: Array<ReadonlyArray<number>> = []
      for (let life = 0; life < 4; life++) {
        const node = yield* hanging(database, life === 0 ? ["a stuck one", "behind it"] : [])
        yield* pass("2 seconds")
        lives.push(attempts(database))
        yield* node.die
      }
      // Once with the other one, and the next time alone.
      assert.deepStrictEqual(lives, [[1, 1], [2, 1], [3], [3]])
      const { rang, told } = yield* start(database, [
        bell((payload) => (payload === "a stuck one" ? new NoLuck() : Effect.void)).handled
      ])
      yield* pass("4 minutes")
      assert.deepStrictEqual(yield* rang, ["behind it"])
      assert.deepStrictEqual(attempts(database), [3])
      assert.deepStrictEqual(kinds(yield* told), [])
      yield* pass("1 minute")
      assert.deepStrictEqual(kinds(yield* told), ["timer.failing"])
      assert.isAtLeast(attempts(database)[0] ?? 0, 4)
    }).pipe(Effect.scoped)
  )
})

describe("a database that fails", () => {
  const lost = new SqlError({ reason: new ConnectionError({ cause: new Error("cut"), message: "cut" }) })

  it.effect("after the commit of an effect, before it is answered, does not make it happen twice", () =>
    Effect.gen(function* () {
      let failing = false
      const database = MemoryDatabase.makeHooked({
        statement: Effect.void,
        commit: (commit, wrote) =>
          Effect.andThen(
            commit,
            Effect.suspend(() => (failing && wrote ? lost : Effect.void))
          )
      })
      const { rang, store, timers, told } = yield* start(database)
      yield* timers.set({ protocol: Bell, in: "1 second", payload: "once" })
      failing = true
      yield* pass("10 seconds")
      failing = false
      yield* pass("10 minutes")
      assert.deepStrictEqual(yield* rang, ["once"])
      assert.deepStrictEqual(yield* store.list(10), [])
      assert.deepStrictEqual(yield* told, [])
    }).pipe(Effect.scoped)
  )

  it.effect("for a while is waited for, and everything that was due runs then", () =>
    Effect.gen(function* () {
      let down = false
      const database = MemoryDatabase.makeHooked({
        statement: Effect.suspend(() => (down ? lost : Effect.void)),
        commit: (commit) => commit
      })
      const { rang, timers } = yield* start(database)
      for (const payload of ["a", "b", "c"]) yield* timers.set({ protocol: Bell, in: "1 minute", payload })
      down = true
      yield* pass("1 hour")
      down = false
      yield* pass("10 seconds")
      assert.deepStrictEqual(yield* rang, ["a", "b", "c"])
    }).pipe(Effect.scoped)
  )
})

describe("a clock that is set", () => {
  it.effect("back makes no wait longer, and a time come when it says so", () =>
    Effect.gen(function* () {
      const clock = yield* skewed
      const database = yield* MemoryDatabase.make
      yield* Effect.gen(function* () {
        const { rang, timers } = yield* Effect.provideService(start(database), Clock.Clock, clock)
        yield* timers.set({ protocol: Bell, in: "10 minutes", payload: "wait" })
        yield* timers.set({ protocol: Bell, at: 600_000, payload: "time" })
        yield* pass("5 minutes")
        clock.setWall(-3_600_000)
        // Before anybody has noticed, and after it.
        yield* timers.set({ protocol: Bell, in: "6 minutes", payload: "set at once" })
        yield* pass("1 minute")
        yield* timers.set({ protocol: Bell, in: "6 minutes", payload: "set later" })
        yield* pass("3 minutes")
        assert.deepStrictEqual(yield* rang, [])
        yield* pass("1 minute")
        assert.deepStrictEqual(yield* rang, ["wait"])
        yield* pass("2 minutes")
        assert.deepStrictEqual(yield* rang, ["wait", "set at once", "set later"])
        yield* pass("57 minutes")
        assert.strictEqual((yield* rang).length, 3)
        yield* pass("1 minute")
        assert.deepStrictEqual((yield* rang).slice(3), ["time"])
      }).pipe(Effect.scoped)
    })
  )

  it.effect("back is known to the next process from its first moment on", () =>
    Effect.gen(function* () {
      const clock = yield* skewed
      const database = yield* MemoryDatabase.make
      const life = Effect.provideService(start(database), Clock.Clock, clock)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { timers } = yield* life
          yield* timers.set({ protocol: Bell, in: "10 minutes", payload: "wait" })
          clock.setWall(-3_600_000)
          yield* pass("1 minute")
        })
      )
      yield* Effect.scoped(
        Effect.gen(function* () {
          const stores = StoresMemory.layerOn(database).pipe(Layer.provide(SecureRandom.layerWebCrypto))
          const context = yield* Layer.build(Layer.provide(TimerWatch.layer, stores))
          const { steady, wall } = Context.get(context, TimerWatch).now()
          assert.strictEqual(steady - wall, 3_600_000)
        })
      )
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { rang } = yield* life
          yield* pass("8 minutes")
          assert.deepStrictEqual(yield* rang, [])
          yield* pass("1 minute")
          assert.deepStrictEqual(yield* rang, ["wait"])
        })
      )
    })
  )
})
