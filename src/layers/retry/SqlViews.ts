/**
 * What is owed, to whom and until when, and what is taken back, in SQL.
 */
import { Effect, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { MessageId } from "../../protocol/delivery/Message.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"
import type { Expired, LinkTotals, Owed, RetryStore } from "../../services/delivery/RetryStore.ts"
import { optional, reader } from "../SqlRow.ts"
import { OwedRow, TotalsRow } from "./SqlRows.ts"

const readOwed = reader(OwedRow)
const readTotals = reader(TotalsRow)
const readPeers = reader(Schema.Struct({ peer: NodeKey }))
const readExpired = reader(Schema.Struct({ ...OwedRow.fields, body: Schema.Uint8Array }))
const readAttempts = reader(Schema.Struct({ id: MessageId, attempts: Schema.Int }))
const readSubjects = reader(Schema.Struct({ subject: Schema.String }))
const readTaken = reader(Schema.Struct({ peer: NodeKey, outcome: Schema.Literals(["cancelled", "unknown"]) }))

const owedOf = ({ created_at, due_at, deadline, last_outcome, seq, ...row }: typeof OwedRow.Type): Owed => ({
  ...row,
  createdAt: created_at,
  dueAt: due_at,
  deadline: optional(deadline),
  seq: optional(seq),
  lastOutcome: optional(last_outcome)
})

const totalsOf = ({ oldest_created_at, ...row }: typeof TotalsRow.Type): LinkTotals => ({
  ...row,
  oldestCreatedAt: optional(oldest_created_at)
})

/** `flush` writes what the open transaction has sent so far. */
export const make = (
  sql: SqlClient.SqlClient,
  flush: Effect.Effect<void, SqlError>
): Pick<RetryStore["Service"], "debtors" | "owed" | "waiting" | "attempts" | "totals" | "cancel" | "expire"> => {
  const owedColumns = sql.literal(
    "o.id, l.peer, o.protocol, o.subject, octet_length(o.body) AS bytes, o.created_at, o.due_at, o.deadline, o.seq, " +
      "o.attempts, o.last_outcome, o.void"
  )

  /**
   * Takes messages back. One that was never offered goes; one that was keeps its row as a void one, because the peer
   * may hold a place for it: under its number if it has one, else under the next. What had joined its wait (see
   * `take`) without one of its own waits no longer on its account.
   */
  const takeBack = (id: MessageId) =>
    Effect.map(
      sql`
        WITH message AS MATERIALIZED (
          SELECT link, protocol, subject, place, seq, waiting, last_outcome, seq IS NULL AND attempts = 0 AS unheard
          FROM holdfast_outbox WHERE id = ${id}::uuid AND NOT void FOR UPDATE
        ), gone AS (
          DELETE FROM holdfast_outbox WHERE id = ${id}::uuid AND (SELECT unheard FROM message)
        ), void AS (
          UPDATE holdfast_outbox SET void = true, body = ''::bytea, waiting = false, due_at = created_at
          WHERE id = ${id}::uuid AND NOT (SELECT unheard FROM message)
        ), freed AS (
          UPDATE holdfast_outbox w SET waiting = false, due_at = w.created_at
          WHERE (SELECT waiting FROM message) AND w.link = (SELECT link FROM message)
            AND w.protocol = (SELECT protocol FROM message) AND w.subject = (SELECT subject FROM message)
            AND w.place > (SELECT place FROM message) AND w.waiting AND (w.last_outcome IS NULL OR w.void)
        )
        SELECT (SELECT peer FROM holdfast_links WHERE id = link) AS peer,
          CASE WHEN unheard OR (seq IS NULL AND last_outcome IS NOT NULL) THEN 'cancelled' ELSE 'unknown' END AS outcome
        FROM message`,
      (rows) => readTaken(rows)[0]
    )

  const expire = Effect.fnUntraced(function* (now: number, limit: number, bodies: ReadonlyArray<string>) {
    const rows = readExpired(
      yield* sql`
        SELECT ${owedColumns}, CASE WHEN o.protocol = ANY(${bodies}::text[]) THEN o.body ELSE ''::bytea END AS body
        FROM holdfast_outbox o JOIN holdfast_links l ON l.id = o.link
        WHERE o.deadline IS NOT NULL AND NOT o.void AND o.deadline <= ${BigInt(now)}::bigint
        ORDER BY o.deadline, o.place LIMIT ${limit} FOR UPDATE OF o`
    )
    const expired: Array<Expired> = []
    for (const { body, ...row } of rows) {
      const taken = yield* takeBack(row.id)
      if (taken !== undefined) expired.push({ ...owedOf(row), outcome: taken.outcome, body })
    }
    return expired
  })

  return {
    // One look into each index per link; EXISTS would be planned as one join over everything that is owed.
    // By order only an index will do: to find any row the planner reads the whole table where it is nearly all one link's.
    debtors: (limit, after) =>
      Effect.map(
        sql`
          SELECT l.peer FROM holdfast_links l
          WHERE l.peer > ${after ?? ""} AND coalesce(
            (SELECT true FROM holdfast_outbox o WHERE o.link = l.id AND o.seq IS NULL AND NOT o.waiting ORDER BY o.place LIMIT 1),
            (SELECT true FROM holdfast_outbox o WHERE o.link = l.id AND o.seq IS NOT NULL ORDER BY o.seq LIMIT 1),
            (SELECT true FROM holdfast_outbox o WHERE o.link = l.id AND o.waiting ORDER BY o.due_at LIMIT 1)
          )
          ORDER BY l.peer LIMIT ${limit}`,
        (rows) => readPeers(rows).map(({ peer }) => peer)
      ),

    owed: ({ peer, after, limit }) =>
      Effect.map(
        sql`
          SELECT ${owedColumns} FROM holdfast_outbox o JOIN holdfast_links l ON l.id = o.link
          WHERE ${peer === undefined ? sql.literal("true") : sql`l.peer = ${peer}`}
            AND ${
              after === undefined
                ? sql.literal("true")
                : sql`o.place >= coalesce(
                    (SELECT place + 1 FROM holdfast_outbox WHERE id = ${after}::uuid),
                    (SELECT min(place) FROM holdfast_outbox WHERE id > ${after}::uuid)
                  )`
            }
          ORDER BY o.place LIMIT ${limit}`,
        (rows) => readOwed(rows).map(owedOf)
      ),

    waiting: (peer, protocol, subjects) =>
      Effect.andThen(
        flush,
        Effect.map(
          sql`
            SELECT DISTINCT subject FROM holdfast_outbox
            WHERE link = (SELECT id FROM holdfast_links WHERE peer = ${peer}) AND NOT void
              AND protocol = ${protocol} AND subject = ANY(${subjects}::text[])`,
          (rows) => new Set(readSubjects(rows).map(({ subject }) => subject))
        )
      ),

    attempts: (ids) =>
      Effect.map(
        sql`SELECT id, attempts FROM holdfast_outbox WHERE id = ANY(${ids}::uuid[])`,
        (rows) => new Map(readAttempts(rows).map(({ attempts, id }) => [id, attempts]))
      ),

    totals: (limit) =>
      Effect.map(
        sql`
          SELECT l.peer, coalesce(o.owed, 0) AS owed, o.oldest_created_at, l.receipted_before + l.receipted AS receipted,
            coalesce(a.received_before + a.position, 0) AS received, coalesce(a.duplicates, 0) AS duplicates
          FROM holdfast_links l
          LEFT JOIN holdfast_arrivals a ON a.link = l.id
          LEFT JOIN (
            SELECT link, count(*) AS owed, min(created_at) AS oldest_created_at FROM holdfast_outbox GROUP BY link
          ) AS o ON o.link = l.id
          ORDER BY l.peer LIMIT ${limit}`,
        (rows) => readTotals(rows).map(totalsOf)
      ),

    cancel: (id) => Effect.andThen(flush, takeBack(id)),

    expire: (now, limit, bodies = []) => sql.withTransaction(expire(now, limit, bodies))
  }
}
