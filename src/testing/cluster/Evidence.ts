/**
 * What a run has shown so far: the first thing that was wrong, what has come true, and how often what happened.
 */
import type { World } from "../world/World.ts"
import type { Property, View } from "./Scenario.ts"
import type { Verdict } from "./Verdict.ts"

type Of<Tag extends Property<never>["_tag"]> = Extract<Property<never>, { readonly _tag: Tag }>

export class Evidence {
  /** The first thing that was found wrong. */
  failure: Verdict | undefined
  readonly figures: Record<string, number> = {}
  /** 1 for each declared `sometimes` that has come true, else 0. */
  readonly sometimes: Record<string, number> = {}
  readonly #world: World
  readonly #always: ReadonlyArray<Of<"Always">>
  /** Those that have not come true. Once is enough: a campaign counts the runs. */
  #awaited: ReadonlyArray<Of<"Sometimes">>

  constructor(world: World, properties: ReadonlyArray<Property<never> | { readonly _tag: "Eventually" }>) {
    this.#world = world
    this.#always = properties.filter((property) => property._tag === "Always")
    this.#awaited = properties.filter((property) => property._tag === "Sometimes")
    for (const { name } of this.#awaited) this.sometimes[name] = 0
  }

  readonly violated = (property: string, detail: string): void => {
    if (this.failure !== undefined) return
    const { now, trace } = this.#world
    this.failure = { _tag: "Unsafe", property, detail }
    trace.record(now, "", "property", { name: property, verdict: "violated", words: detail })
  }

  readonly count = (name: string, by = 1): void => {
    this.figures[name] = (this.figures[name] ?? 0) + by
  }

  /** Judges what must always hold. */
  judge(view: View): void {
    for (const { check, name } of this.#always) {
      const wrong = check(view)
      if (wrong !== undefined) this.violated(name, wrong)
    }
  }

  /** Takes note of what has come true. */
  notice(view: View): void {
    if (this.#awaited.length === 0) return
    const seen = this.#awaited.filter(({ check }) => check(view))
    if (seen.length === 0) return
    for (const { name } of seen) this.sometimes[name] = 1
    this.#awaited = this.#awaited.filter((property) => !seen.includes(property))
  }
}
