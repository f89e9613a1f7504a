/**
 * What the SQL of the retry store must do, on the embedded database, as properties that planted bugs of its statements
 * have to break. Each run has a peer of its own; the database is made once.
 */
import { Effect, Layer, Logger, ManagedRuntime } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql/SqlError"
import { migrations } from "../../migrations/index.ts"
import * as Migrations from "../../src/layers/Migrations.ts"
import * as RetryStoreSql from "../../src/layers/RetryStoreSql.ts"
import { type Link, type LinkFenced, RetryStore } from "../../src/services/delivery/RetryStore.ts"
import * as EmbeddedDatabase from "./EmbeddedDatabase.ts"
import { answer, batch, later, message, messages, refused, settling, stranger, uuid } from "./Messages.ts"

type Store = RetryStore["Service"]
type Check = (store: Store, link: Link, size: number) => Effect.Effect<string | undefined, SqlError | LinkFenced>

const same = (what: string, found: unknown, expected: unknown): string | undefined => {
  const text = (value: unknown) => JSON.stringify(value, (_, it: unknown) => (typeof it === "bigint" ? `${it}` : it))
  return text(found) === text(expected) ? undefined : `${what}: ${text(found)}, not ${text(expected)}`
}

const room = (count: number) => ({ messages: count, bytes: 1_000_000 })
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n)

const checks = {
  "numbers have no holes": Effect.fnUntraced(function* (store, link, size) {
    yield* store.enqueue(messages(link.peer, size), 1)
    const seqs: Array<number> = []
    for (let look = 0; look < 3; look++) {
      const { messages } = yield* store.take(link, room(Math.ceil(size / 2)), 1)
      seqs.push(...messages.map(({ seq }) => Number(seq)))
    }
    return same("numbers", seqs, numbers(1, size))
  }),
  "nobody overtakes in a subject": Effect.fnUntraced(function* (store, link) {
    const [first, behind] = messages(link.peer, 2)
    const other = message(link.peer, { subject: "another" })
    yield* store.enqueue([first!, behind!], 1)
    yield* store.take(link, room(1), 1)
    yield* store.settle(link, { upTo: 1n, answers: [answer(1n, later(100))] }, settling(1))
    yield* store.enqueue([other], 1)
    const { messages: free } = yield* store.take(link, room(10), 50)
    const { messages: due } = yield* store.take(link, room(10), 101)
    return same(
      "taken",
      [free, due].map((all) => all.map(({ id }) => id)),
      [[other.id], [first!.id, behind!.id]]
    )
  }),
  "a former owner writes nothing": Effect.fnUntraced(function* (store, old) {
    yield* store.enqueue(messages(old.peer, 2), 1)
    yield* store.take(old, room(1), 1)
    yield* store.claim(old.peer)
    const tried = [
      Effect.asVoid(store.take(old, room(1), 1)),
      Effect.asVoid(store.settle(old, { upTo: 1n, answers: [] }, settling(1))),
      Effect.asVoid(store.positions(old))
    ]
    const ends: Array<string> = []
    for (const one of tried) ends.push((yield* Effect.result(one))._tag)
    return same("ends", ends, ["Failure", "Failure", "Failure"])
  }),
  "answers are kept until they are seen": Effect.fnUntraced(function* (store, link) {
    const stream = uuid()
    const answers = [1n, 2n, 3n].map((seq) => ({ ...answer(seq, refused), id: uuid() }))
    yield* store.received(link, batch({ stream, adopts: true, position: 3n, answers }), 1)
    const before = (yield* store.positions(link)).answers.map(({ seq }) => seq)
    yield* store.received(link, batch({ stream, after: { stream, position: 3n }, position: 4n, seen: 2n }), 1)
    const { answers: kept, receiving } = yield* store.positions(link)
    return same("kept", [before, kept.map(({ seq }) => seq), receiving.position], [[1n, 2n, 3n], [3n], 4n])
  }),
  "only what was receipted is gone": Effect.fnUntraced(function* (store, link, size) {
    const sent = messages(link.peer, size + 2)
    yield* store.enqueue(sent, 1)
    yield* store.take(link, room(size + 1), 1)
    yield* store.settle(link, { upTo: BigInt(size), answers: [] }, settling(1))
    const owed = yield* store.owed({ peer: link.peer, limit: 1_000 })
    const { sending } = yield* store.positions(link)
    return same(
      "owed",
      [owed.map(({ id }) => id), sending.receipted],
      [sent.slice(size).map(({ id }) => id), BigInt(size)]
    )
  }),
  "ids are known after a change of stream": Effect.fnUntraced(function* (store, link, size) {
    const applied = Array.from({ length: size }, uuid)
    const [old, fresh] = [uuid(), uuid()]
    yield* store.received(link, batch({ stream: old, adopts: true, position: BigInt(size), applied }), 1)
    yield* store.received(link, batch({ stream: fresh, adopts: true, position: 1n, applied: [uuid()] }), 2)
    const known = yield* store.applied(link.peer, applied, fresh)
    return same("known", known.size, size)
  })
} satisfies Record<string, Check>

export type Property = keyof typeof checks
export const properties = Object.keys(checks) as ReadonlyArray<Property>

const runtime = ManagedRuntime.make(
  RetryStoreSql.layer.pipe(
    Layer.provide(Migrations.layer(migrations)),
    Layer.provideMerge(EmbeddedDatabase.layer),
    Layer.provide(SecureRandom.layerWebCrypto),
    // Programs that hunt print nothing but what they have found.
    Layer.provide(Logger.layer([]))
  )
)

/** What is wrong; statements that fail are. */
export const broken = (property: Property, seed: number): Promise<string | undefined> =>
  runtime.runPromise(
    Effect.gen(function* () {
      const store = yield* RetryStore
      const link = yield* store.claim(stranger())
      const check: Check = checks[property]
      return yield* check(store, link, 2 + (seed % 7))
    }).pipe(Effect.catch((error) => Effect.succeed(String(error))))
  )

export const close = (): Promise<void> => runtime.dispose()
