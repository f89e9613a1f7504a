/**
 * From a receipt to the end of a message, in SQL; what is taken back; and a new stream.
 *
 * A receipt in which everything is `Ok` is one statement that deletes.
 */
import { Effect, Option } from "effect"
import type { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { type Answer, type MessageId, ok, type Outcome } from "../../protocol/delivery/Message.ts"
import type { Link, LinkFenced, RetryStore, Settled } from "../../services/delivery/RetryStore.ts"
import { reader } from "../SqlRow.ts"
import { outcomeText } from "./OutcomeText.ts"
import { AnsweredRow, HeadRow, owned, PostponedRow, SettledRow } from "./SqlRows.ts"

const readSettled = reader(SettledRow)
const readAnswered = reader(AnsweredRow)
const readHeads = reader(HeadRow)
const readPostponed = reader(PostponedRow)

type Later = Extract<Outcome, { readonly _tag: "Later" }>

/** A message that goes back, and until when it waits. */
interface Postponed {
  readonly row: typeof AnsweredRow.Type
  readonly outcome: Later
  readonly putOff: number
  readonly dueAt: number
}

export const make = (sql: SqlClient.SqlClient): Pick<RetryStore["Service"], "settle" | "restart"> => {
  /**
   * Deletes what has a number up to `upTo`; returns the bodies of `protocols` and of the numbers in `answered`. Where
   * nobody learns anything from it the commit is not forced to the disk: what a crash brings back is settled again.
   */
  const remove = (
    link: Link,
    upTo: bigint,
    protocols: ReadonlyArray<string>,
    answered: ReadonlyArray<bigint>,
    forced: boolean
  ) =>
    Effect.map(
      owned(
        link,
        sql<{ readonly id: string | null }>`
          WITH mine AS (
            SELECT id, receipted, least(last, ${upTo}::bigint) AS final,
              CASE WHEN ${!forced}::boolean THEN set_config('synchronous_commit', 'off', true) END AS commit
            FROM holdfast_links WHERE peer = ${link.peer} AND epoch = ${link.epoch} FOR UPDATE
          ), gone AS (
            DELETE FROM holdfast_outbox o
            WHERE o.link = (SELECT id FROM mine) AND o.seq IS NOT NULL
              AND o.seq > (SELECT receipted FROM mine) AND o.seq <= (SELECT final FROM mine)
            RETURNING o.seq, o.id, o.protocol, o.subject, o.body, o.void
          ), moved AS (
            UPDATE holdfast_links l SET receipted = mine.final FROM mine
            WHERE l.id = mine.id AND mine.final > mine.receipted
          )
          SELECT mine.commit, gone.seq, gone.id, gone.protocol, gone.subject, gone.body
          FROM mine LEFT JOIN gone ON NOT gone.void
            AND (gone.protocol = ANY(${protocols}::text[]) OR gone.seq = ANY(${answered}::bigint[]))
          ORDER BY gone.seq`
      ),
      (rows) => readSettled(rows.filter((row) => row.id !== null))
    )

  /** The answered messages that are still under way, and what each would have to wait for. */
  const answered = (link: Link, upTo: bigint, seqs: ReadonlyArray<bigint>) =>
    Effect.map(
      owned(
        link,
        sql<{ readonly id: string | null }>`
          WITH mine AS (
            SELECT id, receipted, least(last, ${upTo}::bigint) AS final FROM holdfast_links
            WHERE peer = ${link.peer} AND epoch = ${link.epoch} FOR UPDATE
          ), answered AS (
            SELECT o.seq, o.id, o.place, o.protocol, o.subject, o.put_off, o.void,
              (
                SELECT max(w.due_at) FROM holdfast_outbox w
                WHERE w.link = o.link AND w.protocol = o.protocol AND w.subject = o.subject AND w.waiting
                  AND w.place < o.place
              ) AS waits_until,
              EXISTS (
                SELECT FROM holdfast_outbox w
                WHERE w.link = o.link AND w.protocol = o.protocol AND w.subject = o.subject AND w.waiting
                  AND w.place > o.place
              ) AS followed
            FROM holdfast_outbox o
            WHERE o.link = (SELECT id FROM mine) AND o.seq IS NOT NULL AND o.seq = ANY(${seqs}::bigint[])
              AND o.seq > (SELECT receipted FROM mine) AND o.seq <= (SELECT final FROM mine)
          )
          SELECT answered.* FROM mine LEFT JOIN answered ON true ORDER BY answered.seq`
      ),
      (rows) => readAnswered(rows.filter((row) => row.id !== null))
    )

  /** What is known of the messages that others are said to be behind. */
  const heads = (link: Link, ids: ReadonlyArray<MessageId>) =>
    Effect.map(
      sql`
        SELECT head.id, head.waiting, head.due_at FROM unnest(${ids}::uuid[]) AS given(id)
        CROSS JOIN LATERAL (
          SELECT o.id, o.link, o.waiting, o.due_at FROM holdfast_outbox o WHERE o.id = given.id LIMIT 1
        ) AS head
        WHERE head.link = (SELECT id FROM holdfast_links WHERE peer = ${link.peer})`,
      (rows): ReadonlyMap<MessageId, typeof HeadRow.Type> => new Map(readHeads(rows).map((head) => [head.id, head]))
    )

  /** Takes the numbers of postponed messages back; whatever waits behind them waits at least as long. */
  const postpone = Effect.fnUntraced(function* (link: Link, later: ReadonlyArray<Postponed>) {
    const seqs = later.map(({ row }) => row.seq)
    const rows = yield* sql`
      UPDATE holdfast_outbox o
      SET seq = NULL, waiting = true,
        put_off = (${later.map(({ putOff }) => putOff)}::integer[])[width_bucket(o.seq, ${seqs}::bigint[])],
        due_at = (${later.map(({ dueAt }) => BigInt(dueAt))}::bigint[])[width_bucket(o.seq, ${seqs}::bigint[])],
        last_outcome = (${later.map(({ outcome }) => outcomeText(outcome))}::text[])[width_bucket(o.seq, ${seqs}::bigint[])]
      WHERE o.link = (SELECT id FROM holdfast_links WHERE peer = ${link.peer}) AND o.seq IS NOT NULL
        AND o.seq = ANY(${seqs}::bigint[]) AND NOT o.void
      RETURNING o.id, o.protocol, o.subject, o.body`
    for (const { row, dueAt } of later) {
      if (!row.followed) continue
      yield* sql`
        UPDATE holdfast_outbox SET due_at = ${BigInt(dueAt)}::bigint
        WHERE link = (SELECT id FROM holdfast_links WHERE peer = ${link.peer})
          AND protocol = ${row.protocol} AND subject = ${row.subject} AND waiting
          AND place > ${row.place} AND due_at < ${BigInt(dueAt)}::bigint`
    }
    const seqOf = new Map(later.map(({ row }) => [row.id, row.seq]))
    return readPostponed(rows).map((row) => ({ ...row, seq: seqOf.get(row.id) ?? 0n }))
  })

  /** What was taken back while the peer put it on hold: only a void one under the next number ends that. */
  const renew = (link: Link, seqs: ReadonlyArray<bigint>, outcomes: ReadonlyArray<Outcome>) => sql`
    UPDATE holdfast_outbox o
    SET seq = NULL,
      last_outcome = (${outcomes.map(outcomeText)}::text[])[width_bucket(o.seq, ${seqs}::bigint[])]
    WHERE o.link = (SELECT id FROM holdfast_links WHERE peer = ${link.peer}) AND o.seq IS NOT NULL
      AND o.seq = ANY(${seqs}::bigint[])`

  const settleAnswered = Effect.fnUntraced(function* (
    link: Link,
    upTo: bigint,
    answers: ReadonlyArray<Answer>,
    options: Parameters<RetryStore["Service"]["settle"]>[2]
  ): Effect.fn.Return<ReadonlyArray<Settled>, SqlError | LinkFenced> {
    const outcomes = new Map(answers.map(({ seq, outcome }) => [seq, outcome]))
    const rows = yield* answered(link, upTo, [...outcomes.keys()])
    const behind = answers.flatMap(({ outcome }) => (outcome._tag === "Later" ? (outcome.behind ?? []) : []))
    const known = behind.length === 0 ? new Map() : yield* heads(link, [...new Set(behind)])
    const later = decide(rows, outcomes, known, options)
    const postponed = later.length === 0 ? [] : yield* postpone(link, later)
    // Whatever of them still has its number is void by now, perhaps since it was read above.
    const held = rows.flatMap(({ seq }) => {
      const outcome = outcomes.get(seq)
      return outcome?._tag === "Later" ? [{ seq, outcome }] : []
    })
    if (postponed.length < held.length) {
      yield* renew(
        link,
        held.map(({ seq }) => seq),
        held.map(({ outcome }) => outcome)
      )
    }
    const gone = yield* remove(link, upTo, options.bodies, [...outcomes.keys()], true)
    const dueAt = new Map(later.map(({ row, dueAt }) => [row.seq, dueAt]))
    return [...postponed, ...gone]
      .sort((a, b) => (a.seq < b.seq ? -1 : 1))
      .map(({ seq, ...message }) => ({
        ...message,
        outcome: outcomes.get(seq) ?? ok,
        ...(dueAt.has(seq) ? { dueAt: dueAt.get(seq) } : {})
      }))
  })

  return {
    settle: (link, receipt, options) => {
      const answers = receipt.answers.filter(({ outcome }) => outcome._tag !== "Ok")
      return answers.length === 0
        ? Effect.flatMap(Effect.serviceOption(sql.transactionService), (open) => {
            const forced = options.bodies.length > 0 || Option.isSome(open)
            return Effect.map(remove(link, receipt.upTo, options.bodies, [], forced), (rows) =>
              rows.map(({ id, protocol, subject, body }): Settled => ({ id, protocol, subject, body, outcome: ok }))
            )
          })
        : sql.withTransaction(settleAnswered(link, receipt.upTo, answers, options))
    },

    restart: (link, stream, position) =>
      Effect.asVoid(
        owned(
          link,
          sql`
            WITH mine AS (
              SELECT id, greatest(receipted, least(last, ${position}::bigint)) AS final FROM holdfast_links
              WHERE peer = ${link.peer} AND epoch = ${link.epoch} FOR UPDATE
            ), gone AS (
              DELETE FROM holdfast_outbox o
              WHERE o.link = (SELECT id FROM mine) AND o.seq IS NOT NULL AND o.seq <= (SELECT final FROM mine)
            ), back AS (
              UPDATE holdfast_outbox o SET seq = NULL, last_outcome = NULL
              WHERE o.link = (SELECT id FROM mine) AND o.seq IS NOT NULL AND o.seq > (SELECT final FROM mine)
            )
            UPDATE holdfast_links l
            SET stream = ${stream}::uuid, last = 0, receipted = 0, receipted_before = l.receipted_before + mine.final
            FROM mine WHERE l.id = mine.id
            RETURNING l.id`
        )
      )
  }
}

/** Which messages go back, and until when each waits, in the order of their numbers. */
const decide = (
  rows: ReadonlyArray<typeof AnsweredRow.Type>,
  outcomes: ReadonlyMap<bigint, Outcome>,
  heads: ReadonlyMap<MessageId, typeof HeadRow.Type>,
  { now, wait }: { readonly now: number; readonly wait: (putOff: number, retryAfterMillis: number) => number }
): ReadonlyArray<Postponed> => {
  const later = new Map<MessageId, Postponed>()
  for (const row of rows) {
    const outcome = outcomes.get(row.seq)
    if (outcome?._tag !== "Later" || row.void) continue
    const putOff = row.put_off + (outcome.behind === undefined ? 1 : 0)
    const head = outcome.behind === undefined ? undefined : heads.get(outcome.behind)
    let dueAt = now
    if (head === undefined) dueAt = now + wait(putOff, outcome.retryAfterMillis)
    else if (later.has(head.id)) dueAt = later.get(head.id)?.dueAt ?? now
    else if (head.waiting) dueAt = head.due_at
    if (row.waits_until !== null) dueAt = Math.max(dueAt, row.waits_until)
    for (const { row: other, dueAt: due } of later.values()) {
      const same = other.subject === row.subject && other.protocol === row.protocol
      if (same && other.place < row.place) dueAt = Math.max(dueAt, due)
    }
    later.set(row.id, { row, outcome, putOff, dueAt })
  }
  return [...later.values()]
}
