/**
 * The figures of a whole run as one value for `--json`, and as tables for people.
 */
import type { Area, Curve, Findings } from "./Area.ts"
import type { Verdict } from "./Bars.ts"
import type { Machine } from "./Machine.ts"
import { type Measurement, ratio, type Summary, summary } from "./Measurement.ts"

export interface Row extends Measurement, Summary {}

/** How ours compares with another contender at the same work: above 1 ours is better. */
export interface Ratio extends Summary {
  readonly work: string
  readonly metric: string
  readonly ours: string
  readonly to: string
}

export interface AreaReport {
  readonly name: string
  readonly title: string
  readonly notes: ReadonlyArray<string>
  readonly measurements: ReadonlyArray<Row>
  readonly ratios: ReadonlyArray<Ratio>
  readonly verdicts: ReadonlyArray<Verdict>
  readonly curve: Curve | undefined
}

export interface Report {
  readonly machine: Machine
  readonly runs: number
  readonly quick: boolean
  readonly peers: boolean
  /** Load averages before the first and after the last run. */
  readonly load: { readonly before: ReadonlyArray<number>; readonly after: ReadonlyArray<number> }
  readonly areas: ReadonlyArray<AreaReport>
}

export const areaReport = (
  name: string,
  area: Area,
  { curve, measurements, notes = [], verdicts = [] }: Findings
): AreaReport => ({
  name,
  title: area.title,
  notes: [...area.notes, ...notes],
  verdicts,
  curve,
  measurements: measurements.map((measurement) => ({ ...measurement, ...summary(measurement.values) })),
  ratios: measurements
    .filter(({ contender }) => area.ours.includes(contender))
    .flatMap((ours) =>
      measurements
        .filter(
          ({ contender, metric, work }) =>
            work === ours.work && metric === ours.metric && !area.ours.includes(contender)
        )
        .map((theirs) => ({
          work: ours.work,
          metric: ours.metric,
          ours: ours.contender,
          to: theirs.contender,
          ...ratio(ours, theirs)
        }))
    )
})

/** Three digits that count, and thousands apart. */
export const digits = (value: number): string => {
  if (!Number.isFinite(value)) return "-"
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString("en")
  return value.toLocaleString("en", { maximumSignificantDigits: 3, minimumSignificantDigits: value === 0 ? 1 : 3 })
}

const range = ({ max, median, min }: Summary): string =>
  min === max ? digits(median) : `${digits(median)} (${digits(min)}-${digits(max)})`

/** Columns as wide as they must be, in Markdown, so that a table can go into a document as it is. */
const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => (row[column] ?? "").length)))
  const line = (row: ReadonlyArray<string>): string =>
    `| ${widths.map((w, i) => (row[i] ?? "").padEnd(w)).join(" | ")} |`
  const [head = [], ...body] = rows
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n")
}

/** One row per figure of a work, one column per name. */
const matrix = (
  rows: ReadonlyArray<Summary & { readonly work: string; readonly figure: string; readonly column: string }>
): string => {
  const columns = [...new Set(rows.map((row) => row.column))]
  const lines = new Map<string, Map<string, Summary>>()
  for (const row of rows) {
    const key = JSON.stringify([row.work, row.figure])
    lines.set(key, (lines.get(key) ?? new Map<string, Summary>()).set(row.column, row))
  }
  const cells = [...lines].map(([key, line]): ReadonlyArray<string> => {
    const names: ReadonlyArray<string> = JSON.parse(key)
    return [...names, ...columns.map((column) => (line.has(column) ? range(line.get(column)!) : ""))]
  })
  return table([["work", "figure", ...columns], ...cells])
}

/** A bar as a sentence, with what was reached. */
const verdictRow = ({ asked, met, ours, reached, share, theirs }: Verdict): ReadonlyArray<string> => [
  `${ours.work}, ${ours.metric}: ${ours.contender}`,
  theirs === undefined ? "" : theirs.work === ours.work ? theirs.contender : `${theirs.contender}, ${theirs.work}`,
  digits(asked),
  reached === undefined ? "no figure" : range(reached),
  share === undefined ? "" : `${Math.round(share * 100)} %`,
  met ? "met" : "not met"
]

const curveText = ({ columns, rows }: Curve): string => table([columns, ...rows.map((row) => row.map(digits))])

const areaText = ({ curve, measurements, notes, ratios, title, verdicts }: AreaReport): string =>
  [
    `## ${title}`,
    ...(measurements.length === 0
      ? []
      : [matrix(measurements.map((row) => ({ ...row, figure: `${row.metric}, ${row.unit}`, column: row.contender })))]),
    ...(ratios.length === 0
      ? []
      : [
          "Ratios, each taken within a run; above 1 ours is better:",
          matrix(ratios.map((row) => ({ ...row, figure: row.metric, column: `${row.ours} : ${row.to}` })))
        ]),
    ...(verdicts.length === 0
      ? []
      : [
          "Bars, met from 80 % on:",
          table([["figure", "as a ratio to", "asked", "reached", "share", ""], ...verdicts.map(verdictRow)])
        ]),
    ...(curve === undefined ? [] : [curveText(curve)]),
    notes.map((note) => `- ${note}`).join("\n")
  ].join("\n\n")

export const text = (report: Report): string => {
  const { cpu, cores, date, kernel, memoryGiB, node } = report.machine
  const { after, before } = report.load
  const measured = report.areas.some(({ measurements }) => measurements.length > 0)
  const head = [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}, Node ${node}, ${date}`,
    `${measured ? `medians of ${report.runs} alternating runs` : "one run"}` +
      `${report.quick ? " of little work (--quick): not to be quoted" : ""}; ` +
      `load average ${before.join(" ")} before, ${after.join(" ")} after`
  ].join("\n")
  return [head, ...report.areas.map(areaText)].join("\n\n")
}
