/**
 * The lanes behind the rows: the line of each node, whose stroke tells whether its process lives, and the bands of the
 * faults that are at work. Long stretches look the same, so each look is drawn once and used by its rows.
 */
import { type FaultBand, slots } from "./FaultBands.ts"
import { html, type Markup } from "./Markup.ts"
import type { NodeState, Process } from "./NodeStates.ts"
import { laneWidth, middle } from "./PageLayout.ts"

/** Bands beside each other in a lane; further ones are not drawn. */
const maxSlots = 5
/** Colours of faults; then they come again. */
export const colours = 8

/** One look of all lanes. */
interface Look {
  readonly id: number
  readonly markup: Markup
}

export class LaneDrawing {
  readonly #lanes: ReadonlyArray<string>
  readonly #bands: ReadonlyArray<FaultBand>
  readonly #slots: ReadonlyArray<number>
  readonly #width: number
  readonly #looks = new Map<string, Look>()
  #active: Array<number> = []
  #next = 0

  constructor(lanes: ReadonlyArray<string>, bands: ReadonlyArray<FaultBand>) {
    this.#lanes = lanes
    this.#bands = bands
    this.#slots = slots(bands)
    this.#width = Math.min(maxSlots, Math.max(1, ...this.#slots.map((slot) => slot + 1)))
  }

  /** The look of a row, to be asked for in order. */
  look(index: number, states: ReadonlyArray<NodeState>): number {
    this.#active = this.#active.filter((band) => this.#bands[band]!.last >= index)
    for (let band = this.#bands[this.#next]; band !== undefined && band.first <= index; band = this.#bands[this.#next])
      this.#active.push(this.#next++)
    const processes = states.map(({ process }) => process)
    const key = `${processes.join()}/${this.#active.join()}`
    let look = this.#looks.get(key)
    if (look === undefined) {
      look = { id: this.#looks.size, markup: this.#draw(processes, this.#looks.size) }
      this.#looks.set(key, look)
    }
    return look.id
  }

  /** The bands that the last row has. */
  get active(): ReadonlyArray<number> {
    return this.#active
  }

  /** All looks that rows have, for the definitions of the page. */
  get looks(): ReadonlyArray<Markup> {
    return [...this.#looks.values()].map(({ markup }) => markup)
  }

  #draw(processes: ReadonlyArray<Process>, id: number): Markup {
    const bands = this.#active.flatMap((band) => this.#drawBand(band))
    const lines = processes.map((process, lane) => {
      const x = middle(lane, this.#lanes.length)
      return html`<line class="lane ${process}" x1="${x}" x2="${x}" y1="0" y2="100%" />`
    })
    return html`<g id="look${id}">${bands}${lines}</g>`
  }

  #drawBand(band: number): ReadonlyArray<Markup> {
    const slot = this.#slots[band]!
    if (slot >= maxSlots) return []
    const width = laneWidth(this.#lanes.length)
    const stripe = (width * 0.86) / this.#width
    return this.#bands[band]!.nodes.flatMap((node) => {
      const lane = this.#lanes.indexOf(node)
      if (lane === -1) return []
      const x = (lane * width + width * 0.07 + slot * stripe).toFixed(1)
      return [
        html`<rect
          class="band c${colourOf(this.#bands[band]!, band)}"
          x="${x}"
          y="0"
          width="${stripe.toFixed(1)}"
          height="100%"
        />`
      ]
    })
  }
}

/** The colour of a fault is the same in the plan and in the lanes. */
export const colourOf = ({ entry }: Pick<FaultBand, "entry">, band: number): number =>
  (entry === -1 ? band : entry) % colours
