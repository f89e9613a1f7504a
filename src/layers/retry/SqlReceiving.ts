/**
 * The receiver's half of the retry store in SQL: positions, answers, ids that were applied and ids that wait.
 *
 * A batch in which everything is plainly applied is two statements: `receiving`, which locks, and `received`.
 */
import { Effect, Schema } from "effect"
import type { SqlClient, Statement } from "effect/sql"
import { type MessageId, MessageId as MessageIdSchema } from "../../protocol/delivery/Message.ts"
import type { Link, ReceivedBatch, RetryStore } from "../../services/delivery/RetryStore.ts"
import { reader } from "../SqlRow.ts"
import { maxHeld } from "./OutcomeText.ts"
import { AnswerRow, fenced, HeldRow, outcomeToJson, owned, PositionsRow, ReceivingRow } from "./SqlRows.ts"

const readPositions = reader(PositionsRow)
const readReceiving = reader(ReceivingRow)
const readAnswers = reader(AnswerRow)
const readHeld = reader(HeldRow)
const readIds = reader(Schema.Struct({ id: MessageIdSchema }))

export const make = (
  sql: SqlClient.SqlClient
): Pick<RetryStore["Service"], "positions" | "receiving" | "applied" | "received" | "accuse" | "park" | "prune"> => {
  const positions = Effect.fnUntraced(function* (link: Link) {
    const [row] = readPositions(
      yield* sql`
        SELECT l.id, l.stream AS stream_out, l.last, l.receipted, a.stream AS stream_in, a.position, a.seen
        FROM holdfast_links l JOIN holdfast_arrivals a ON a.link = l.id
        WHERE l.peer = ${link.peer} AND l.epoch = ${link.epoch} AND a.epoch = ${link.epoch} FOR UPDATE`
    )
    if (row === undefined) return yield* fenced(link)
    // Only now, with the lock: a batch that was just being committed has written its answers.
    const answers = readAnswers(
      yield* sql`SELECT seq, outcome FROM holdfast_outcomes WHERE link = ${row.id} ORDER BY seq`
    )
    return {
      sending: { stream: row.stream_out, last: row.last, receipted: row.receipted },
      receiving: { stream: row.stream_in, position: row.position, seen: row.seen },
      answers
    }
  })

  const receiving = Effect.fnUntraced(function* (link: Link) {
    const [row] = readReceiving(
      yield* sql`
        SELECT a.link, a.stream, a.position, a.restarted, a.held
        FROM holdfast_arrivals a
        WHERE a.link = (SELECT id FROM holdfast_links WHERE peer = ${link.peer}) AND a.epoch = ${link.epoch} FOR UPDATE`
    )
    if (row === undefined) return yield* fenced(link)
    const held =
      row.held === 0
        ? []
        : readHeld(
            yield* sql`SELECT protocol, subject, id, seq FROM holdfast_held WHERE link = ${row.link} ORDER BY place`
          )
    return { stream: row.stream, position: row.position, restarted: row.restarted, held }
  })

  /**
   * A new stream: what the old one has brought counts as its own past from now on. Nothing is held any more: none of
   * the old stream is under way, and the sender keeps the order of what it numbers anew.
   */
  const adopt = (link: Link, stream: string) =>
    owned(
      link,
      sql`
        WITH mine AS (
          UPDATE holdfast_arrivals a
          SET stream = ${stream}::uuid, position = 0, seen = 0, restarted = a.restarted OR a.stream IS NOT NULL,
            received_before = a.received_before + a.position, held = 0
          WHERE a.link = (SELECT id FROM holdfast_links WHERE peer = ${link.peer}) AND a.epoch = ${link.epoch}
          RETURNING a.link
        ), answers AS (
          DELETE FROM holdfast_outcomes o WHERE o.link = (SELECT link FROM mine)
        ), held AS (
          DELETE FROM holdfast_held h WHERE h.link = (SELECT link FROM mine)
        ), past AS (
          UPDATE holdfast_applied p SET superseded = true
          WHERE p.link = (SELECT link FROM mine) AND p.stream <> ${stream}::uuid AND NOT p.superseded
        )
        SELECT link FROM mine`
    )

  const move = (link: Link, batch: ReceivedBatch, now: number) =>
    owned(
      link,
      sql<{ readonly link: number }>`
        WITH mine AS (
          UPDATE holdfast_arrivals a
          SET stream = ${batch.stream}::uuid, position = ${batch.position},
            seen = greatest(a.seen, ${batch.seen}::bigint), duplicates = a.duplicates + ${batch.duplicates}::bigint,
            fruitless = -1, suspect = NULL, accused = 0
          WHERE a.link = (SELECT id FROM holdfast_links WHERE peer = ${link.peer}) AND a.epoch = ${link.epoch}
            AND (${batch.after === undefined}::boolean
              OR a.stream = ${batch.after?.stream ?? batch.stream}::uuid
                AND a.position = ${batch.after?.position ?? 0n}::bigint AND a.held = 0)
          RETURNING a.link, a.seen
        ), known AS (
          INSERT INTO holdfast_applied (link, stream, last_seq, at, ids)
          SELECT mine.link, ${batch.stream}::uuid, ${batch.position}::bigint, ${BigInt(now)}::bigint, given.ids
          FROM mine, (SELECT ${batch.applied}::uuid[] AS ids) AS given WHERE cardinality(given.ids) > 0
        ), seen AS (
          DELETE FROM holdfast_outcomes o WHERE o.link = (SELECT link FROM mine) AND o.seq <= (SELECT seen FROM mine)
        ), answers AS (
          INSERT INTO holdfast_outcomes (link, seq, id, outcome)
          SELECT mine.link, given.seq, given.id, given.outcome::json
          FROM mine, unnest(
            ${batch.answers.map(({ seq }) => seq)}::bigint[], ${batch.answers.map(({ id }) => id)}::uuid[],
            ${batch.answers.map(({ outcome }) => outcomeToJson(outcome))}::text[]
          ) AS given(seq, id, outcome)
          WHERE given.seq > mine.seen
        )
        SELECT link FROM mine`
    )

  const hold = Effect.fnUntraced(function* (link: number, { held, released }: ReceivedBatch) {
    yield* sql`DELETE FROM holdfast_held WHERE link = ${link} AND id = ANY(${released}::uuid[])`
    yield* sql`
      INSERT INTO holdfast_held (link, id, protocol, subject, seq)
      SELECT ${link}::integer, given.id, given.protocol, given.subject, given.seq
      FROM unnest(
        ${held.map(({ id }) => id)}::uuid[], ${held.map(({ protocol }) => protocol)}::text[],
        ${held.map(({ subject }) => subject)}::text[], ${held.map(({ seq }) => seq)}::bigint[]
      ) WITH ORDINALITY AS given(id, protocol, subject, seq, n)
      WHERE given.n + (SELECT count(*) FROM holdfast_held WHERE link = ${link}) <= ${maxHeld}
        OR EXISTS (SELECT FROM holdfast_held h WHERE h.link = ${link} AND h.id = given.id)
      ORDER BY given.n
      ON CONFLICT (link, id) DO UPDATE SET seq = excluded.seq`
    yield* sql`
      UPDATE holdfast_arrivals SET held = (SELECT count(*) FROM holdfast_held WHERE link = ${link})
      WHERE link = ${link}`
  })

  const received = Effect.fnUntraced(function* (link: Link, batch: ReceivedBatch, now: number) {
    if (batch.adopts) yield* adopt(link, batch.stream)
    const [row] = yield* move(link, batch, now)
    if (row !== undefined && batch.held.length + batch.released.length > 0) yield* hold(row.link, batch)
  })

  const older = (before: number) => sql`
    SELECT ctid FROM holdfast_applied WHERE at < ${BigInt(before)}::bigint ORDER BY at`
  /** Of the stream that goes on: what its position has left behind by more than is kept. */
  const counted = (ids: number) => sql`
    SELECT p.ctid FROM holdfast_applied p JOIN holdfast_arrivals a ON a.link = p.link
    WHERE NOT p.superseded AND p.last_seq - cardinality(p.ids) < a.position - ${BigInt(ids)}::bigint`
  /** Of streams that are over: what there is no room for beside the newer ones and the stream that goes on. */
  const superseded = (ids: number) => sql`
    SELECT ctid FROM (
      SELECT p.ctid, a.position + sum(cardinality(p.ids)) OVER (
        PARTITION BY p.link ORDER BY p.at DESC, p.last_seq DESC, p.ctid
      ) AS newer
      FROM holdfast_applied p JOIN holdfast_arrivals a ON a.link = p.link WHERE p.superseded
    ) AS past WHERE newer > ${BigInt(ids)}::bigint`
  const forget = (rows: Statement.Fragment, limit: number) => sql`
    DELETE FROM holdfast_applied WHERE ctid IN (${rows} LIMIT ${limit}) RETURNING link`

  return {
    positions: (link) => sql.withTransaction(positions(link)),
    receiving,

    applied: (peer, ids, stream) =>
      Effect.map(
        sql`
          WITH mine AS (SELECT id FROM holdfast_links WHERE peer = ${peer}),
          asked AS MATERIALIZED (SELECT id FROM unnest(${ids}::uuid[]) AS given(id))
          SELECT past.id FROM (
            SELECT unnest(p.ids) AS id FROM holdfast_applied p
            WHERE p.superseded AND p.ids && ${ids}::uuid[] AND p.link = (SELECT id FROM mine)
          ) AS past WHERE past.id IN (SELECT id FROM asked)
          UNION
          SELECT present.id FROM (
            SELECT unnest(p.ids) AS id FROM holdfast_applied p
            WHERE p.link = (SELECT id FROM mine) AND NOT p.superseded
              AND p.stream IS DISTINCT FROM nullif(${stream ?? ""}, '')::uuid
          ) AS present WHERE present.id IN (SELECT id FROM asked)`,
        (rows): ReadonlySet<MessageId> => new Set(readIds(rows).map(({ id }) => id))
      ),

    received: (link, batch, now) => {
      const plain = !batch.adopts && batch.held.length + batch.released.length === 0
      return plain ? received(link, batch, now) : sql.withTransaction(received(link, batch, now))
    },

    accuse: (link, id, times) =>
      Effect.asVoid(
        owned(
          link,
          sql`
            UPDATE holdfast_arrivals a SET suspect = ${id}::uuid, accused = ${times}
            WHERE a.link = (SELECT id FROM holdfast_links WHERE peer = ${link.peer}) AND a.epoch = ${link.epoch}
            RETURNING a.link`
        )
      ),

    park: (peer, message, why, now) =>
      Effect.asVoid(sql`
        INSERT INTO holdfast_parked (peer, id, protocol, subject, body, why, at)
        VALUES (
          ${peer}, ${message.id}::uuid, ${message.protocol}, ${message.subject}, ${message.body},
          ${why.replaceAll("\u0000", "")}, ${BigInt(now)}
        )
        ON CONFLICT (peer, id) DO UPDATE SET why = excluded.why, at = excluded.at`),

    prune: Effect.fnUntraced(function* ({ before, ids, limit }) {
      let gone = 0
      for (const rows of [older(before), counted(ids), superseded(ids)]) {
        if (gone < limit) gone += (yield* forget(rows, limit - gone)).length
      }
      return gone
    })
  }
}
