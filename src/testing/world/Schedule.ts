/**
 * Which of the tasks that could run runs next. A seeded choice makes every order possible that a scheduler may take,
 * and the same seed takes the same one.
 *
 * `uniform` picks any. `priorities` gives every fiber a random rank, runs the highest, and demotes a fiber now and then
 * (probabilistic concurrency testing): it finds races that need one fiber to be slow for long. `fifo` is what people
 * expect, for baselines and for shrinking.
 */
import { Schema } from "effect"
import type { Rng } from "./Rng.ts"

export const Schedule = Schema.Struct({
  order: Schema.Literals(["uniform", "priorities", "fifo"]),
  /** Operations that a fiber runs on average before it has to let others go first; 0 never preempts. */
  preemptEvery: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })),
  /** With `priorities`: tasks between two demotions on average; 0 never demotes. */
  demoteEvery: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))
})
export type Schedule = typeof Schedule.Type

export const fifo: Schedule = { order: "fifo", preemptEvery: 0, demoteEvery: 0 }

/** Where the tasks of one fiber come from. */
export interface Source {
  priority: number
}

export class ReadySet<S extends Source> {
  readonly #order: Schedule["order"]
  readonly #demoteEvery: number
  readonly #rng: Rng
  #tasks: Array<() => void> = []
  #sources: Array<S> = []
  #head = 0
  #untilDemotion: number

  constructor({ demoteEvery, order }: Schedule, rng: Rng) {
    this.#order = order
    this.#demoteEvery = order === "priorities" ? demoteEvery : 0
    this.#rng = rng
    this.#untilDemotion = this.#drawDemotion()
  }

  get size(): number {
    return this.#tasks.length - this.#head
  }

  /** A priority for a new source: only `priorities` reads it. */
  priority(): number {
    return this.#order === "priorities" ? this.#rng.u32() : 0
  }

  add(task: () => void, source: S): void {
    this.#tasks.push(task)
    this.#sources.push(source)
  }

  /** Takes the next task out and gives it to `run`. There must be one. */
  next(run: (task: () => void, source: S) => void): void {
    if (this.#order === "fifo") return this.#oldest(run)
    const at = this.#order === "uniform" ? (this.size === 1 ? 0 : this.#rng.below(this.size)) : this.#highest()
    const task = this.#tasks[at]!
    const source = this.#sources[at]!
    const [lastTask, lastSource] = [this.#tasks.pop()!, this.#sources.pop()!]
    if (at < this.#tasks.length) {
      this.#tasks[at] = lastTask
      this.#sources[at] = lastSource
    }
    if (this.#demoteEvery > 0 && --this.#untilDemotion <= 0) {
      source.priority = -this.#rng.u32()
      this.#untilDemotion = this.#drawDemotion()
    }
    run(task, source)
  }

  #oldest(run: (task: () => void, source: S) => void): void {
    const task = this.#tasks[this.#head]!
    const source = this.#sources[this.#head]!
    if (++this.#head === this.#tasks.length) {
      this.#tasks = []
      this.#sources = []
      this.#head = 0
    } else if (this.#head === 4_096) {
      this.#tasks = this.#tasks.slice(this.#head)
      this.#sources = this.#sources.slice(this.#head)
      this.#head = 0
    }
    run(task, source)
  }

  /** The oldest of those with the highest priority. */
  #highest(): number {
    let best = 0
    for (let i = 1; i < this.#sources.length; i++) {
      if (this.#sources[i]!.priority > this.#sources[best]!.priority) best = i
    }
    return best
  }

  #drawDemotion(): number {
    return this.#demoteEvery === 0 ? Number.POSITIVE_INFINITY : 1 + this.#rng.below(2 * this.#demoteEvery)
  }
}
