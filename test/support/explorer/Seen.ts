/**
 * A set of texts that keeps 53 bits of each and nothing else: eight bytes a text in an open-addressed table.
 */

/** 53 bits of a text (cyrb53). */
const hash = (text: string): number => {
  let h1 = 0xdeadbeef
  let h2 = 0x41c6ce57
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    h1 = Math.imul(h1 ^ code, 2654435761)
    h2 = Math.imul(h2 ^ code, 1597334677)
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909)
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909)
  return 4294967296 * (2097151 & h2) + (h1 >>> 0)
}

export class Seen {
  size = 0
  /** A power of two of slots; zero is an empty one. */
  #slots = new Float64Array(1 << 14)

  /** Whether the text was not there yet. */
  add(text: string): boolean {
    if (this.size * 3 > this.#slots.length * 2) this.#grow()
    const isNew = this.#put(this.#slots, hash(text) + 1)
    if (isNew) this.size++
    return isNew
  }

  #put(slots: Float64Array, value: number): boolean {
    const mask = slots.length - 1
    let at = value & mask
    while (slots[at] !== 0) {
      if (slots[at] === value) return false
      at = (at + 1) & mask
    }
    slots[at] = value
    return true
  }

  #grow(): void {
    const larger = new Float64Array(this.#slots.length * 2)
    for (const value of this.#slots) if (value !== 0) this.#put(larger, value)
    this.#slots = larger
  }
}
