/**
 * Does something with values that come faster than it can: one at a time, and of those that wait only the last, so that whoever is
 * slow, or says too much, costs one value.
 */
import { Effect } from "effect"

export class Latest<A> {
  readonly #fork: (effect: Effect.Effect<void>) => void
  readonly #use: (value: A) => Effect.Effect<void>
  #waiting: { readonly value: A } | undefined
  #isBusy = false

  /** `use` must not fail; interrupting what runs it ends it for good. */
  constructor(fork: (effect: Effect.Effect<void>) => void, use: (value: A) => Effect.Effect<void>) {
    this.#fork = fork
    this.#use = use
  }

  offer(value: A): void {
    this.#waiting = { value }
    if (this.#isBusy) return
    this.#isBusy = true
    this.#fork(this.#work)
  }

  readonly #work: Effect.Effect<void> = Effect.suspend(() => {
    const next = this.#waiting
    this.#waiting = undefined
    this.#isBusy = next !== undefined
    return next === undefined ? Effect.void : Effect.andThen(this.#use(next.value), () => this.#work)
  })
}
