/**
 * Every row that delivery keeps of a node, read from the stores' own tables, whether they are in memory or in SQL.
 *
 * What may differ between two databases that were told the same is left out: places and numbers of links (identity
 * columns, with holes where transactions were rolled back), times (the databases take their time statement by statement,
 * and not by the same statements), and of the ids the first twelve digits, which are such a time. Streams are counted
 * instead of named: of two sessions that begin at once it is a matter of microseconds which one draws the first name.
 */
import { Effect, Option } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { feedIn } from "../../../src/layers/FeedStoreMemory.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { rowsIn } from "../../../src/layers/retry/MemoryRows.ts"
import { timersIn } from "../../../src/layers/TimerStoreMemory.ts"

type Value = string | number | boolean | null
export type Row = Readonly<Record<string, Value>>
export type Tables = Readonly<Record<string, ReadonlyArray<Row>>>

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
const asStored = (value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value

/** Everything of the memory database, table by table, in the order in which it was written. */
const inMemory = (memory: MemoryDatabase["Service"]): Tables => {
  const rows = rowsIn.of(memory)
  const feed = feedIn.of(memory)
  const links = [...rows.links]
  const ofLinks = <A>(read: (peer: (typeof links)[number]["peer"]) => Iterable<A>, row: (it: A) => Row) =>
    links.flatMap(({ peer }) => Array.from(read(peer), (it) => ({ peer, ...row(it) })))
  return {
    links: links.map(({ epoch, peer, receiptedBefore, sending }) => ({
      peer,
      epoch: String(epoch),
      stream: sending?.stream ?? null,
      last: String(sending?.last ?? 0n),
      receipted: String(sending?.receipted ?? 0n),
      receipted_before: String(receiptedBefore)
    })),
    arrivals: links.map(({ duplicates, peer, position, receivedBefore, restarted, seen, stream }) => ({
      peer,
      stream,
      position: String(position),
      seen: String(seen),
      received_before: String(receivedBefore),
      duplicates: String(duplicates),
      restarted
    })),
    outbox: ofLinks(
      (peer) => rows.of(peer).outbox,
      (it) => ({
        id: it.id,
        protocol: it.protocol,
        subject: it.subject,
        body: hex(it.body),
        seq: it.seq === undefined ? null : String(it.seq),
        attempts: it.attempts,
        put_off: it.putOff,
        waiting: it.waiting,
        void: it.void,
        expires: it.deadline !== undefined,
        last_outcome: it.lastOutcome ?? null
      })
    ),
    outcomes: ofLinks(
      (peer) => rows.of(peer).answers,
      (it) => ({ seq: String(it.seq), outcome: JSON.stringify(it.outcome, (_, value) => asStored(value)) })
    ),
    applied: ofLinks(
      (peer) => rows.of(peer).applied,
      (it) => ({ stream: it.stream, superseded: it.superseded, ids: it.ids.join(" ") })
    ),
    held: ofLinks(
      (peer) => rows.of(peer).held,
      (it) => ({ id: it.id, protocol: it.protocol, subject: it.subject, seq: String(it.seq) })
    ),
    parked: ofLinks(
      (peer) => rows.of(peer).parked,
      (it) => ({ id: it.id, protocol: it.protocol, subject: it.subject, body: hex(it.body) })
    ),
    events: [...feed.published, ...feed.waiting].map((it) => ({
      position: "position" in it ? String(it.position) : null,
      audience: it.audience,
      protocol: it.protocol,
      subject: it.subject,
      kind: it.kind,
      body: JSON.stringify(it.body)
    })),
    timers: [...timersIn.of(memory).rows].map((it) => ({
      id: it.id,
      protocol: it.protocol,
      subject: it.subject,
      steady: it.steady,
      attempts: it.attempts,
      payload: hex(it.payload)
    }))
  }
}

/** The same from SQL: one statement a table, its columns named as above. */
const statements: Readonly<Record<string, string>> = {
  links: `SELECT peer, epoch::text, stream::text, last::text, receipted::text, receipted_before::text
    FROM holdfast_links ORDER BY peer`,
  arrivals: `SELECT l.peer, a.stream::text, coalesce(a.position, 0)::text AS position, coalesce(a.seen, 0)::text AS seen,
      coalesce(a.received_before, 0)::text AS received_before, coalesce(a.duplicates, 0)::text AS duplicates,
      coalesce(a.restarted, false) AS restarted
    FROM holdfast_links l LEFT JOIN holdfast_arrivals a ON a.link = l.id ORDER BY l.peer`,
  outbox: `SELECT l.peer, o.id::text, o.protocol, o.subject, encode(o.body, 'hex') AS body, o.seq::text, o.attempts,
      o.put_off, o.waiting, o.void, o.deadline IS NOT NULL AS expires, o.last_outcome
    FROM holdfast_outbox o JOIN holdfast_links l ON l.id = o.link ORDER BY l.peer, o.place`,
  outcomes: `SELECT l.peer, o.seq::text, o.outcome::text
    FROM holdfast_outcomes o JOIN holdfast_links l ON l.id = o.link ORDER BY l.peer, o.seq`,
  applied: `SELECT l.peer, a.stream::text, a.superseded, array_to_string(a.ids, ' ') AS ids
    FROM holdfast_applied a JOIN holdfast_links l ON l.id = a.link ORDER BY l.peer, a.at, a.last_seq`,
  held: `SELECT l.peer, h.id::text, h.protocol, h.subject, h.seq::text
    FROM holdfast_held h JOIN holdfast_links l ON l.id = h.link ORDER BY l.peer, h.place`,
  parked: `SELECT peer, id::text, protocol, subject, encode(body, 'hex') AS body FROM holdfast_parked ORDER BY peer, id`,
  events: `SELECT position::text, audience, protocol, subject, kind, body::text FROM holdfast_events
    ORDER BY position NULLS LAST, id`,
  timers: `SELECT id, protocol, subject, steady, attempts, encode(payload, 'hex') AS payload FROM holdfast_timers ORDER BY id`
}

const uuidV7 = /\b[0-9a-f]{8}-[0-9a-f]{4}(-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})\b/g
const withoutTimes = (value: Value): Value =>
  typeof value === "string"
    ? value
        .replaceAll(uuidV7, "time$1")
        .replaceAll(/"(dueAt|deadline)": ?\d+/g, '"$1":"time"')
        .replaceAll(/([:,]) /g, "$1")
    : value

/** The same tables with every value changed. */
const changed = (tables: Tables, change: (value: Value) => Value): Tables =>
  Object.fromEntries(
    Object.entries(tables).map(([table, rows]) => [
      table,
      rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, change(value)])))
    ])
  )

const uuidV4 = /\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b/g

/** The tables of all nodes, with their streams counted in the order in which they are found. */
export const counted = (nodes: ReadonlyMap<string, Tables>): Readonly<Record<string, Tables>> => {
  const streams = new Map<string, string>()
  const nameOf = (stream: string): string => {
    const name = streams.get(stream) ?? `stream ${streams.size + 1}`
    streams.set(stream, name)
    return name
  }
  return Object.fromEntries(
    [...nodes]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([node, tables]) => [
        node,
        changed(tables, (value) => (typeof value === "string" ? value.replaceAll(uuidV4, nameOf) : value))
      ])
  )
}

/** What is committed. In SQL only while nobody writes: each table is read by itself. */
export const read: Effect.Effect<Tables, SqlError, SqlClient.SqlClient> = Effect.gen(function* () {
  const memory = yield* Effect.serviceOption(MemoryDatabase)
  if (Option.isSome(memory)) return changed(inMemory(memory.value), withoutTimes)
  const sql = yield* SqlClient.SqlClient
  const tables: Record<string, ReadonlyArray<Row>> = {}
  for (const [table, statement] of Object.entries(statements)) tables[table] = yield* sql.unsafe<Row>(statement)
  return changed(tables, withoutTimes)
})
