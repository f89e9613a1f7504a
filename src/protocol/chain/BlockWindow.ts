/**
 * The blocks that come next on the best chain, with the bodies that are here already: they may come in any order, and are
 * taken in the chain's. Plain and mutable, bounded by whoever fills it.
 */
import type { Linked } from "./HeaderTree.ts"

/** A block that is wanted. */
export interface Wanted<H extends Linked> {
  readonly header: H
  readonly height: number
}

/** A block that is here. */
export interface Held<H extends Linked> extends Wanted<H> {
  readonly body: Uint8Array
}

export class BlockWindow<H extends Linked> {
  #wanted: ReadonlyArray<Wanted<H>> = []
  #byId = new Map<string, Wanted<H>>()
  #bodies = new Map<string, Uint8Array>()
  /** Where the ones that were taken end in `#wanted`. */
  #taken = 0
  #bytes = 0

  /** The blocks that come next, in the chain's order. What is held of them stays, of others it is forgotten. */
  fill(wanted: ReadonlyArray<Wanted<H>>): void {
    const bodies = this.#bodies
    this.#wanted = wanted
    this.#taken = 0
    this.#byId = new Map(wanted.map((one) => [one.header.id, one]))
    this.#bodies = new Map()
    this.#bytes = 0
    for (const [id, body] of bodies) if (this.#byId.has(id)) this.#keep(id, body)
  }

  /** The block of this id, if it is wanted. */
  get(id: string): Wanted<H> | undefined {
    return this.#byId.get(id)
  }

  has(id: string): boolean {
    return this.#bodies.has(id)
  }

  /** A body of a block that is wanted. */
  hold(id: string, body: Uint8Array): void {
    if (this.#byId.has(id) && !this.#bodies.has(id)) this.#keep(id, body)
  }

  /** Blocks that have not been taken. */
  get size(): number {
    return this.#wanted.length - this.#taken
  }

  /** The next block that has not been taken; nothing behind the last. */
  get next(): Wanted<H> | undefined {
    return this.#wanted[this.#taken]
  }

  /** The next block whose body is not here. */
  get missing(): Wanted<H> | undefined {
    for (let at = this.#taken; at < this.#wanted.length; at++) {
      const wanted = this.#wanted[at]!
      if (!this.#bodies.has(wanted.header.id)) return wanted
    }
    return undefined
  }

  /** The last one. */
  get last(): Wanted<H> | undefined {
    return this.#wanted.at(-1)
  }

  /** Of bodies that are here. */
  get bytes(): number {
    return this.#bytes
  }

  /** Bodies that are here. */
  get held(): number {
    return this.#bodies.size
  }

  /** The next blocks up to the first whose body is not here; at most so many, and so many bytes, but one at the least. */
  ready(most: number, mostBytes: number): ReadonlyArray<Held<H>> {
    const out: Array<Held<H>> = []
    let bytes = 0
    for (let at = this.#taken; at < this.#wanted.length && out.length < most; at++) {
      const wanted = this.#wanted[at]!
      const body = this.#bodies.get(wanted.header.id)
      if (body === undefined) break
      bytes += body.length
      if (out.length > 0 && bytes > mostBytes) break
      out.push({ ...wanted, body })
    }
    return out
  }

  /** So many of the next blocks are done with. */
  take(count: number): void {
    const end = Math.min(this.#taken + count, this.#wanted.length)
    for (; this.#taken < end; this.#taken++) {
      const { id } = this.#wanted[this.#taken]!.header
      this.#bytes -= this.#bodies.get(id)?.length ?? 0
      this.#bodies.delete(id)
      this.#byId.delete(id)
    }
  }

  #keep(id: string, body: Uint8Array): void {
    this.#bodies.set(id, body)
    this.#bytes += body.length
  }
}
