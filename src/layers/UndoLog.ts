/**
 * What the open transaction of a database in memory has changed, so that all of it can be taken back, and the tables
 * it has been changed in, so that what is committed can be remembered and put back as a whole.
 *
 * It grows with the changes of the open transaction alone: a commit clears it.
 */

/** Rows that live in a database. */
export interface Table {
  /** Remembers the rows; what it returns puts them back. */
  readonly copy: () => () => void
  readonly clear: () => void
}

/** The tables of a database, and what its open transaction has changed in them, newest last. */
export class UndoLog {
  private changes: Array<() => void> = []
  private readonly tables: Array<Table> = []
  get mark(): number {
    return this.changes.length
  }
  /** Notes a change that has been made. Calling it takes the change back, calling it again makes it again. */
  record(change: () => void): void {
    this.changes.push(change)
  }
  rollback(mark: number): void {
    while (this.changes.length > mark) this.changes.pop()?.()
  }
  clear(): void {
    this.changes = []
  }
  register(table: Table): void {
    this.tables.push(table)
  }
  /** What `read` returns of the rows that are committed. */
  committed<A>(read: () => A): A {
    for (const change of this.changes.toReversed()) change()
    try {
      return read()
    } finally {
      for (const change of this.changes) change()
    }
  }
  /** Remembers the rows that are committed; what it returns puts them back, with no transaction open. */
  snapshot(): () => void {
    const copies = this.committed(() => new Map(this.tables.map((table) => [table, table.copy()])))
    return () => {
      this.clear()
      for (const table of this.tables) (copies.get(table) ?? (() => table.clear()))()
    }
  }
  wipe(): void {
    this.clear()
    for (const table of this.tables) table.clear()
  }
}
