/**
 * What the row of an event shows in the lanes: an arrow to the node it is about, a mark in its own lane, or both. Drawn
 * around the line y = 0; the lanes themselves are drawn by `LaneDrawing`.
 */
import type { FaultBand } from "./FaultBands.ts"
import { html, type Markup, nothing } from "./Markup.ts"
import { middle } from "./PageLayout.ts"
import type { Row } from "./Story.ts"

type Head = "arrow" | "cut" | "dot"

/** How the line to the other node of an event ends; what has none here is a dot. */
const heads: ReadonlyMap<string, Head> = new Map([
  ["dial", "arrow"],
  ["frame", "arrow"],
  ["dial-failed", "cut"],
  ["closed", "cut"],
  ["reset", "cut"],
  ["session-ended", "cut"],
  ["connected", "dot"],
  ["session", "dot"]
])

const cross = (x: number): Markup => html`<path class="cross" d="M${x - 4} -4L${x + 4} 4M${x - 4} 4L${x + 4} -4" />`
const dot = (x: number): Markup => html`<circle class="dot" cx="${x}" r="3.5" />`
const triangle = (x: number): Markup => html`<path class="solid" d="M${x - 4} -5L${x + 5} 0L${x - 4} 5Z" />`
const square = (x: number): Markup => html`<rect class="solid" x="${x - 3}" y="-3" width="6" height="6" />`
const bars = (x: number): Markup => html`<path class="cross" d="M${x - 3} -5V5M${x + 3} -5V5" />`
const ring = (x: number): Markup => html`<circle class="ring" cx="${x}" r="3.5" />`
const diamond = (x: number, number: string): Markup =>
  html`<path class="solid" d="M${x} -6L${x + 6} 0L${x} 6L${x - 6} 0Z" /><text class="number" x="${x + 9}" y="0"
      >${number}</text
    >`

/** Marks of the kinds that have one of their own. */
const marks: ReadonlyMap<string, (x: number) => Markup> = new Map([
  ["start", triangle],
  ["resume", triangle],
  ["kill", cross],
  ["pause", bars],
  ["stop", ring],
  ["ended", cross],
  ["commit", square],
  ["sent", dot],
  ["effect", dot]
])

/** A level line to another lane, which its head touches. */
const line = (from: number, to: number, head: Head): Markup => {
  const way = Math.sign(to - from)
  if (head === "arrow")
    return html`<path class="line" d="M${from} 0H${to - way * 7}" /><path
        class="solid"
        d="M${to - way * 2} 0l${-way * 8} -4v8z"
      />${dot(from)}`
  if (head === "dot") return html`<path class="line" d="M${from} 0H${to}" />${dot(from)}${dot(to)}`
  return html`<path class="line" d="M${from} 0H${to - way * 14}" />${cross(to - way * 14)}${dot(from)}`
}

/** The line from where a message was sent to where it takes effect: `rise` pixels up, or level if that is unknown. */
export const flight = (from: number, to: number, rise: number | undefined): string =>
  `M${from} ${rise === undefined ? 0 : -rise}L${to - Math.sign(to - from) * 4} 0`

const deliveryLine = ({ delivery, lane, other }: Row, lanes: number, rise: number | undefined): Markup => {
  if (delivery === undefined || lane === undefined || other === undefined || lane === other) return nothing
  const classes = `flight${delivery.again ? " again" : ""}${rise === undefined ? " far" : ""}`
  return html`<path class="${classes}" d="${flight(middle(other, lanes), middle(lane, lanes), rise)}" />`
}

/**
 * @param rise how far above this row the message was sent that takes effect here; `undefined` for too far
 * @param struck the band that begins or ends here
 */
export const drawRow = (
  row: Row,
  lanes: ReadonlyArray<string>,
  rise: number | undefined,
  struck?: FaultBand
): Markup => {
  const { length } = lanes
  const { event, family, lane, other } = row
  if (family === "property") return html`<path class="verdict" d="M0 0H${length * (middle(0, length) * 2)}" />`
  if (family === "fault") {
    const places = struck?.nodes.map((node) => lanes.indexOf(node)).filter((place) => place !== -1) ?? []
    const number = struck === undefined || struck.entry === -1 ? "" : String(struck.entry + 1)
    const here = places.length > 0 || lane === undefined ? places : [lane]
    return html`${here.map((place) => diamond(middle(place, length), number))}`
  }
  if (lane === undefined) return nothing
  const x = middle(lane, length)
  const head = heads.get(event.kind)
  const mark = marks.get(event.kind) ?? ring
  if (head !== undefined && other !== undefined && other !== lane) return line(x, middle(other, length), head)
  return html`${deliveryLine(row, length, rise)}${mark(x)}`
}
