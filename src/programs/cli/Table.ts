/**
 * Rows as an aligned table, and times as people say them.
 */
import { CliOutput } from "effect/cli"
import { stripVTControlCharacters } from "node:util"
import { dim } from "./Style.ts"

/** Text of others as one line that can neither move the cursor nor colour the terminal. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll(/\s*[\n\r]\s*/g, " ")
    .replaceAll(/\p{Cc}/gu, "\ufffd")

const padded = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - CliOutput.displayWidth(text)))

/** One line per row below a line of headings; the last column is not padded. */
export const table = (headings: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = headings.map((heading, column) =>
    Math.max(CliOutput.displayWidth(heading), ...rows.map((row) => CliOutput.displayWidth(row[column] ?? "")))
  )
  const line = (cells: ReadonlyArray<string>, paint: (text: string) => string) =>
    cells
      .map((cell, column) => paint(column === cells.length - 1 ? cell : padded(cell, widths[column] ?? 0)))
      .join("  ")
      .trimEnd()
  return [line(headings, dim), ...rows.map((row) => line(row, (text) => text))].join("\n")
}

/** Names and what they are, aligned. */
export const list = (items: ReadonlyArray<readonly [name: string, value: string]>): string => {
  const width = Math.max(...items.map(([name]) => name.length))
  return items.map(([name, value]) => `${dim(padded(name, width))}  ${value}`).join("\n")
}

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000]
] as const

/** A duration in its two largest units: `3m 20s`. Below a second in milliseconds. */
export const lasting = (millis: number): string => {
  if (millis < 1_000) return `${Math.max(0, Math.round(millis))}ms`
  let left = Math.round(millis / 1_000) * 1_000
  const parts: Array<string> = []
  for (const [unit, size] of units) {
    const whole = Math.floor(left / size)
    left -= whole * size
    if (whole > 0) parts.push(`${whole}${unit}`)
  }
  return parts.slice(0, 2).join(" ")
}

export const ago = (at: number | undefined, now: number): string => (at === undefined ? "" : `${lasting(now - at)} ago`)

export const ahead = (at: number | undefined, now: number): string =>
  at === undefined ? "" : at <= now ? "now" : `in ${lasting(at - now)}`

const scaled = (value: number, step: number, units: ReadonlyArray<string>): string => {
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log(value) / Math.log(step)))
  const digits = value / step ** power
  return `${power === 0 || digits >= 100 ? Math.round(digits) : digits.toFixed(1)}${units[power]}`
}

/** A number of bytes in its largest unit: `3.4KiB`. */
export const size = (bytes: number): string => scaled(bytes, 1_024, ["B", "KiB", "MiB", "GiB", "TiB"])

/** A number in its largest unit: `12.3k`. */
export const brief = (count: number): string => scaled(count, 1_000, ["", "k", "M", "G", "T"])

/** A moment of today as a time, of another day with its date. */
export const moment = (at: number, now: number): string => {
  const [date = "", time = ""] = new Date(at)
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .split("T")
  return date === new Date(now).toISOString().slice(0, 10) ? time : `${date} ${time}`
}
