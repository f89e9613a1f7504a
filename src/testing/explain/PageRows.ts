/**
 * The rows of the page's timeline: time, lanes and words of each event. They are made from top to bottom, and each needs
 * what is above it: what the nodes are by then, which faults are at work, and where a message was sent.
 */
import type { TraceEvent } from "../world/Trace.ts"
import { fact, moment, stretch } from "./EventWords.ts"
import type { FaultBand } from "./FaultBands.ts"
import { LaneDrawing } from "./LaneDrawing.ts"
import { html, type Markup, nothing } from "./Markup.ts"
import { type NodeState, NodeStates } from "./NodeStates.ts"
import { heightOf, layout, waitOf, waitWords } from "./PageLayout.ts"
import { printable } from "./Printable.ts"
import { drawRow } from "./RowDrawing.ts"
import type { Row, Story } from "./Story.ts"

/** What a node is from a row on, in words. */
export type Change = readonly [
  from: number,
  process: string,
  told: string,
  sessions: string,
  owed: string,
  commits: string
]

const change = (from: number, { commits, life, owed, process, sessions }: NodeState): Change => [
  from,
  process,
  printable(life === "" ? process : `${process}, life ${life}`),
  printable(sessions || "none"),
  printable(owed || "nothing"),
  printable(commits || "–")
]

/** The rows from top to bottom, with what every row needs of those above it. */
export class PageRows {
  readonly drawing: LaneDrawing
  readonly changes: ReadonlyArray<Array<Change>>
  readonly markup: Array<Markup> = []
  readonly #story: Story
  readonly #states: NodeStates
  readonly #now: Array<NodeState>
  /** Where the line of each row is, in pixels. */
  readonly #bottoms: Array<number> = []

  constructor(story: Story) {
    this.#story = story
    const { bands, earlier, lanes, rows } = story
    this.drawing = new LaneDrawing(lanes, bands)
    this.#states = new NodeStates(lanes, [...earlier, ...rows.map(({ event }) => event)])
    for (const event of earlier) this.#states.step(event)
    this.#now = lanes.map((lane) => this.#states.state(lane))
    this.changes = this.#now.map((state) => [change(-1, state)])
    for (const [index, row] of rows.entries()) this.#add(row, index)
  }

  #add(row: Row, index: number): void {
    const { lanes, rows } = this.#story
    for (const name of this.#states.step(row.event)) {
      const lane = lanes.indexOf(name)
      if (lane === -1) continue
      this.#now[lane] = this.#states.state(name)
      this.changes[lane]!.push(change(index, this.#now[lane]))
    }
    const before = rows[index - 1]?.event.at ?? row.event.at
    const wait = waitOf(row.event.at - before)
    const bottom = (this.#bottoms[index - 1] ?? 0) + heightOf(wait)
    this.#bottoms.push(bottom)
    const sent = row.delivery?.sent
    const rise = sent === undefined || index - sent > layout.longest ? undefined : bottom - this.#bottoms[sent]!
    this.markup.push(this.#draw(row, index, wait, row.event.at - before, rise))
  }

  #draw(row: Row, index: number, wait: number, micros: number, rise: number | undefined): Markup {
    const { file, lanes, rows } = this.#story
    const { event, family } = row
    const look = this.drawing.look(index, this.#now)
    const kind = /^[a-z-]{1,20}$/.test(event.kind) ? ` k-${event.kind}` : ""
    const classes = `w${wait} ${family}${kind}${row.failed ? " failed" : ""}${file.verdict._tag === "Held" ? " held" : ""}`
    const drawn = drawRow(row, lanes, rise, this.#band(event, index))
    return html`<tr id="e${index}" class="${classes}" tabindex="-1">
      <td class="t"><span class="wait">${waitWords(wait, micros)}</span><time>${moment(event.at)}</time></td>
      <td class="lanes">
        <svg aria-hidden="true">
          <use href="#look${look}" />
          <g class="m">${drawn}</g>
        </svg>
      </td>
      <td class="what-cell"><div class="what" title="${title(row)}">${said(row, rows)}</div></td>
    </tr> `
  }

  /** The band that an event begins or ends. */
  #band(event: TraceEvent, index: number): FaultBand | undefined {
    if (event.kind !== "fault" && event.kind !== "fault-over") return undefined
    return this.#story.bands.find(
      ({ entry, first, last }) => (first === index || last === index) && String(entry) === fact(event, "entry")
    )
  }
}

const said = ({ delivery, event, failed, family, words }: Row, rows: ReadonlyArray<Row>): Markup => {
  const who = event.node === "" || family === "fault" ? nothing : html`<b>${event.node}</b> `
  const mark = failed ? html`✖ ` : nothing
  const again = delivery?.again === true ? html` <span class="again">again</span>` : nothing
  const origin = delivery?.sent === undefined ? undefined : rows[delivery.sent]
  const sent =
    origin === undefined
      ? nothing
      : html`, <a href="#e${delivery?.sent ?? 0}">${stretch(event.at - origin.event.at)} after it was sent</a>`
  return html`${mark}${who}${words}${again}${sent}`
}

const title = ({ event, words }: Row): string => `${words} (event ${event.n})`
