/**
 * A program that is heavy on transactions, for runs that are to be compared: users of one node who move numbers between
 * rows, send messages and write events, while its database fails and its process is killed.
 */
import { Effect } from "effect"
import { FeedStore } from "../../../src/services/delivery/FeedStore.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { PeerBook } from "../../../src/services/link/PeerBook.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import type { SimulatedDatabase } from "../../../src/testing/database/SimulatedDatabase.ts"
import type { Rng } from "../../../src/testing/world/Rng.ts"
import type { World } from "../../../src/testing/world/World.ts"
import { get, Life, peer, put, until } from "./Program.ts"

export interface Options {
  readonly users: number
  /** Transactions fail, before and after their commits. */
  readonly failing: boolean
  /** Lives end in the middle of everything, and the database is slow and restarts. */
  readonly harsh: boolean
}

const lives = 3
const turns = 6
const rows = [0, 1, 2, 3, 4]
/** What all rows together always hold. */
export const total = rows.length * 10_000

const idOf = (...numbers: ReadonlyArray<number>): string =>
  `00000000-0000-4000-8000-${numbers.map((n) => String(n).padStart(4, "0")).join("")}`

const fill = Transactions.use(({ within }) =>
  within(
    Effect.forEach(rows, (n) => Effect.flatMap(get(n), (value) => (value === undefined ? put(n, 10_000) : Effect.void)))
  )
)

/** Moves something from one row to another and tells of it, which is sometimes taken back. */
const move = Effect.fnUntraced(function* (rng: Rng, id: string) {
  const { within } = yield* Transactions
  const store = yield* RetryStore
  const feed = yield* FeedStore
  const [from, to, amount] = [rng.below(rows.length), rng.below(rows.length), rng.between(1, 20)]
  const doubts = rng.chance(200_000)
  const tell = Effect.gen(function* () {
    yield* store.enqueue([{ id, peer: peer(to), protocol: "p", subject: "s", body: new Uint8Array([amount]) }], 1_000)
    yield* feed.append([{ audience: "all", protocol: "p", subject: "s", kind: "moved", body: { id, amount } }], 1_000)
    if (doubts) return yield* Effect.fail("doubt")
  })
  yield* within(
    Effect.gen(function* () {
      yield* put(from, ((yield* get(from)) ?? 0) - amount)
      yield* put(to, ((yield* get(to)) ?? 0) + amount)
      yield* Effect.result(within(tell))
    })
  )
})

const work = (world: World, life: number, users: number) =>
  Effect.forEach(
    Array.from({ length: users }, (_, user) => user),
    Effect.fnUntraced(function* (user) {
      const rng = world.rng(`user/${life}/${user}`)
      for (let turn = 0; turn < turns; turn++) {
        yield* Effect.sleep(rng.below(20))
        yield* Effect.result(move(rng, idOf(life, user, turn)))
      }
    }),
    { concurrency: "unbounded" }
  )

/** Everything that the stores say, in an order that does not depend on who came first. */
const state = Effect.gen(function* () {
  const book = yield* PeerBook
  const store = yield* RetryStore
  const feed = yield* FeedStore
  yield* feed.publish(1_000)
  const events = yield* feed.after(0n, 1_000, undefined)
  return {
    rows: (yield* book.list(100)).map(({ endpoint }) => endpoint?.port ?? 0),
    owed: (yield* store.owed({ limit: 1_000 })).map(({ id, peer, bytes }) => `${id} ${peer} ${bytes}`).sort(),
    events: events.map(({ body }) => JSON.stringify(body)).sort(),
    positions: events.map(({ position }) => position)
  }
})
export type State = Effect.Success<typeof state>

/** What is left after a few lives. */
export const run = async (world: World, database: SimulatedDatabase, options: Options): Promise<State> => {
  const rng = world.rng("worker")
  await (await Life.begin(world, database, 1)).value(fill)
  for (let life = 2; life < 2 + lives; life++) {
    const here = await Life.begin(world, database, life)
    const undo = options.failing
      ? [
          database.failing(0.1, "before-commit", world.rng("before")),
          database.failing(0.1, "after-commit", world.rng("after"))
        ]
      : []
    if (options.harsh) undo.push(database.slow(() => rng.below(3)))
    const ended = here.start(work(world, life, options.users))
    const end = options.harsh ? world.now + rng.between(50_000, 150_000) : Number.POSITIVE_INFINITY
    if (options.harsh) {
      world.at(end, () => undefined)
      world.at(world.now + rng.between(10_000, 40_000), () => void database.restart(5))
    }
    await until(world, () => ended.exit !== undefined || world.now >= end)
    for (const calm of undo) calm()
    here.process.kill()
    database.crash()
  }
  return (await Life.begin(world, database, 9)).value(state)
}
