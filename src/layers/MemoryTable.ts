/**
 * Rows by key, in the order of their keys, whose every change can be taken back by the transaction that made it.
 *
 * Rows are values: replace one, never change it. Keys compare with `<`.
 */
import type { UndoLog } from "./MemoryDatabase.ts"

export class MemoryTable<K extends string | bigint, V> {
  private rows = new Map<K, V>()
  private last: K | undefined
  private sorted = true
  private readonly log: UndoLog
  constructor(log: UndoLog) {
    this.log = log
  }

  get size(): number {
    return this.rows.size
  }

  get(key: K): V | undefined {
    return this.rows.get(key)
  }

  set(key: K, row: V): void {
    const before = this.rows.get(key)
    const known = this.rows.has(key)
    this.put(key, row)
    this.log.record(() => {
      if (known && before !== undefined) this.put(key, before)
      else this.rows.delete(key)
    })
  }

  delete(key: K): boolean {
    const before = this.rows.get(key)
    if (before === undefined) return false
    this.rows.delete(key)
    this.log.record(() => this.put(key, before))
    return true
  }

  /** Deletes the first rows for which `gone` holds, at most `limit`; returns how many. */
  deleteWhere(gone: (row: V) => boolean, limit = Number.POSITIVE_INFINITY): number {
    let count = 0
    this.sort()
    for (const [key, row] of this.rows) {
      if (count >= limit) break
      if (gone(row) && this.delete(key)) count++
    }
    return count
  }

  /** Rows in the order of their keys. Deleting and replacing rows while walking is allowed, adding is not. */
  *[Symbol.iterator](): IterableIterator<V> {
    this.sort()
    yield* this.rows.values()
  }

  private put(key: K, row: V): void {
    if (!this.rows.has(key)) {
      if (this.last !== undefined && key < this.last) this.sorted = false
      else this.last = key
    }
    this.rows.set(key, row)
  }

  private sort(): void {
    if (this.sorted) return
    this.rows = new Map([...this.rows].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
    this.sorted = true
  }
}
