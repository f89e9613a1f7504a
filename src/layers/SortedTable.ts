/**
 * Rows by text, in the order of the texts, in a `MemoryDatabase`: for who reads ranges while others write.
 *
 * Where a `MemoryTable` sorts anew after a row that came out of order, this one keeps the order: a change moves at most 512 keys and
 * looks at one key for each 256 rows or so, a range costs that and its rows.
 */
import type { Table, UndoLog } from "./UndoLog.ts"

const most = 512

/** The first of sorted things for which `reached` holds, and for all behind it; their number if there is none. */
const search = <A>(sorted: ReadonlyArray<A>, reached: (item: A) => boolean): number => {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (reached(sorted[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

export class SortedTable<V> implements Table {
  private readonly rows = new Map<string, V>()
  /** The keys, cut into runs; no run is empty. */
  private runs: Array<Array<string>> = []
  private readonly log: UndoLog
  constructor(log: UndoLog) {
    this.log = log
    log.register(this)
  }

  get size(): number {
    return this.rows.size
  }

  get(key: string): V | undefined {
    return this.rows.get(key)
  }

  set(key: string, row: V): void {
    this.change(key, row)
  }

  delete(key: string): boolean {
    if (!this.rows.has(key)) return false
    this.change(key, undefined)
    return true
  }

  /** The first rows whose keys are at least `from` and below `to`, or the last, from behind. */
  range(from: string, to: string, limit: number, backwards = false): ReadonlyArray<V> {
    const found: Array<V> = []
    for (const key of backwards ? this.down(from, to) : this.up(from, to)) {
      if (found.length >= limit) break
      found.push(this.rows.get(key)!)
    }
    return found
  }

  /** All rows, in order. Nothing may change meanwhile. */
  *[Symbol.iterator](): IterableIterator<V> {
    for (const run of this.runs) for (const key of run) yield this.rows.get(key)!
  }

  /** Remembers the rows; what it returns puts them back. */
  copy(): () => void {
    const rows = [...this.rows]
    return () => {
      this.clear()
      for (const [key, row] of rows) this.put(key, row)
    }
  }

  clear(): void {
    this.rows.clear()
    this.runs = []
  }

  private *up(from: string, to: string): IterableIterator<string> {
    const first = search(this.runs, (run) => run.at(-1)! >= from)
    for (let at = first; at < this.runs.length; at++) {
      const run = this.runs[at]!
      for (let n = at === first ? search(run, (key) => key >= from) : 0; n < run.length; n++) {
        if (run[n]! >= to) return
        yield run[n]!
      }
    }
  }

  private *down(from: string, to: string): IterableIterator<string> {
    const last = search(this.runs, (run) => run[0]! >= to) - 1
    for (let at = last; at >= 0; at--) {
      const run = this.runs[at]!
      for (let n = (at === last ? search(run, (key) => key >= to) : run.length) - 1; n >= 0; n--) {
        if (run[n]! < from) return
        yield run[n]!
      }
    }
  }

  private change(key: string, row: V | undefined): void {
    let other = this.rows.get(key)
    this.put(key, row)
    this.log.record(() => {
      const now = this.rows.get(key)
      this.put(key, other)
      other = now
    })
  }

  private put(key: string, row: V | undefined): void {
    if (row === undefined) {
      if (this.rows.delete(key)) this.removeKey(key)
      return
    }
    if (!this.rows.has(key)) this.addKey(key)
    this.rows.set(key, row)
  }

  private addKey(key: string): void {
    const at = Math.min(
      search(this.runs, (run) => run.at(-1)! >= key),
      this.runs.length - 1
    )
    const run = this.runs[at]
    if (run === undefined) {
      this.runs.push([key])
      return
    }
    run.splice(
      search(run, (other) => other >= key),
      0,
      key
    )
    if (run.length > most) this.runs.splice(at + 1, 0, run.splice(most >>> 1))
  }

  private removeKey(key: string): void {
    const at = search(this.runs, (run) => run.at(-1)! >= key)
    const run = this.runs[at]!
    run.splice(
      search(run, (other) => other >= key),
      1
    )
    if (run.length === 0) this.runs.splice(at, 1)
  }
}
