/**
 * What every simulated database does, and what each of its faults does to it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit } from "effect"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import { maxSnapshots, type SimulatedDatabase } from "../../../src/testing/database/SimulatedDatabase.ts"
import type { World } from "../../../src/testing/world/World.ts"
import { message } from "../../support/Messages.ts"
import { failedPassing, get, Life, newWorld, peer, put, shuffled, until } from "./Program.ts"

const within = <A, E, R>(effect: Effect.Effect<A, E, R>) => Transactions.use((it) => it.within(effect))

/** Leaves a transaction open that has written something. */
const leaveOpen = async (world: World, life: Life): Promise<void> => {
  const open = Deferred.makeUnsafe<void>()
  life.start(within(Effect.andThen(put(3, 3), Effect.andThen(Deferred.succeed(open, undefined), Effect.never))))
  await until(world, () => Deferred.isDoneUnsafe(open))
}

/** Microseconds that a program takes. */
const takes = async (world: World, run: () => Promise<unknown>): Promise<number> => {
  const from = world.now
  await run()
  return world.now - from
}

export const simulates = (
  name: string,
  use: (world: World, test: (database: SimulatedDatabase) => Promise<void>) => Promise<void>,
  /** Whether a backup that is taken while a transaction is open is taken after it. */
  { late }: { readonly late: boolean }
) => {
  const on = (seed: number, test: (world: World, database: SimulatedDatabase, life: Life) => Promise<void>) => {
    const world = newWorld(seed, shuffled)
    return use(world, async (database) => test(world, database, await Life.begin(world, database)))
  }

  describe(`a simulated database of ${name}`, () => {
    it("keeps what is committed through a kill, and nothing of what was open", () =>
      on(1, async (world, database, life) => {
        await life.value(put(1, 1))
        const open = Deferred.makeUnsafe<void>()
        life.start(within(Effect.andThen(put(1, 2), Effect.andThen(Deferred.succeed(open, undefined), Effect.never))))
        await until(world, () => Deferred.isDoneUnsafe(open))
        life.process.kill()
        database.crash()
        const next = await Life.begin(world, database, 2)
        assert.strictEqual(await next.value(get(1)), 1)
        await next.value(within(put(1, 3)))
        assert.strictEqual(await next.value(get(1)), 3)
      }))

    it("serves the next life, whatever one that has ended left open", () =>
      on(15, async (world, database, life) => {
        await leaveOpen(world, life)
        life.process.kill()
        const next = await Life.begin(world, database, 2)
        await next.value(within(put(1, 1)))
        assert.deepStrictEqual(await next.value(Effect.all([get(1), get(3)])), [1, undefined])
      }))

    it("has either nothing or all of a transaction whose process is killed at any moment of it", async () => {
      const seen = new Set<string>()
      for (let events = 0; events < 24; events++) {
        await on(2, async (world, database, life) => {
          let told = 0
          database.onCommit = () => void told++
          const end = life.start(within(Effect.andThen(put(1, 1), put(2, 1))))
          const last = world.events + events
          await until(world, () => world.events >= last || end.exit !== undefined)
          life.process.kill()
          database.crash()
          const next = await Life.begin(world, database, 2)
          const rows = await next.value(Effect.all([get(1), get(2)]))
          assert.isTrue(rows[0] === rows[1])
          if (end.exit !== undefined) assert.isDefined(rows[0])
          if (told === 0) assert.isUndefined(rows[0])
          seen.add(`${rows[0] === undefined ? "nothing" : "all"} ${end.exit === undefined ? "unheard" : "heard"}`)
        })
      }
      assert.sameMembers([...seen], ["nothing unheard", "all unheard", "all heard"])
    })

    it("counts commits that change something, and tells of each before its maker goes on", () =>
      on(3, async (world, database, life) => {
        const seen: Array<string> = []
        const before = database.commits
        database.onCommit = (n) => {
          seen.push(`commit ${n - before}`)
          world.at(world.now, () => void seen.push(`after ${n - before}`), -1)
        }
        const note = (text: string) => Effect.sync(() => void seen.push(text))
        const { afterCommit } = await life.value(Transactions)
        await life.value(
          Effect.gen(function* () {
            yield* put(1, 1)
            yield* note("one")
            yield* get(1)
            yield* within(get(1))
            yield* within(Effect.andThen(within(put(1, 2)), put(2, 2)))
            yield* note("two")
            yield* Effect.exit(within(Effect.andThen(put(1, 3), Effect.fail("no"))))
            yield* within(Effect.andThen(put(1, 4), afterCommit(note("callback"))))
          })
        )
        const expected = ["commit 1", "after 1", "one", "commit 2", "after 2", "two", "commit 3", "after 3", "callback"]
        assert.deepStrictEqual(seen, expected)
        assert.strictEqual(database.commits, before + 3)
      }))

    it("takes longer for every statement and commit while it is slow", () =>
      on(4, async (world, database, life) => {
        const run = () => takes(world, () => life.value(within(Effect.andThen(put(1, 1), put(2, 1)))))
        assert.isBelow(await run(), 10_000)
        const normal = database.slow(() => 1_000)
        const slow = await run()
        // BEGIN, two statements, COMMIT.
        assert.isAtLeast(slow, 4_000_000)
        assert.isBelow(slow, 6_100_000)
        const twice = database.slow(() => 500)
        assert.isAtLeast(await run(), 6_000_000)
        twice()
        normal()
        assert.isBelow(await run(), 10_000)
      }))

    it("fails before a commit and leaves nothing, until it is undone", () =>
      on(5, async (_world, database, life) => {
        const undo = database.failing(1, "before-commit")
        const commits = database.commits
        assert.isTrue(failedPassing(await life.run(within(put(1, 1)))))
        assert.isTrue(failedPassing(await life.run(put(2, 1))))
        assert.strictEqual(database.commits, commits)
        undo()
        assert.deepStrictEqual(await life.value(Effect.all([get(1), get(2)])), [undefined, undefined])
        await life.value(within(put(1, 2)))
        assert.strictEqual(await life.value(get(1)), 2)
      }))

    it("fails after a commit and leaves the rows, runs no callbacks, until it is undone", () =>
      on(6, async (_world, database, life) => {
        const { afterCommit } = await life.value(Transactions)
        let called = 0
        const call = afterCommit(Effect.sync(() => void called++))
        const undo = database.failing(1, "after-commit")
        const commits = database.commits
        assert.isTrue(failedPassing(await life.run(within(Effect.andThen(put(1, 1), call)))))
        assert.isTrue(failedPassing(await life.run(put(2, 1))))
        assert.strictEqual(database.commits, commits + 2)
        undo()
        assert.deepStrictEqual(await life.value(Effect.all([get(1), get(2)])), [1, 1])
        assert.strictEqual(called, 0)
        await life.value(within(call))
        assert.strictEqual(called, 1)
      }))

    it("fails as large a share of transactions as was asked for, each as a whole", () =>
      on(7, async (_world, database, life) => {
        database.failing(0.3, "before-commit")
        let failed = 0
        for (let n = 0; n < 100; n++) {
          const exit = await life.run(within(within(put(1, n))))
          if (Exit.isFailure(exit)) failed++
        }
        assert.isAtLeast(failed, 15)
        assert.isAtMost(failed, 45)
      }))

    it("loses every connection in a restart, and fails until it is up again", () =>
      on(8, async (world, database, life) => {
        await life.value(put(1, 1))
        const open = Deferred.makeUnsafe<void>()
        const go = Deferred.makeUnsafe<void>()
        const caught = life.start(
          within(
            Effect.gen(function* () {
              yield* put(1, 2)
              yield* Deferred.succeed(open, undefined)
              yield* Deferred.await(go)
              yield* put(1, 3)
            })
          )
        )
        await until(world, () => Deferred.isDoneUnsafe(open))
        database.restart(5_000)
        const back = world.now + 5_000_000
        Deferred.doneUnsafe(go, Effect.void)
        await until(world, () => caught.exit !== undefined)
        assert.isTrue(failedPassing(caught.exit))
        assert.isTrue(failedPassing(await life.run(get(1))))
        assert.isTrue(failedPassing(await life.run(within(get(1)))))
        await life.value(Effect.sleep(6_000))
        assert.isAbove(world.now, back)
        assert.strictEqual(await life.value(get(1)), 1)
        const up = database.restart(3_600_000)
        assert.isTrue(failedPassing(await life.run(get(1))))
        up()
        assert.strictEqual(await life.value(get(1)), 1)
      }))

    it("ends a transaction that waits for itself, after the minute that production gives it", () =>
      on(14, async (world, database, life) => {
        const outside = Effect.callback<void>((resume) => {
          life.process.fork(Effect.provide(put(2, 1), life.services), () => resume(Effect.void))
        })
        const from = world.now
        assert.isTrue(failedPassing(await life.run(within(Effect.andThen(put(1, 1), outside)))))
        assert.isAtLeast(world.now - from, 60_000_000)
        assert.deepStrictEqual(await life.value(Effect.all([get(1), get(2)])), [undefined, 1])
      }))

    it("does not commit for a session that a restart has ended", () =>
      on(9, async (world, database, life) => {
        const open = Deferred.makeUnsafe<void>()
        const go = Deferred.makeUnsafe<void>()
        const opened = Effect.andThen(Deferred.succeed(open, undefined), Deferred.await(go))
        const caught = life.start(within(Effect.andThen(put(1, 1), opened)))
        await until(world, () => Deferred.isDoneUnsafe(open))
        database.restart(0)
        Deferred.doneUnsafe(go, Effect.void)
        await until(world, () => caught.exit !== undefined)
        assert.isTrue(failedPassing(caught.exit))
        assert.isUndefined(await life.value(get(1)))
      }))

    it("has either nothing or all of what a restart meets at any moment of it, and tells", async () => {
      const seen = new Set<string>()
      for (const write of [put(1, 1), within(put(1, 1))]) {
        for (let events = 0; events < 12; events++) {
          await on(13, async (world, database, life) => {
            const commits = database.commits
            const end = life.start(write)
            const last = world.events + events
            await until(world, () => world.events >= last || end.exit !== undefined)
            const over = end.exit !== undefined
            database.restart(0)
            await life.value(within(put(2, 1)))
            await until(world, () => end.exit !== undefined)
            const committed = database.commits - commits - 1
            assert.strictEqual(await life.value(get(1)), committed === 1 ? 1 : undefined)
            assert.strictEqual(failedPassing(end.exit), !over)
            seen.add(`${committed} ${over ? "over" : "under way"}`)
          })
        }
      }
      assert.sameMembers([...seen], ["0 under way", "1 under way", "1 over"])
    })

    it("goes back to a backup, which has what was committed then, numbers and the database's own id included", () =>
      on(10, async (world, database, life) => {
        const id = await life.value(RetryStore.use((it) => Effect.succeed(it.databaseId)))
        await life.value(put(1, 1))
        const open = Deferred.makeUnsafe<void>()
        const go = Deferred.makeUnsafe<void>()
        const opened = Effect.andThen(Deferred.succeed(open, undefined), Deferred.await(go))
        const writing = life.start(within(Effect.andThen(put(2, 2), opened)))
        await until(world, () => Deferred.isDoneUnsafe(open))
        const backup = database.snapshot()
        Deferred.doneUnsafe(go, Effect.void)
        await until(world, () => writing.exit !== undefined)
        await life.value(put(1, 3))
        const [debt, another] = [message(peer(4)), message(peer(4))]
        await life.value(RetryStore.use((it) => it.enqueue([debt], 1_000)))
        const owed = RetryStore.use((it) => Effect.map(it.owed({ limit: 10 }), (rows) => rows.length))
        assert.deepStrictEqual(await life.value(Effect.all([get(1), get(2), owed])), [3, 2, 1])
        const later = database.snapshot()
        const first = [1, late ? 2 : undefined, 0] as const
        let alive = life
        for (const [snapshot, rows] of [
          [backup, first],
          [later, [3, 2, 1]],
          [backup, first]
        ] as const) {
          await leaveOpen(world, alive)
          alive.process.kill()
          database.restore(snapshot)
          const next = await Life.begin(world, database, 2)
          alive = next
          assert.deepStrictEqual(await next.value(Effect.all([get(1), get(2), owed])), [...rows])
          assert.isUndefined(await next.value(get(3)))
          // What came after the backup is not merely hidden.
          await next.value(RetryStore.use((it) => it.enqueue([another], 1_000)))
          assert.strictEqual(await next.value(owed), rows[2] + 1)
          const own = await next.value(RetryStore.use((it) => Effect.succeed([it.databaseId, it.incarnation] as const)))
          assert.deepStrictEqual(own, [id, 2n])
        }
        assert.throws(() => database.restore(99), /99/)
      }))

    it("keeps a backup that was taken during a transaction that came to nothing", () =>
      on(16, async (world, database, life) => {
        await life.value(put(1, 1))
        const open = Deferred.makeUnsafe<void>()
        const go = Deferred.makeUnsafe<void>()
        const opened = Effect.andThen(Deferred.succeed(open, undefined), Deferred.await(go))
        const failing = life.start(within(Effect.andThen(put(1, 2), Effect.andThen(opened, Effect.fail("no")))))
        await until(world, () => Deferred.isDoneUnsafe(open))
        const backup = database.snapshot()
        Deferred.doneUnsafe(go, Effect.void)
        await until(world, () => failing.exit !== undefined)
        await life.value(put(1, 3))
        life.process.kill()
        database.restore(backup)
        assert.strictEqual(await (await Life.begin(world, database, 2)).value(get(1)), 1)
      }))

    it("keeps so many backups and no more", () =>
      on(11, async (world, database, life) => {
        const first = database.snapshot()
        await life.value(put(1, 1))
        const second = database.snapshot()
        for (let n = 2; n <= maxSnapshots; n++) database.snapshot()
        assert.throws(() => database.restore(first), /not kept/)
        database.restore(second)
        assert.strictEqual(await (await Life.begin(world, database, 2)).value(get(1)), 1)
      }))

    it("has nothing left when it is wiped, and is another database then", () =>
      on(12, async (world, database, life) => {
        const id = await life.value(RetryStore.use((it) => Effect.succeed(it.databaseId)))
        await life.value(put(1, 1))
        const backup = database.snapshot()
        await leaveOpen(world, life)
        life.process.kill()
        database.wipe()
        const next = await Life.begin(world, database, 2)
        assert.deepStrictEqual(await next.value(Effect.all([get(1), get(3)])), [undefined, undefined])
        const own = await next.value(RetryStore.use((it) => Effect.succeed([it.databaseId, it.incarnation] as const)))
        assert.notStrictEqual(own[0], id)
        assert.strictEqual(own[1], 1n)
        next.process.kill()
        database.restore(backup)
        assert.strictEqual(await (await Life.begin(world, database, 3)).value(get(1)), 1)
      }))
  })
}
