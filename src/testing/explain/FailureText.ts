/**
 * A failure as text for a terminal: what was found, the faults, and the events with a column for every node. Safe to
 * print whatever the file holds, and short: of what does not fit, frames and commits give way first, then what is oldest.
 */
import { type FailureFile, replayCommand } from "../campaign/FailureFile.ts"
import { describe } from "../faults/Words.ts"
import { moment } from "./EventWords.ts"
import { NodeStates } from "./NodeStates.ts"
import { facts, headline, particulars } from "./Findings.ts"
import { printable } from "./Printable.ts"
import { type Row, type Story, story as storyOf } from "./Story.ts"

export interface Options {
  /** Only what concerns this node. */
  readonly node?: string | undefined
  /** Only events up to this number. */
  readonly until?: number | undefined
  /** Characters of a line; 120 by default. */
  readonly width?: number | undefined
  /** Lines, at most; 190 by default, 60 at least. */
  readonly lines?: number | undefined
  /** Where the failure file is, for the command that replays it. */
  readonly path?: string | undefined
}

/** Lines of the faults, of the verdict and of the states, at most. */
const maxFaults = 20
const maxDetail = 10
const maxStates = 12
/** The narrowest column that a node may have; with less, events are a plain list. */
const narrowest = 20
/** Before a column: the time, and two spaces. */
const timeWidth = 13
/** Lines at the end that are told whatever they are; before them frames and commits give way. */
const kept = 40

const clip = (words: string, width: number): string =>
  words.length <= width ? words : `${words.slice(0, Math.max(0, width - 1))}…`

const limited = (lines: ReadonlyArray<string>, most: number): ReadonlyArray<string> =>
  lines.length <= most ? lines : [...lines.slice(0, most - 1), `  and ${lines.length - most + 1} more`]

/** The failure in words, with a line end after each line. */
export const text = (file: FailureFile, { lines = 190, node, path, until, width = 120 }: Options = {}): string => {
  const trace = until === undefined ? file.trace : file.trace.filter(({ n }) => n <= until)
  const whole = trace.length === file.trace.length
  const story = storyOf({ ...file, trace }, Number.POSITIVE_INFINITY)
  const lane = node === undefined ? undefined : story.lanes.indexOf(node)
  // The verdict belongs to the end of the run.
  const told = story.rows.filter(({ event }) => whole || event.kind !== "verdict")
  const rows = told.filter(
    (row) =>
      lane === undefined || (row.lane === undefined && row.other === undefined) || [row.lane, row.other].includes(lane)
  )
  const top = [...heading(story, path), "", ...faults(story), ""]
  const bottom = ["", whole ? "at the end" : `after event ${trace.at(-1)?.n ?? 0}`, ...states(story)]
  const room = Math.max(60, lines) - top.length - bottom.length - 4
  const unknown = lane === -1 ? [`there is no node "${node}" in it, only ${story.lanes.join(", ")}`] : []
  return [...top, ...unknown, ...events(story.lanes, rows, room, width), ...bottom]
    .map((line) => `${clip(printable(line), width).trimEnd()}\n`)
    .join("")
}

const heading = (story: Story, path: string | undefined): ReadonlyArray<string> => {
  const { badge, words } = headline(story.file.verdict)
  const { more, title } = particulars(story.file.verdict)
  const detail = [title, ...more.split(/\r?\n/)].filter((line) => line !== "").map((line) => `  ${line}`)
  return [
    `${badge.toUpperCase()}  ${words}`,
    ...limited(detail, maxDetail),
    "",
    ...facts(story).map(([name, value]) => `${name.padEnd(12)} ${value}`),
    `${"see it again".padEnd(12)} ${replayCommand(story.file, path)}`
  ]
}

const faults = ({ file }: Story): ReadonlyArray<string> => [
  file.plan.faults.length === 0 ? "no faults" : "faults",
  ...limited(
    file.plan.faults.map((entry, index) => `${String(index + 1).padStart(4)}  ${describe(entry)}`),
    maxFaults
  )
]

/** What every node is after the last event. */
const states = ({ lanes, rows }: Story): ReadonlyArray<string> => {
  const trace = rows.map(({ event }) => event)
  const states = new NodeStates(lanes, trace)
  for (const event of trace) states.step(event)
  const told = lanes.map((lane) => {
    const { commits, life, owed, process, sessions } = states.state(lane)
    const parts = [
      life === "" ? process : `${process}, life ${life}`,
      `sessions ${sessions || "none"}`,
      `owes ${owed || "nothing"}`,
      `commits ${commits || "–"}`
    ]
    return `  ${lane}  ${parts.join("; ")}`
  })
  return limited(told, maxStates)
}

/** One line: a row, and how often it comes. */
interface Told {
  readonly row: Row
  readonly times: number
}

const events = (
  lanes: ReadonlyArray<string>,
  rows: ReadonlyArray<Row>,
  room: number,
  width: number
): ReadonlyArray<string> => {
  const all = merge(rows)
  const major = all.length <= room ? all : all.filter(({ row }, index) => !isMinor(row) || index >= all.length - kept)
  const shown = major.slice(-room)
  const column = Math.floor((width - timeWidth) / Math.max(1, lanes.length))
  const columns = column >= narrowest
  const head = columns ? lanes.map((lane) => clip(lane, column - 2).padEnd(column)).join("") : "what happened"
  return [
    `${"seconds".padStart(timeWidth - 2)}  ${head}`,
    ...omitted(count(all) - count(major), "frames, commits and logs"),
    ...omitted(count(major) - count(shown), "earlier events"),
    ...shown.map((told) => line(told, columns ? column : undefined))
  ]
}

const count = (told: ReadonlyArray<Told>): number => told.reduce((sum, { times }) => sum + times, 0)

const omitted = (count: number, what: string): ReadonlyArray<string> =>
  count === 0 ? [] : [`${"".padStart(timeWidth)}(${count} ${what} are left out)`]

const isMinor = ({ event }: Row): boolean => ["frame", "commit", "log"].includes(event.kind)

/** Rows that say the same, one after the other, are one line. */
const merge = (rows: ReadonlyArray<Row>): ReadonlyArray<Told> => {
  const told: Array<{ readonly row: Row; times: number }> = []
  for (const row of rows) {
    const last = told.at(-1)
    const same = last !== undefined && last.row.event.node === row.event.node && last.row.words === row.words
    if (same && !row.failed) last.times++
    else told.push({ row, times: 1 })
  }
  return told
}

const line = ({ row, times }: Told, column: number | undefined): string => {
  const { delivery, event, failed, family, lane } = row
  const again = delivery?.again === true ? " AGAIN" : ""
  const words = `${failed ? "✖ " : ""}${row.words}${again}${times > 1 ? ` (${times} times)` : ""}`
  const time = `${moment(event.at).padStart(timeWidth - 2)}  `
  const who = event.node === "" ? "" : `${event.node} `
  if (family === "fault" || lane === undefined) return `${time}── ${family === "fault" ? "" : who}${words}`
  return column === undefined ? `${time}${who}${words}` : `${time}${"".padStart(lane * column)}${words}`
}
