/**
 * The timeline of the page: a row for every event with the lanes behind it, the filter above, and beside it the states
 * of the nodes at the cursor.
 */
import { moment } from "./EventWords.ts"
import { colourOf } from "./LaneDrawing.ts"
import { html, type Markup, nothing } from "./Markup.ts"
import { laneWidth, layout, middle } from "./PageLayout.ts"
import { type Change, PageRows } from "./PageRows.ts"
import type { Row, Story } from "./Story.ts"

/** Kinds that have a box of their own in the filter. */
const maxKinds = 40
const otherKinds = "other kinds"

/** What the script of the page knows of the rows: see PageScript. */
export interface PageFacts {
  readonly layout: typeof layout
  readonly end: number
  readonly rows: ReadonlyArray<
    readonly [at: number, kind: number, lanes: ReadonlyArray<number>, sent: number, from: number, to: number]
  >
  /** For each lane: from which row on it is what. */
  readonly states: ReadonlyArray<ReadonlyArray<readonly [from: number, ...parts: ReadonlyArray<string>]>>
  readonly bands: ReadonlyArray<readonly [first: number, last: number]>
}

export interface Timeline {
  readonly markup: Markup
  /** What the rows refer to. */
  readonly definitions: Markup
  readonly facts: PageFacts
}

/** The kinds that there are, most frequent first, with how many events each has. */
const kindsOf = (rows: ReadonlyArray<Row>): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const { event } of rows) counts.set(event.kind, (counts.get(event.kind) ?? 0) + 1)
  const sorted = [...counts].sort(([, a], [, b]) => b - a)
  if (sorted.length <= maxKinds) return new Map(sorted)
  const rest = sorted.slice(maxKinds - 1)
  return new Map([...sorted.slice(0, maxKinds - 1), [otherKinds, rest.reduce((sum, [, count]) => sum + count, 0)]])
}

const chips = (
  name: string,
  words: string,
  choices: Iterable<readonly [choice: string, count: number | undefined]>
): Markup =>
  html`<fieldset>
    <legend>${words}</legend>
    ${[...choices].map(
      ([choice, count]) =>
        html`<label class="chip"
          ><input type="checkbox" name="${name}" value="${choice}" checked /><span>${choice}</span
          >${count === undefined ? nothing : html` <small>${count}</small>`}</label
        >`
    )}<button type="button" data-all="${name}">all</button><button type="button" data-none="${name}">none</button>
  </fieldset>`

const stateTable = (story: Story, changes: ReadonlyArray<ReadonlyArray<Change>>): Markup => {
  const lines = story.lanes.map((name, lane) => {
    const [, process, ...parts] = changes[lane]!.findLast(([from]) => from <= story.end) ?? changes[lane]![0]!
    return html`<tr class="${process}">
      <th scope="row">${name}</th>
      ${parts.map((part) => html`<td>${part}</td>`)}
    </tr>`
  })
  return html`<table class="states">
    <thead>
      <tr>
        <th scope="col">node</th>
        <th scope="col">process</th>
        <th scope="col">sessions</th>
        <th scope="col">owes</th>
        <th scope="col">commits</th>
      </tr>
    </thead>
    <tbody id="states">
      ${lines}
    </tbody>
  </table>`
}

const atWork = ({ bands, end }: Story): Markup => {
  const none = bands.every(({ first, last }) => end < first || end > last)
  const lines = bands.map((band, index) => {
    const number = band.entry === -1 ? "?" : String(band.entry + 1)
    const hidden = end < band.first || end > band.last ? html` hidden` : nothing
    return html`<li${hidden}><span class="swatch c${colourOf(band, index)}">${number}</span>${band.words}</li>`
  })
  return html`<ul id="bands">
      ${lines}
    </ul>
    <p id="calm" class="note" ${none ? nothing : html` hidden`}>None.</p>`
}

const table = ({ lanes }: Story, rows: ReadonlyArray<Markup>): Markup => {
  const names = lanes.map((name) => html`<span title="${name}">${name}</span>`)
  return html`<div class="scroll">
    <table class="timeline">
      <thead>
        <tr>
          <th class="t" scope="col">seconds</th>
          <th class="lanes" scope="col"><div class="names">${names}</div></th>
          <th scope="col">what happened</th>
        </tr>
      </thead>
      <tbody id="rows">
        ${rows}
      </tbody>
    </table>
  </div>`
}

const factsOf = (story: Story, kinds: ReadonlyArray<string>, rows: PageRows): PageFacts => {
  const { bands, end, lanes } = story
  const others = kinds.indexOf(otherKinds)
  const places = new Map(kinds.map((kind, index) => [kind, index]))
  return {
    layout,
    end,
    rows: story.rows.map(({ delivery, event, lane, other }) => [
      event.at,
      places.get(event.kind) ?? others,
      [...new Set([lane, other])].filter((place) => place !== undefined),
      delivery?.sent ?? -1,
      middle(other ?? 0, lanes.length),
      middle(lane ?? 0, lanes.length)
    ]),
    states: rows.changes,
    bands: bands.map(({ first, last }) => [first, last])
  }
}

export const pageTimeline = (story: Story): Timeline => {
  const rows = new PageRows(story)
  const kinds = kindsOf(story.rows)
  const { end, lanes } = story
  const markup = html`<form id="filter">
      ${chips(
        "node",
        "Nodes",
        lanes.map((lane) => [lane, undefined] as const)
      )}${chips("kind", "Events", kinds)}<output id="shown">${story.rows.length} events</output>
    </form>
    <div class="stage">
      ${table(story, rows.markup)}
      <aside aria-label="At the cursor">
        <h2>At <time id="moment">${moment(story.rows[end]?.event.at ?? 0)} s</time></h2>
        ${stateTable(story, rows.changes)}
        <h2>Faults at work</h2>
        ${atWork(story)}
        <p class="keys">
          Click an event, then <kbd>↑</kbd> <kbd>↓</kbd> <kbd>PgUp</kbd> <kbd>PgDn</kbd> <kbd>Home</kbd>
          <kbd>End</kbd> to move the cursor.
        </p>
        <p class="note">${legend}</p>
      </aside>
    </div>`
  return { markup, definitions: html`${rows.drawing.looks}`, facts: factsOf(story, [...kinds.keys()], rows) }
}

const legend = `A whole line is a process that lives, dots one that is paused, dashes one that is stopping, no line one that is dead. \
Bands are faults, by number. An arrow down is a message from where it was sent to where it takes effect; dots replace it when that is far above. \
Sessions, debts and commits are counted within the events that were kept.`

/** Widths that the style of the page needs. */
export const widths = ({ lanes }: Story): readonly [laneWidth: number, lanes: number] => [
  laneWidth(lanes.length),
  lanes.length
]
