/**
 * One kind of rows of a ledger in a memory database, numbered from 1 in the order of writing. Rows may go when nobody will
 * ask for them any more; their numbers are not given again.
 */
import { MemoryTable } from "../../layers/MemoryTable.ts"
import type { UndoLog } from "../../layers/MemoryDatabase.ts"

export class LedgerRows<V extends { readonly id: string }> {
  readonly #rows: MemoryTable<bigint, V>
  readonly #counts: MemoryTable<"written", bigint>

  constructor(log: UndoLog) {
    this.#rows = new MemoryTable(log)
    this.#counts = new MemoryTable(log)
  }

  /** Rows that have been written, also those that have gone. */
  get written(): number {
    return Number(this.#counts.get("written") ?? 0n)
  }

  append(row: V): void {
    const place = BigInt(this.written) + 1n
    this.#rows.set(place, row)
    this.#counts.set("written", place)
  }

  /** Removes the rows of these messages. */
  remove(ids: ReadonlySet<string>): void {
    if (ids.size > 0) this.#rows.deleteWhere(({ id }) => ids.has(id))
  }

  /** Rows with a greater number than this, in the order of writing. */
  *after(place: number): IterableIterator<V> {
    for (let next = place + 1; next <= this.written; next++) {
      const row = this.#rows.get(BigInt(next))
      if (row !== undefined) yield row
    }
  }

  [Symbol.iterator](): IterableIterator<V> {
    return this.#rows[Symbol.iterator]()
  }
}
