/** A queue that gives back what went in first, without moving the rest. */
export class Fifo<A> {
  #items: Array<A> = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  get first(): A | undefined {
    return this.#items[this.#head]
  }

  get last(): A | undefined {
    return this.#items[this.#items.length - 1]
  }

  push(item: A): void {
    this.#items.push(item)
  }

  shift(): A | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    if (++this.#head === this.#items.length) this.clear()
    else if (this.#head >= 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }

  /** Oldest first. Nothing may be added or taken meanwhile. */
  forEach(visit: (item: A) => void): void {
    for (let i = this.#head; i < this.#items.length; i++) visit(this.#items[i]!)
  }
}
