/**
 * What waits to become part of a block, in the order in which it came. It lives as long as the process: what must not be lost is
 * its giver's to give again. Bounded by number and by bytes.
 */
import { Schema } from "effect"

/** There is no room, or the item is larger than a block may be. */
export class ItemRefused extends Schema.TaggedError<ItemRefused>()("ChainItemRefused", { problem: Schema.String }) {
  override get message(): string {
    return `the item cannot become part of a block: ${this.problem}`
  }
}

export interface Limits {
  readonly items: number
  readonly bytes: number
  /** Bytes that one block takes, each item with `overhead` more than it has. */
  readonly block: number
  readonly overhead: number
}

export class ItemPool {
  readonly #limits: Limits
  #items: Array<Uint8Array> = []
  #bytes = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#items.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Why an item cannot be taken, if so; otherwise it is. */
  add(item: Uint8Array): ItemRefused | undefined {
    const { block, bytes, items, overhead } = this.#limits
    if (item.length + overhead > block)
      return new ItemRefused({ problem: `it has ${item.length} bytes, ${block - overhead} are allowed` })
    if (this.#items.length >= items || this.#bytes + item.length > bytes) {
      return new ItemRefused({ problem: `${this.#items.length} items wait already, of ${this.#bytes} bytes` })
    }
    this.#items.push(item)
    this.#bytes += item.length
    return undefined
  }

  /** The first ones, as many as one block takes; they stay until they are `taken`. */
  get next(): ReadonlyArray<Uint8Array> {
    const { block, overhead } = this.#limits
    let bytes = 0
    const end = this.#items.findIndex((item) => (bytes += item.length + overhead) > block)
    return end < 0 ? this.#items.slice() : this.#items.slice(0, end)
  }

  /** They are part of a block now. */
  taken(items: ReadonlyArray<Uint8Array>): void {
    const gone = new Set(items)
    this.#items = this.#items.filter((item) => !gone.has(item))
    this.#bytes = this.#items.reduce((sum, item) => sum + item.length, 0)
  }

  /** They were part of a block that is not on the chain any more: they go first, as far as there is room. */
  returned(items: ReadonlyArray<Uint8Array>): void {
    const waiting = this.#items
    this.#items = []
    this.#bytes = 0
    for (const item of [...items, ...waiting]) this.add(item)
  }
}
