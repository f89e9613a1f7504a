/**
 * The blocks that a book of a node says are applied, entry by entry: each must follow the one before it, and only the last one can be
 * taken back. Plain and mutable.
 */
import type { Entry } from "./ChainBook.ts"

interface Stacked {
  readonly height: number
  readonly id: string
  /** Of this block and all before it. */
  readonly weight: number
  readonly sum: number
}

export class ChainStack {
  readonly #blocks: Array<Stacked>

  /** Begins with the first block of the chain. */
  constructor(genesis: string) {
    this.#blocks = [{ height: 0, id: genesis, weight: 0, sum: 0 }]
  }

  get top(): Stacked {
    return this.#blocks.at(-1)!
  }

  /** What is wrong with the next entry, if anything. */
  read({ height, id, previous, sum, weight, what }: Entry): string | undefined {
    const { top } = this
    if (what === "undone") {
      this.#blocks.pop()
      if (this.#blocks.length === 0) this.#blocks.push(top)
      return top.id === id && height > 0
        ? undefined
        : `block ${id} at ${height} was taken back, and the last one was ${top.id} at ${top.height}`
    }
    this.#blocks.push({ height, id, weight: top.weight + weight, sum: top.sum + sum })
    return previous === top.id && height === top.height + 1
      ? undefined
      : `block ${id} at ${height} follows ${previous}, and was applied behind ${top.id} at ${top.height}`
  }
}
