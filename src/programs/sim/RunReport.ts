/**
 * What a campaign has shown, as a table for people and as data.
 */
import type { Totals } from "../../testing/campaign/Campaign.ts"
import { lasting, list, printable, table } from "../cli/Table.ts"
import { bold, green, red, yellow } from "../cli/Style.ts"
import type { Failed } from "./Campaigning.ts"
import * as Wilson from "./Wilson.ts"

export interface Report {
  readonly scenario: string
  readonly profile: string
  /** What to type to run the same seeds. */
  readonly seeds: string
  readonly complete: boolean
  readonly jobs: number
  readonly runs: number
  readonly failed: number
  readonly hopeless: number
  readonly distinctHashes: number
  readonly events: number
  readonly seconds: number
  readonly seedsPerSecond: number
  readonly eventsPerSecond: number
  readonly virtualMillis: number
  /** Virtual time passed so many times faster than real time. */
  readonly timesRealTime: number
  readonly sometimes: ReadonlyArray<{
    readonly name: string
    readonly runs: number
    /** The share of runs lies in here, with 95 % certainty. */
    readonly interval: readonly [low: number, high: number]
  }>
  /** Faults of each kind that had an effect. */
  readonly faults: Readonly<Record<string, number>>
  readonly figures: Readonly<Record<string, number>>
  readonly failures: ReadonlyArray<Failed>
  /** Declared, and never seen in 200 runs or more. */
  readonly missing: ReadonlyArray<string>
  readonly exitCode: number
}

const fault = /^fault: /

/** The report of these totals after so many milliseconds. */
export const report = (
  totals: Totals,
  millis: number,
  more: Pick<Report, "scenario" | "profile" | "seeds" | "complete" | "jobs" | "failures" | "missing" | "exitCode">
): Report => {
  const seconds = millis / 1_000
  const each = Object.entries(totals.figures)
  return {
    ...more,
    runs: totals.runs,
    // Two runs that differ are a failure whatever their verdict is.
    failed: more.failures.length,
    hopeless: totals.hopeless,
    distinctHashes: totals.distinctHashes,
    events: totals.events,
    seconds,
    seedsPerSecond: totals.runs / seconds,
    eventsPerSecond: totals.events / seconds,
    virtualMillis: totals.virtualMillis,
    timesRealTime: totals.virtualMillis / millis,
    sometimes: Object.entries(totals.sometimes).map(([name, runs]) => ({
      name,
      runs,
      interval: Wilson.interval(runs, totals.runs)
    })),
    faults: Object.fromEntries(
      each.flatMap(([name, times]) => (fault.test(name) ? [[name.replace(fault, ""), times]] : []))
    ),
    figures: Object.fromEntries(each.filter(([name]) => !fault.test(name)))
  }
}

const count = (n: number): string => Math.round(n).toLocaleString("en")
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

const verdict = ({ complete, failed, missing, runs }: Report): string => {
  if (runs === 0) return yellow("nothing was run")
  if (failed > 0) return red(`${count(failed)} failed`)
  if (missing.length > 0) return red(`never seen: ${missing.map(printable).join(", ")}`)
  return complete ? green("everything held") : yellow("everything held so far")
}

const summary = (report: Report): string =>
  list([
    ["Scenario", `${printable(report.scenario)}, profile ${report.profile}, seeds ${report.seeds}`],
    ["Verdict", verdict(report)],
    [
      "Seeds",
      `${count(report.runs)}${report.complete ? "" : " (not all)"}: ${count(report.failed)} failed, ` +
        `${count(report.hopeless)} hopeless, ${count(report.distinctHashes)} distinct hashes`
    ],
    ["Events", `${count(report.events)}, ${count(report.eventsPerSecond)} a second`],
    [
      "Time",
      `${lasting(report.seconds * 1_000)} for ${lasting(report.virtualMillis)} of virtual time, ` +
        `${count(report.timesRealTime)} x real time, ${report.seedsPerSecond.toFixed(1)} seeds a second, ` +
        `${report.jobs} ${report.jobs === 1 ? "process" : "processes"}`
    ]
  ])

/** In as many columns as a line of 100 characters has. */
const columns = (cells: ReadonlyArray<string>): ReadonlyArray<string> => {
  const width = Math.max(...cells.map(({ length }) => length)) + 2
  const perLine = Math.max(1, Math.floor(100 / width))
  const lines: Array<string> = []
  for (let at = 0; at < cells.length; at += perLine)
    lines.push(
      `  ${cells
        .slice(at, at + perLine)
        .map((cell) => cell.padEnd(width))
        .join("")}`.trimEnd()
    )
  return lines
}

/** For people. */
export const text = (report: Report): string => {
  const { failures, faults, sometimes } = report
  const struck = Object.entries(faults).filter(([, times]) => times > 0)
  const idle = Object.entries(faults).flatMap(([name, times]) => (times === 0 ? [name] : []))
  return [
    summary(report),
    ...(sometimes.length === 0
      ? []
      : [
          "",
          table(
            ["SOMETIMES", "RUNS", "SHARE (95 %)"],
            sometimes.map(({ interval: [low, high], name, runs }) => [
              printable(name),
              count(runs),
              `${percent(low)} to ${percent(high)}`
            ])
          )
        ]),
    ...(struck.length === 0
      ? []
      : ["", bold("Faults that struck"), ...columns(struck.map(([name, times]) => `${name} ${count(times)}`))]),
    ...(struck.length === 0 || idle.length === 0 ? [] : ["", `No effect: ${idle.join(", ")}`]),
    ...failures.flatMap(({ replay, seed, words }) => [
      "",
      `${red(`seed ${seed}`)}  ${printable(words.split("\n", 1).join())}`,
      `  ${replay}`
    ])
  ].join("\n")
}
