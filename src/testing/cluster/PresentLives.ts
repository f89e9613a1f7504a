/**
 * Something for the present life of every node. What belonged to an earlier life is forgotten as soon as a later one is
 * asked for, so that a world with thousands of lives holds no more than one with a few.
 */
export class PresentLives<A> {
  readonly #fresh: () => A
  readonly #lives = new Map<string, { readonly life: number; readonly state: A }>()

  constructor(fresh: () => A) {
    this.#fresh = fresh
  }

  /** What the life of the node has; new if it is asked for the first time. */
  of(node: string, life: number): A {
    const known = this.#lives.get(node)
    if (known?.life === life) return known.state
    const state = this.#fresh()
    this.#lives.set(node, { life, state })
    return state
  }
}
