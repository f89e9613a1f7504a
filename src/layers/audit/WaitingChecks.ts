/**
 * The checks of what waits: messages past their time, parked or untold ones, events without a position, timers, the
 * lease of the owner. Times in the rows are the node's, but for the lease, which is the database's.
 */
import { Schema } from "effect"
import type { SqlClient } from "effect/sql"
import { MessageId } from "../../protocol/delivery/Message.ts"
import { Int8Number } from "../SqlRow.ts"
import { type AuditCheck, check, restore, rowLimit } from "./Check.ts"

/** What upkeep and publishers may be late by, in milliseconds. */
const patience = 60_000
/** Events looked at from the newest one back; older ones do not change any more. */
const recentEvents = 100_000
/** Tries after which a timer is said to fail. */
const manyAttempts = 3

const log = "See the node's log for why, and start it again if it does not say."

const OverdueRow = Schema.Struct({ id: MessageId, deadline: Int8Number })
const EventRow = Schema.Struct({ id: Schema.BigInt, kind: Schema.String })
const UnpublishedRow = Schema.Struct({ events: Int8Number, oldest: Int8Number })
const FeedRow = Schema.Struct({
  newest: Schema.BigInt,
  first: Schema.BigInt,
  last: Schema.BigInt,
  events: Schema.BigInt
})
const TimerRow = Schema.Struct({
  id: Schema.String,
  protocol: Schema.String,
  late: Int8Number,
  attempts: Schema.Int,
  last_failure: Schema.NullOr(Schema.String)
})
const LeaseRow = Schema.Struct({ agent: Schema.String, late: Int8Number })
const EndedRow = Schema.Struct({ id: MessageId, peer: Schema.String, protocol: Schema.String })

const seconds = (millis: number): string => `${Math.round(millis / 1_000)} s`

const events = (sql: SqlClient.SqlClient, now: number): ReadonlyArray<AuditCheck> => [
  check(
    "the subjects of events",
    sql`
      SELECT id, kind FROM holdfast_events
      WHERE (position IS NULL OR position > (SELECT newest FROM holdfast_feed) - ${recentEvents}::bigint)
        AND protocol = '' AND subject = ''
      ORDER BY id LIMIT ${rowLimit}`,
    EventRow,
    ({ id, kind }) => ({
      kind: "event-without-subject",
      about: `event ${id}`,
      detail: `an event of the kind "${kind}" is of no protocol and has no subject`,
      fix: "Whatever appends it must say what it is about: readers cannot tell. The event itself does no harm."
    })
  ),
  check(
    "events without a position",
    sql`
      SELECT count(*) AS events, min(at) AS oldest FROM holdfast_events
      WHERE position IS NULL AND at < ${BigInt(now - patience)}::bigint HAVING count(*) > 0`,
    UnpublishedRow,
    ({ events, oldest }) => ({
      kind: "event-unpublished",
      about: "holdfast_events",
      detail: `${events} events are committed and not published, the oldest for ${seconds(now - oldest)}`,
      fix: log
    })
  ),
  check(
    "the positions of events",
    sql`
      SELECT * FROM (
        SELECT f.newest, coalesce(min(e.position), f.newest + 1) AS first, coalesce(max(e.position), f.newest) AS last,
          count(e.position) AS events
        FROM holdfast_feed f LEFT JOIN holdfast_events e
          ON e.position IS NOT NULL AND e.position > f.newest - ${recentEvents}::bigint
        GROUP BY f.newest
      ) AS feed
      WHERE last <> newest OR events <> newest - first + 1 LIMIT ${rowLimit}`,
    FeedRow,
    ({ events, first, last, newest }) => ({
      kind: "feed-position",
      about: "holdfast_events",
      detail: `the newest position given is ${newest}, and there are ${events} events from ${first} to ${last}`,
      fix: `Readers that go on from a position may miss events: let them read anew. ${restore}`
    })
  )
]

const timers = (sql: SqlClient.SqlClient, now: number): ReadonlyArray<AuditCheck> => [
  check(
    "timers",
    sql`
      SELECT * FROM (
        SELECT id, protocol, attempts, last_failure,
          ${BigInt(now)}::bigint - next_at
            + CASE WHEN steady THEN coalesce((SELECT ahead FROM holdfast_steady_time), 0) ELSE 0 END AS late
        FROM holdfast_timers
      ) AS timer
      WHERE late > ${BigInt(patience)}::bigint OR attempts >= ${manyAttempts}
      ORDER BY late DESC LIMIT ${rowLimit}`,
    TimerRow,
    ({ attempts, id, last_failure, late, protocol }) => {
      const about = `timer ${id}`
      return late > patience
        ? { kind: "timer-overdue", about, detail: `a timer of "${protocol}" is ${seconds(late)} past due`, fix: log }
        : {
            kind: "timer-failing",
            about,
            detail: `a timer of "${protocol}" was tried ${attempts} times: ${last_failure ?? "it ended its process"}`,
            fix: "Mend what its handler needs: it is tried again by itself."
          }
    }
  ),
  // Judged by when this snapshot was taken: the owner goes on renewing it while the audit reads.
  check(
    "the lease of the owner",
    sql`
      SELECT agent::text AS agent, ceil(extract(epoch FROM now() - lease_until) * 1000)::bigint AS late
      FROM holdfast_lease WHERE NOT given_up AND lease_until < now() LIMIT ${rowLimit}`,
    LeaseRow,
    ({ agent, late }) => ({
      kind: "lease-expired",
      about: `agent ${agent}`,
      detail: `the lease of the process that owns the node ended ${seconds(late)} ago`,
      fix: "That process stands still or has lost its database: see its log, and end it if it does not come back."
    })
  )
]

const messages = (sql: SqlClient.SqlClient, now: number): ReadonlyArray<AuditCheck> => [
  check(
    "deadlines",
    sql`
      SELECT id, deadline FROM holdfast_outbox
      WHERE deadline IS NOT NULL AND NOT void AND deadline < ${BigInt(now - patience)}::bigint
      ORDER BY deadline LIMIT ${rowLimit}`,
    OverdueRow,
    ({ deadline, id }) => ({
      kind: "deadline-passed",
      about: `message ${id}`,
      detail: `its time was over ${seconds(now - deadline)} ago and it is still owed`,
      fix: `Take it back with: holdfast outbox drop ${id}. ${log}`
    })
  ),
  check(
    "parked messages",
    sql`SELECT id, peer, protocol FROM holdfast_parked ORDER BY at, id LIMIT ${rowLimit}`,
    EndedRow,
    ({ id, peer, protocol }) => ({
      kind: "message-parked",
      about: `message ${id}`,
      detail: `a message of "${protocol}" from ${peer} crashed its handler and was put aside`,
      fix: `See why with holdfast inbox parked, then: holdfast inbox retry ${id}, or holdfast inbox drop ${id}`
    })
  ),
  check(
    "messages whose end was not told",
    sql`SELECT id, peer, protocol FROM holdfast_untold ORDER BY at, id LIMIT ${rowLimit}`,
    EndedRow,
    ({ id, peer, protocol }) => ({
      kind: "message-untold",
      about: `message ${id}`,
      detail: `"${protocol}" could not take in what became of a message to ${peer}`,
      fix: "Mend what the protocol needs: it is told again when the node starts."
    })
  )
]

export const make = (sql: SqlClient.SqlClient, now: number): ReadonlyArray<AuditCheck> => [
  ...events(sql, now),
  ...messages(sql, now),
  ...timers(sql, now)
]
