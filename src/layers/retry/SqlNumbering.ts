/**
 * Numbers of the stream, in SQL.
 *
 * `take` is one statement, whatever the number of rows, and its text never changes: the database plans it once. That
 * plan must serve an empty outbox and one of a million rows, so rows are found by keys that an index has (an array of
 * them, or one at a time), never by a join whose size the planner has to guess.
 */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import type { Numbered } from "../../protocol/delivery/Message.ts"
import type { Window } from "../../protocol/delivery/Sequence.ts"
import type { Link, RetryStore } from "../../services/delivery/RetryStore.ts"
import { optional, reader } from "../SqlRow.ts"
import { NumberedRow, owned } from "./SqlRows.ts"

const readNumbered = reader(NumberedRow)

/** How many messages a second look passes over; the first one looks at no more than it may take. */
const stride = 1_024

/** The rows of a left join whose right side was there. */
const present = (rows: ReadonlyArray<{ readonly id: unknown }>): ReadonlyArray<unknown> =>
  rows.filter((row) => row.id !== null)

const bytesOf = (messages: ReadonlyArray<Numbered>): number => {
  let bytes = 0
  for (const message of messages) bytes += message.body.length
  return bytes
}

/** `passed` is told how many messages got their numbers. */
export const make = (
  sql: SqlClient.SqlClient,
  passed: (count: number) => void
): Pick<RetryStore["Service"], "take" | "numbered"> => {
  /**
   * One look at the next messages: what is ready, in order, and what has waited long enough. Of the ready ones those
   * behind a waiting message of their subject join its wait instead, so that no later look meets them again.
   */
  const look = (link: Link, room: Window, scan: number, now: number) => sql<{
    readonly id: string | null
    readonly behind: bigint
    readonly looked: bigint
    readonly left: boolean
    readonly due_at: bigint | null
  }>`
    WITH mine AS (
      SELECT id, last FROM holdfast_links WHERE peer = ${link.peer} AND epoch = ${link.epoch} FOR UPDATE
    ), ready AS MATERIALIZED (
      SELECT o.place, octet_length(o.body) AS bytes,
        EXISTS (SELECT FROM holdfast_outbox w WHERE w.link = (SELECT id FROM mine) AND w.waiting)
        AND EXISTS (
          SELECT FROM holdfast_outbox w
          WHERE w.link = o.link AND w.protocol = o.protocol AND w.subject = o.subject AND w.waiting
            AND w.place < o.place AND w.due_at > ${BigInt(now)}::bigint
        ) AS behind
      FROM holdfast_outbox o
      WHERE o.link = (SELECT id FROM mine) AND o.seq IS NULL AND NOT o.waiting
      ORDER BY o.place LIMIT ${scan} FOR UPDATE
    ), due AS MATERIALIZED (
      SELECT o.place, octet_length(o.body) AS bytes
      FROM holdfast_outbox o
      WHERE o.link = (SELECT id FROM mine) AND o.waiting AND o.due_at <= ${BigInt(now)}::bigint
      ORDER BY o.place LIMIT ${room.messages} FOR UPDATE
    ), next AS (
      SELECT place, bytes FROM ready WHERE NOT behind
      UNION ALL
      SELECT place, bytes FROM due
      WHERE (SELECT count(*) FROM ready) < ${scan} OR place < (SELECT max(place) FROM ready)
      ORDER BY place LIMIT ${room.messages}
    ), ranked AS (
      SELECT place, sum(bytes) OVER (ORDER BY place) - bytes AS before FROM next
    ), taken AS MATERIALIZED (
      SELECT array_agg(place ORDER BY place) AS places FROM ranked WHERE before < ${BigInt(room.bytes)}
    ), from_ready AS (
      UPDATE holdfast_outbox o
      SET seq = (SELECT last FROM mine) + width_bucket(o.place, (SELECT places FROM taken)), attempts = o.attempts + 1
      WHERE o.link = (SELECT id FROM mine) AND o.seq IS NULL AND NOT o.waiting
        AND o.place = ANY((SELECT places FROM taken)::bigint[])
      RETURNING o.seq, o.id, o.protocol, o.subject, o.body, o.void
    ), from_due AS (
      UPDATE holdfast_outbox o
      SET seq = (SELECT last FROM mine) + width_bucket(o.place, (SELECT places FROM taken)), attempts = o.attempts + 1,
        waiting = false
      WHERE o.link = (SELECT id FROM mine) AND o.waiting AND o.due_at <= ${BigInt(now)}::bigint
        AND o.place = ANY((SELECT places FROM taken)::bigint[])
      RETURNING o.seq, o.id, o.protocol, o.subject, o.body, o.void
    ), numbered AS (
      SELECT * FROM from_ready UNION ALL SELECT * FROM from_due
    ), moved AS (
      UPDATE holdfast_links SET last = last + cardinality((SELECT places FROM taken))
      WHERE id = (SELECT id FROM mine) AND (SELECT places FROM taken) IS NOT NULL
    ), joined AS (
      UPDATE holdfast_outbox o
      SET waiting = true, due_at = (
        SELECT max(w.due_at) FROM holdfast_outbox w
        WHERE w.link = o.link AND w.protocol = o.protocol AND w.subject = o.subject AND w.waiting AND w.place < o.place
      )
      WHERE o.link = (SELECT id FROM mine) AND o.seq IS NULL AND NOT o.waiting
        AND o.place = ANY(ARRAY(SELECT place FROM ready WHERE behind))
    )
    SELECT numbered.*, (SELECT count(*) FROM ready WHERE behind) AS behind, (SELECT count(*) FROM ready) AS looked,
      (SELECT count(*) FROM due) = ${room.messages}
        OR (SELECT count(*) FROM next) > coalesce(cardinality((SELECT places FROM taken)), 0) AS left,
      (
        SELECT min(w.due_at) FROM holdfast_outbox w
        WHERE w.link = (SELECT id FROM mine) AND w.waiting AND w.due_at > ${BigInt(now)}::bigint
      ) AS due_at
    FROM mine LEFT JOIN numbered ON true ORDER BY seq`

  const take = Effect.fnUntraced(function* (link: Link, room: Window, now: number) {
    let taken: ReadonlyArray<Numbered> = []
    let messages = room.messages
    let bytes = room.bytes
    let scan = messages
    while (true) {
      const rows = yield* owned(link, look(link, { messages, bytes }, scan, now))
      const found = readNumbered(present(rows))
      passed(found.length)
      taken = taken.length === 0 ? found : [...taken, ...found]
      messages -= found.length
      bytes -= bytesOf(found)
      const [first] = rows
      const mayBeMore = first?.left === true || first?.looked === BigInt(scan)
      // Messages that joined a wait took room from others: look again.
      if (messages > 0 && bytes > 0 && first?.behind !== 0n && first?.looked === BigInt(scan)) {
        scan = Math.max(messages, stride)
        continue
      }
      const dueAt = optional(first?.due_at ?? null)
      return { messages: taken, next: mayBeMore ? now : dueAt === undefined ? undefined : Number(dueAt) }
    }
  })

  const numbered = (link: Link, after: bigint, room: Window) =>
    Effect.map(
      owned(
        link,
        sql<{ readonly id: string | null }>`
          WITH mine AS (SELECT id FROM holdfast_links WHERE peer = ${link.peer} AND epoch = ${link.epoch}),
          next AS (
            SELECT *, sum(octet_length(body)) OVER (ORDER BY seq) - octet_length(body) AS before
            FROM (
              SELECT seq, id, protocol, subject, body, void FROM holdfast_outbox
              WHERE link = (SELECT id FROM mine) AND seq IS NOT NULL AND seq > ${after}
              ORDER BY seq LIMIT ${room.messages}
            ) AS first
          )
          SELECT next.seq, next.id, next.protocol, next.subject, next.body, next.void
          FROM mine LEFT JOIN next ON next.before < ${BigInt(room.bytes)} ORDER BY next.seq`
      ),
      (rows): ReadonlyArray<Numbered> => readNumbered(present(rows))
    )

  return { take, numbered }
}
