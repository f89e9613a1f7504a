/**
 * The traffic of the crash tests: two protocols, the ledger that senders keep outside the outbox, and the tables that
 * handlers write to, plainly: without a unique key and without ON CONFLICT, so that whatever is handled twice is seen.
 *
 * "plain" asks for no outcome. "answered" writes every outcome down, and some of its messages are answered `Later`
 * (for a moment, by each process that sees one), `Stale` or `Refused`. One transaction in sixteen is rolled back after its
 * messages were sent: nothing of it may arrive.
 */
import { Clock, Effect, type Latch, Random, Schema, type Semaphore } from "effect"
import { SqlClient } from "effect/sql"
import { isSqlError } from "effect/sql/SqlError"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { Transactions } from "../../../src/services/Transactions.ts"

export const Kind = Schema.Literals(["plain", "ok", "later", "stale", "refused"])
export type Kind = typeof Kind.Type

const Parcel = Schema.Struct({
  kind: Kind,
  subject: Schema.String,
  n: Schema.Int,
  at: Schema.Int,
  /** Of a probe: nanoseconds of the machine's monotonic clock when it was sent. */
  since: Schema.optionalKey(Schema.BigIntFromString),
  /** What makes it as large as somebody wants it. */
  padding: Schema.optionalKey(Schema.String)
})
export type Parcel = typeof Parcel.Type

/** Made by the test before the first start. `txid` is the transaction that a message was received in. */
export const tables = [
  `CREATE TABLE crash_sent (
    place bigint GENERATED ALWAYS AS IDENTITY, id uuid, kind text, subject text, n integer, at bigint)`,
  `CREATE TABLE crash_arrived (
    place bigint GENERATED ALWAYS AS IDENTITY, id uuid, kind text, subject text, n integer, at bigint,
    txid xid8 DEFAULT pg_current_xact_id())`,
  `CREATE TABLE crash_outcomes (
    place bigint GENERATED ALWAYS AS IDENTITY, id uuid, outcome text, at bigint)`
]

/** What the program wants to know as it happens. */
export interface Watcher {
  /** The effect of a message was committed. */
  readonly arrived: (parcel: Parcel) => void
  /** A transaction of the load was committed. */
  readonly sent: () => void
  /** A handler answered something other than `Ok`. */
  readonly answered: (outcome: "Later" | "Stale" | "Refused") => void
}

const millis = Effect.map(Clock.currentTimeMillis, BigInt)

/**
 * How long a message of the kind `later` is not taken after it was first seen by a process; an old one is taken at
 * once, or it would wait ever longer while processes die.
 */
const laterMillis = 50
const oldMillis = 10_000

export const protocols = (watcher: Watcher) => {
  /** When messages of the kind `later` were first seen by this process, until they are taken. */
  const seen = new Map<string, number>()

  const store = Effect.fnUntraced(function* ({ kind, n, subject }: Parcel, id: string) {
    const sql = yield* SqlClient.SqlClient
    yield* sql`
      INSERT INTO crash_arrived (id, kind, subject, n, at)
      VALUES (${id}::uuid, ${kind}, ${subject}, ${n}, ${yield* millis})`
  })
  const tell = (parcel: Parcel) =>
    Effect.flatMap(Transactions, (transactions) => transactions.afterCommit(Effect.sync(() => watcher.arrived(parcel))))

  const plain = Protocol.make("plain", {
    messages: Parcel,
    subject: ({ subject }) => subject,
    handle: (parcel, { id }) => Effect.andThen(store(parcel, id), tell(parcel))
  })

  const reject = (rejected: Protocol.Rejected) =>
    Effect.suspend(() => {
      if (rejected.outcome._tag !== "Ok") watcher.answered(rejected.outcome._tag)
      return Effect.fail(rejected)
    })

  const answered = Protocol.make("answered", {
    messages: Parcel,
    subject: ({ subject }) => subject,
    handle: Effect.fnUntraced(function* (parcel, { id }) {
      // The write comes first, so that a rejection that left it behind would be seen.
      yield* store(parcel, id)
      if (parcel.kind === "stale") return yield* reject(Protocol.Rejected.stale(String(parcel.n)))
      if (parcel.kind === "refused") return yield* reject(Protocol.Rejected.refused("not-wanted"))
      if (parcel.kind === "later") {
        const now = yield* Clock.currentTimeMillis
        const until = (seen.get(id) ?? now) + laterMillis
        seen.set(id, until - laterMillis)
        if (now < until && now < parcel.at + oldMillis) return yield* reject(Protocol.Rejected.later(until - now))
      }
      yield* tell(parcel)
    }),
    onOutcome: Effect.fnUntraced(function* (_, outcome, { id }) {
      const sql = yield* SqlClient.SqlClient
      yield* sql`
        INSERT INTO crash_outcomes (id, outcome, at) VALUES (${id}::uuid, ${outcome._tag}, ${yield* millis})`
    })
  })
  return { plain, answered }
}

export type Protocols = ReturnType<typeof protocols>

const kinds: ReadonlyArray<readonly [Kind, number]> = [
  ["plain", 0.5],
  ["ok", 0.88],
  ["later", 0.94],
  ["stale", 0.97],
  ["refused", 1]
]

class Undone extends Schema.TaggedError<Undone>()("Undone", {}) {}

const transaction = Effect.fnUntraced(function* (
  to: NodeKey,
  { plain, answered }: Protocols,
  lane: string,
  first: number
) {
  const sql = yield* SqlClient.SqlClient
  const delivery = yield* Delivery
  const count = yield* Random.nextIntBetween(1, 4)
  for (let n = first; n < first + count; n++) {
    const roll = yield* Random.next
    const kind = kinds.find(([, upTo]) => roll < upTo)![0]
    const at = yield* Clock.currentTimeMillis
    // A message that is answered `Later` holds up the rest of its transaction, not its lane.
    const subject = kind === "plain" ? lane : `${lane}/${first}`
    const parcel: Parcel = { kind, subject, n, at }
    const id = yield* kind === "plain" ? delivery.send(to, plain, parcel) : delivery.send(to, answered, parcel)
    yield* sql`
      INSERT INTO crash_sent (id, kind, subject, n, at)
      VALUES (${id}::uuid, ${kind}, ${subject}, ${n}, ${BigInt(at)})`
  }
  if ((yield* Random.nextIntBetween(0, 15)) === 0) return yield* new Undone()
  return count
})

/** Messages that one lane may give numbers to in a transaction; the next one starts above them, committed or not. */
const stride = 8

/**
 * Sends to `to`, one transaction after the other in each lane, for ever; each begins only while the `gate` is open, and
 * holds one of the `permits` until it is over. A failed database is tried again with other messages: what counts is
 * what the database has.
 */
export const run = Effect.fnUntraced(function* (
  to: NodeKey,
  names: Protocols,
  options: {
    readonly lanes: number
    readonly prefix: string
    readonly paceMillis: number
    readonly gate: Latch.Latch
    readonly permits: Semaphore.Semaphore
  },
  watcher: Watcher
) {
  const sql = yield* SqlClient.SqlClient
  const lane = Effect.fnUntraced(function* (name: string) {
    const [row] = yield* sql<{ readonly n: number }>`
      SELECT coalesce(max(n), 0) AS n FROM crash_sent WHERE split_part(subject, '/', 1) = ${name}`
    let next = (row?.n ?? 0) + stride
    while (true) {
      const first = next
      next += stride
      yield* options.gate.await
      const begun = Effect.andThen(sql.withTransaction(transaction(to, names, name, first)), Effect.sync(watcher.sent))
      yield* options.permits.withPermit(Effect.suspend(() => (options.gate.isOpen() ? begun : Effect.void))).pipe(
        Effect.catchTag("Undone", () => Effect.void),
        Effect.catchIf(isSqlError, () => Effect.sleep(50))
      )
      yield* Effect.sleep(options.paceMillis)
    }
  })
  const lanes = Array.from({ length: options.lanes }, (_, index) => `${options.prefix}-${index}`)
  yield* Effect.forEach(lanes, lane, { concurrency: "unbounded", discard: true })
})
