/**
 * A binary heap: what comes first is taken first, whatever the order in which it was put in. Of equals the one that was
 * put in first.
 */
export class Heap<A> {
  readonly #before: (a: A, b: A) => boolean
  readonly #items: Array<{ readonly value: A; readonly order: number }> = []
  #order = 0

  /** `before`: strictly. */
  constructor(before: (a: A, b: A) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  get first(): A | undefined {
    return this.#items[0]?.value
  }

  push(value: A): void {
    const items = this.#items
    const item = { value, order: this.#order++ }
    let at = items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!this.#isBefore(item, items[parent]!)) break
      items[at] = items[parent]!
      at = parent
    }
    items[at] = item
  }

  pop(): A | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (first === undefined || last === undefined || items.length === 0) return first?.value
    let at = 0
    while (true) {
      const child = this.#firstChild(at)
      if (child === undefined || !this.#isBefore(items[child]!, last)) break
      items[at] = items[child]!
      at = child
    }
    items[at] = last
    return first.value
  }

  #firstChild(at: number): number | undefined {
    const left = 2 * at + 1
    const right = left + 1
    if (left >= this.#items.length) return undefined
    return right < this.#items.length && this.#isBefore(this.#items[right]!, this.#items[left]!) ? right : left
  }

  #isBefore(
    a: { readonly value: A; readonly order: number },
    b: { readonly value: A; readonly order: number }
  ): boolean {
    return this.#before(a.value, b.value) || (a.order < b.order && !this.#before(b.value, a.value))
  }
}
