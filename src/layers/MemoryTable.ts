/**
 * Rows by key, in the order of their keys, whose every change can be taken back by the transaction that made it.
 *
 * Rows are values: replace one, never change it. Keys compare with `<`.
 */
import type { Table, UndoLog } from "./UndoLog.ts"

export class MemoryTable<K extends string | bigint, V> implements Table {
  private rows = new Map<K, V>()
  private last: K | undefined
  private sorted = true
  private readonly log: UndoLog
  constructor(log: UndoLog) {
    this.log = log
    log.register(this)
  }

  get size(): number {
    return this.rows.size
  }

  get(key: K): V | undefined {
    return this.rows.get(key)
  }

  set(key: K, row: V): void {
    this.change(key, row)
  }

  delete(key: K): boolean {
    if (this.rows.get(key) === undefined) return false
    this.change(key, undefined)
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

  /** Remembers the rows; what it returns puts them back. */
  copy(): () => void {
    const kept = new Map(this.rows)
    return () => {
      this.clear()
      for (const [key, row] of kept) this.put(key, row)
    }
  }

  /** Forgets every row, for good. */
  clear(): void {
    this.rows = new Map()
    this.last = undefined
    this.sorted = true
  }

  private change(key: K, row: V | undefined): void {
    let other = this.rows.get(key)
    this.put(key, row)
    this.log.record(() => {
      const now = this.rows.get(key)
      this.put(key, other)
      other = now
    })
  }

  private put(key: K, row: V | undefined): void {
    if (row === undefined) {
      this.rows.delete(key)
      return
    }
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
