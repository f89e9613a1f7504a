/**
 * Looks for what must not be in the database of a node, while the node runs: rows that belong to nothing, positions
 * that contradict each other, and what has waited for longer than it should; then what its protocols know to be wrong
 * with their own state.
 *
 * Everything is read in one snapshot, so that work under way is never mistaken for a contradiction. Nothing is changed.
 */
import { Context, Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"

/** What a protocol may call what it finds. */
export const findingName = /^[a-z0-9][a-z0-9-]{0,63}$/

/** What a protocol has found in its own state: its name, and its own short name of that. */
export const ProtocolFindingKind = Schema.TemplateLiteral([Schema.String, "/", Schema.String]).check(
  Schema.isPattern(/^[a-z0-9][a-z0-9.-]{0,63}\/[a-z0-9][a-z0-9-]{0,63}$/)
)

/** What the node has found, whatever protocols it runs. */
export const NodeFindingKind = Schema.Literals([
  /** Rows of a link that does not exist. */
  "rows-without-link",
  /** More is receipted than was ever numbered. */
  "receipted-beyond-last",
  /** A message has a number that was never given. */
  "number-beyond-last",
  /** A message has a number that is receipted already. */
  "number-receipted",
  /** Of the numbers that are under way some have no message. */
  "number-missing",
  /** Two messages have the same number. */
  "number-twice",
  /** An answer is kept that the sender has confirmed, or one to what has not arrived. */
  "answer-confirmed",
  "answer-beyond-position",
  /** The messages that wait at this receiver are not as many as its link says, or have not arrived. */
  "held-miscounted",
  "held-beyond-position",
  /** A message is still owed although its time is over. */
  "deadline-passed",
  /** An event of the node itself does not say what it is about. */
  "event-without-subject",
  /** An event was committed long ago and has no position yet. */
  "event-unpublished",
  /** Positions of the feed are missing, or beyond the newest one given. */
  "feed-position",
  "timer-overdue",
  "timer-failing",
  /** Who owns the node has not renewed its lease. */
  "lease-expired",
  "message-parked",
  /** A message has ended, and its protocol could not take that in. */
  "message-untold",
  /** A protocol could not look at its own state. */
  "check-failed"
])

/** What a finding is about, for programs. */
export const FindingKind = Schema.Union([NodeFindingKind, ProtocolFindingKind])
export type FindingKind = typeof FindingKind.Type

export const Finding = Schema.Struct({
  kind: FindingKind,
  /** What it is about: a peer, a message, a timer, a table. */
  about: Schema.String,
  /** One sentence with the values in it. */
  detail: Schema.String,
  /** What to do. */
  fix: Schema.String
})
export type Finding = typeof Finding.Type

/** One check, and how many there are. */
export interface Check {
  readonly number: number
  readonly of: number
  /** What it looks at. */
  readonly what: string
}

export interface Report {
  readonly checks: number
  readonly findings: ReadonlyArray<Finding>
  /** Some check has found more than it tells. */
  readonly more: boolean
}

/** Findings of one check that are told at the most. */
export const maxFindings = 100

/** Makes the checks of an audit one after the other, inside the caller's transaction. */
export const perform = Effect.fnUntraced(function* <E, R>(
  checks: ReadonlyArray<{ readonly what: string; readonly run: Effect.Effect<ReadonlyArray<Finding>, E, R> }>,
  begin: (check: Check) => Effect.Effect<void>
): Effect.fn.Return<Report, E, R> {
  const findings: Array<Finding> = []
  let more = false
  for (const [index, { run, what }] of checks.entries()) {
    yield* begin({ number: index + 1, of: checks.length, what })
    const found = yield* run
    findings.push(...found.slice(0, maxFindings))
    more ||= found.length > maxFindings
  }
  return { checks: checks.length, findings, more }
})

export class Audit extends Context.Service<
  Audit,
  {
    /** Makes every check; `begin` is called before each of them. Must not be called inside a transaction. */
    readonly run: (begin: (check: Check) => Effect.Effect<void>) => Effect.Effect<Report, SqlError>
  }
>()("holdfast/services/delivery/Audit") {}
