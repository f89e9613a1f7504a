/**
 * The quiet end of a run: nothing goes wrong any more, and everything that must come true has to, in time.
 *
 * Every property is asked at every node, again and again, until one round finds nothing wrong.
 */
import type { World } from "../world/World.ts"
import { failureOf } from "./ExitWords.ts"
import type { Members } from "./Members.ts"
import type { Property, Running, Scenario } from "./Scenario.ts"
import { disconnected } from "./Sessions.ts"
import { SignsOfLife } from "./SignsOfLife.ts"

/** Between two rounds, in microseconds; more and more of it once they have lasted for so long. */
const [pause, patience] = [250_000, 30_000_000]

/** What has not come true yet. */
export interface Missing {
  readonly property: string
  readonly detail: string
}

export class Settling<R> {
  settled = false
  readonly #world: World
  readonly #members: Members<R>
  readonly #wants: Scenario["wants"]
  readonly #properties: ReadonlyArray<Property<Running | R> & { readonly _tag: "Eventually" }>
  /** Of the last round. */
  #missing: Missing | undefined
  /** Answers of this round that have not come. */
  readonly #awaited = new Set<Missing>()
  readonly #began: number
  readonly #life: SignsOfLife

  constructor(world: World, members: Members<R>, { properties = [], wants }: Scenario<R>) {
    this.#world = world
    this.#members = members
    this.#wants = wants
    this.#properties = properties.filter((property) => property._tag === "Eventually")
    this.#began = world.now
    this.#life = new SignsOfLife(members.view)
  }

  /** Who has not answered, or what was wrong in the last round; `undefined` before the first one. */
  get missing(): Missing | undefined {
    for (const awaited of this.#awaited) return awaited
    return this.#missing
  }

  begin(): void {
    const { now } = this.#world
    this.#world.at(now + Math.max(pause, (now - this.#began - patience) / 8), () => this.#round())
  }

  #round(): void {
    const apart = disconnected(this.#members.view, this.#wants) ?? this.#life.missing
    if (apart !== undefined) return this.#again(apart)
    const rounds = this.#properties.map(({ name, round }) => ({ name, ...round() }))
    const questions = rounds.flatMap(({ ask, name }) =>
      this.#members.all.map((node) => {
        const awaited: Missing = { property: name, detail: `${node.name} has not answered` }
        return { node, ask, awaited }
      })
    )
    let missing: Missing | undefined
    const over = () => {
      for (const { judge, name } of rounds) {
        const detail = missing === undefined ? judge() : undefined
        if (detail !== undefined) missing = { property: name, detail }
      }
      if (missing === undefined) this.settled = true
      else this.#again(missing)
    }
    if (questions.length === 0) return over()
    for (const { awaited } of questions) this.#awaited.add(awaited)
    for (const { ask, awaited, node } of questions) {
      const answered = (wrong: string | undefined) => {
        if (wrong !== undefined) missing ??= { property: awaited.property, detail: `${node.name}: ${wrong}` }
        this.#awaited.delete(awaited)
        if (this.#awaited.size === 0) over()
      }
      const { process } = node
      const asked = process !== undefined && node.ask(ask(node.self(process)), (exit) => answered(failureOf(exit)))
      if (!asked) answered("it does not run")
    }
  }

  #again(missing: Missing): void {
    this.#missing = missing
    this.begin()
  }
}
