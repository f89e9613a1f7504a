/**
 * The demo of credit when it is over: the same as lines for people and as data for programs.
 */
import * as Units from "../../../protocol/credit/Units.ts"
import type { Facts, Standings, Stop } from "./Facts.ts"
import { line, nameOf, relay, users, way } from "./Sites.ts"
import { failures } from "./Verdict.ts"

/** Amounts are decimal texts of milli-CHIP. */
export interface Summary {
  readonly ok: boolean
  /** What did not hold, one sentence each. */
  readonly failures: ReadonlyArray<string>
  readonly database: "pglite" | "postgresql"
  readonly seconds: number
  readonly invoices: number
  readonly payment: string | null
  readonly circle: string | null
  /** Where the lift of the payment stood when the relay was killed, at the relay afterwards, when the line was cut, and in the end. */
  readonly lift: {
    readonly killed: Standings | null
    readonly remembered: string | null
    readonly cut: Standings | null
    readonly settled: Standings
  }
  readonly tallies: ReadonlyArray<{
    readonly debtor: string
    readonly creditor: string
    readonly atDebtor: string | null
    readonly atCreditor: string | null
    readonly isQuiet: boolean
  }>
  readonly audits: Facts["audits"]
  readonly stops: ReadonlyArray<Stop>
  /** What the sites have left, if the demo has failed. */
  readonly folder?: string
}

const text = (units: bigint | undefined): string | null => (units === undefined ? null : String(units))

export const summary = (
  facts: Facts,
  about: { readonly database: Summary["database"]; readonly seconds: number; readonly folder: string }
): Summary => {
  const failed = failures(facts)
  const { audits, balances, circle, cutAt, invoices, killedAt, payment, remembered, settled, stops } = facts
  return {
    ok: failed.length === 0,
    failures: failed,
    database: about.database,
    seconds: about.seconds,
    invoices,
    payment: payment ?? null,
    circle: circle ?? null,
    lift: { killed: killedAt ?? null, remembered: remembered ?? null, cut: cutAt ?? null, settled },
    tallies: balances.map(({ atCreditor, atDebtor, creditor, debtor, isQuiet }) => ({
      debtor: users[debtor],
      creditor: users[creditor],
      atDebtor: text(atDebtor),
      atCreditor: text(atCreditor),
      isQuiet
    })),
    audits,
    stops,
    ...(failed.length === 0 ? {} : { folder: about.folder })
  }
}

const chip = (units: bigint | undefined): string => (units === undefined ? "-" : Units.format(units))

const row = (cells: ReadonlyArray<string>): string =>
  `  ${cells[0]!.padEnd(20)}${cells
    .slice(1)
    .map((cell) => cell.padStart(18))
    .join("")}`

const stood = (at: Standings | undefined): string =>
  way.map((site) => `${users[site]} ${at?.[site] ?? "unknown"}`).join(", ")

const indented = (lines: string): string =>
  lines
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n")

/** For people, as lines. */
export const lines = (facts: Facts, it: Summary): ReadonlyArray<string> => [
  row(["in CHIP", "at the debtor's", "at the creditor's"]),
  ...facts.balances.map((pair) => row([nameOf(pair), chip(pair.atDebtor), chip(pair.atCreditor)])),
  "",
  `  ${users[relay]}'s node killed: ${stood(facts.killedAt)}; afterwards it says ${facts.remembered ?? "nothing"}`,
  `  line ${line.map((site) => users[site]).join("–")} cut at the decision: ${stood(facts.cutAt)}`,
  `  in the end: ${stood(facts.settled)}; then ${facts.circle ?? "no"} for the circle`,
  "",
  ...it.audits.flatMap(({ site, text }) => [`  holdfast audit, ${users[site]}'s node:`, indented(text)]),
  "",
  it.ok
    ? `Passed in ${Math.round(it.seconds)} s: everything is settled, and the audit of all five sites is clean.`
    : `FAILED after ${Math.round(it.seconds)} s:\n${it.failures.map((failure) => `  - ${failure}`).join("\n")}`,
  ...(it.folder === undefined ? [] : [`Logs and databases are kept in ${it.folder}`])
]
