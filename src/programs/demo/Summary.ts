/**
 * The demo when it is over: the same figures as a table for people and as data for programs.
 */
import type { Direction, Totals } from "./Audit.ts"
import type { Fault } from "./Board.ts"
import { twice } from "./Contract.ts"
import { failures, type Outcome, type Stop } from "./Verdict.ts"

export interface Summary {
  readonly ok: boolean
  /** What did not hold, one sentence each. */
  readonly failures: ReadonlyArray<string>
  /** Messages committed by the senders, and those that took effect exactly once, in all directions together. */
  readonly sent: number
  readonly deliveredOnce: number
  readonly database: "pglite" | "postgresql"
  readonly seconds: number
  readonly totals: Totals
  readonly directions: ReadonlyArray<Direction>
  readonly faults: ReadonlyArray<Fault & { readonly interrupted: number }>
  readonly stops: ReadonlyArray<Stop>
  readonly notes: ReadonlyArray<string>
  /** What the nodes have left, if the demo has failed. */
  readonly folder?: string
}

const notes = [
  "Figures are read from the databases of stopped nodes: ledgers of the senders against tables of the receivers, whose " +
    "handler inserts plainly, without a key.",
  "Duplicates hardly happen by themselves, because after a break both sides first say where they stand. The nodes of " +
    `the demo therefore send every ${twice}th batch twice; the receivers know nothing of it.`,
  "Right before a fault a node concerned sends 25 messages to each other one at once, so that the fault finds some on " +
    "their way."
]

export const summary = (
  outcome: Outcome,
  about: { readonly database: Summary["database"]; readonly seconds: number; readonly folder: string }
): Summary => {
  const { audited, faults, stops } = outcome
  const failed = failures(outcome)
  return {
    ok: failed.length === 0,
    failures: failed,
    sent: audited.totals.sent,
    deliveredOnce: audited.totals.deliveredOnce,
    database: about.database,
    seconds: about.seconds,
    totals: audited.totals,
    directions: audited.directions,
    faults: faults.map((fault, index) => ({ ...fault, interrupted: audited.interrupted[index] ?? 0 })),
    stops,
    notes,
    ...(failed.length === 0 ? {} : { folder: about.folder })
  }
}

const number = (n: number | undefined): string => (n === undefined ? "-" : n.toLocaleString("en"))
const millis = (n: number | undefined): string => (n === undefined ? "-" : `${n.toLocaleString("en")} ms`)

const columns = ["", "sent", "once", "lost", "doubled", "duplicates suppressed", "reconnects", "p50", "p99"]

const cells = (name: string, row: Direction | Totals): ReadonlyArray<string> => [
  name,
  ...[row.sent, row.deliveredOnce, row.lost, row.doubled + row.foreign, row.duplicatesSuppressed, row.reconnects].map(
    number
  ),
  millis(row.p50),
  millis(row.p99)
]

const table = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)))
  return rows.map((row) =>
    row.map((cell, index) => (index === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[index]!))).join("  ")
  )
}

const faultLine = ({ at, interrupted, kind, nodes, owed, recovered, until }: Summary["faults"][number]): string => {
  const seconds = (from: number, to: number | undefined) =>
    to === undefined ? "never" : `${((to - from) / 1_000).toFixed(1)} s`
  return (
    `  ${kind} ${nodes.join("-")}: ${number(owed)} owed at that moment, ${number(interrupted)} messages interrupted; ` +
    `undone after ${seconds(at, until)}, sessions back after ${seconds(at, recovered)}`
  )
}

/** For people, as lines. */
export const text = (it: Summary): ReadonlyArray<string> => [
  ...table([columns, ...it.directions.map((row) => cells(`${row.from} -> ${row.to}`, row)), cells("all", it.totals)]),
  "",
  `  p99 of messages that no fault stood in the way of: ${millis(it.totals.p99Undisturbed)}`,
  ...it.faults.map(faultLine),
  "",
  ...it.notes.map((note) => `  ${note}`),
  "",
  it.ok
    ? `Passed in ${Math.round(it.seconds)} s: ${number(it.deliveredOnce)} of ${number(it.sent)} committed messages took effect exactly once.`
    : `FAILED after ${Math.round(it.seconds)} s:\n${it.failures.map((failure) => `  - ${failure}`).join("\n")}`,
  ...(it.folder === undefined ? [] : [`Logs and databases are kept in ${it.folder}`])
]
