/**
 * Events as lines of text: number, time, node, words.
 */
import { moment } from "./EventWords.ts"
import { printable } from "./Printable.ts"
import type { Row, Story } from "./Story.ts"

const line = ({ event, failed, words }: Row, width: number): string =>
  `${String(event.n).padStart(7)}  ${moment(event.at).padStart(12)}  ${printable(event.node || "·").padEnd(width)}  ${failed ? "✖ " : ""}${printable(words)}`

/** The last events of a story, oldest first. */
export const lastEvents = ({ lanes, rows }: Story, count: number): ReadonlyArray<string> => {
  const width = Math.min(16, Math.max(1, ...lanes.map(({ length }) => length)))
  return rows.slice(-count).map((row) => line(row, width))
}
