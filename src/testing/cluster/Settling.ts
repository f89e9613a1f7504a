/**
 * The quiet end of a run: nothing goes wrong any more, and everything that must come true has to, in time.
 *
 * Every property is asked at every node, again and again, until one round finds nothing wrong.
 */
import type { World } from "../world/World.ts"
import type { Property, Running, Scenario, View } from "./Scenario.ts"
import { disconnected } from "./Sessions.ts"
import { failureOf, type SimulatedNode } from "./SimulatedNode.ts"

/** Between two rounds, in microseconds. */
const pause = 250_000

/** What was wrong in the last round. */
export interface Missing {
  readonly property: string
  readonly detail: string
}

export class Settling<R> {
  /** `undefined` until the first round is over, and once nothing is missing. */
  missing: Missing | undefined
  settled = false
  readonly #world: World
  readonly #nodes: ReadonlyArray<SimulatedNode<R>>
  readonly #view: View
  readonly #wants: Scenario["wants"]
  readonly #properties: ReadonlyArray<Property<Running | R> & { readonly _tag: "Eventually" }>

  constructor(
    world: World,
    nodes: ReadonlyArray<SimulatedNode<R>>,
    view: View,
    { properties = [], wants }: Scenario<R>
  ) {
    this.#world = world
    this.#nodes = nodes
    this.#view = view
    this.#wants = wants
    this.#properties = properties.filter((property) => property._tag === "Eventually")
  }

  begin(): void {
    this.#world.at(this.#world.now + pause, () => this.#round())
  }

  #round(): void {
    const apart = disconnected(this.#view, this.#wants)
    if (apart !== undefined) return this.#again(apart)
    const rounds = this.#properties.map(({ name, round }) => ({ name, ...round() }))
    let waiting = this.#nodes.length * rounds.length
    let missing: Missing | undefined
    const over = () => {
      for (const { judge, name } of rounds) {
        const detail = missing === undefined ? judge() : undefined
        if (detail !== undefined) missing = { property: name, detail }
      }
      if (missing === undefined) this.settled = true
      else this.#again(missing)
    }
    if (waiting === 0) return over()
    for (const { ask, name } of rounds) {
      for (const node of this.#nodes) {
        const answered = (detail: string | undefined) => {
          if (detail !== undefined) missing ??= { property: name, detail: `${node.name}: ${detail}` }
          if (--waiting === 0) over()
        }
        const { process } = node
        const asked = process !== undefined && node.ask(ask(node.self(process)), (exit) => answered(failureOf(exit)))
        if (!asked) answered("it does not run")
      }
    }
  }

  #again(missing: Missing): void {
    this.missing = missing
    this.begin()
  }
}
