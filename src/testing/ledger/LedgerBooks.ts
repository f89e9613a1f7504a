/**
 * What has been read of the ledgers of all nodes, and everything that any of them has ever committed.
 */
import type { RetryRows } from "../../layers/retry/MemoryRows.ts"
import type { LedgerTables } from "./Ledger.ts"
import type { Concluded, Effected, Sent } from "./LedgerMessage.ts"

/** What has been read of one node's ledger so far; messages by their ids. */
export class Book {
  readonly sent = new Map<string, Sent>()
  readonly effects = new Map<string, Effected>()
  readonly conclusions = new Map<string, Concluded>()
  /** The number of the last message of each sender and subject that took effect. */
  readonly last = new Map<string, number>()
  /** Rows that have been read. */
  read = { sent: 0, effects: 0, conclusions: 0 }
  /** What it is read from, and what the node owes, once it has been read. */
  from: { readonly tables: LedgerTables; readonly owed: RetryRows } | undefined
}

export class LedgerBooks {
  /** What was committed, by its id: a restored node forgets, its peers do not. */
  readonly ever = new Map<string, Sent>()
  readonly #books = new Map<string, Book>()
  readonly #names: ReadonlyMap<string, string>

  constructor(nodes: ReadonlyArray<{ readonly key: string; readonly name: string }>) {
    this.#names = new Map(nodes.map(({ key, name }) => [key, name]))
  }

  get all(): Iterable<readonly [node: string, book: Book]> {
    return this.#books
  }

  /** The book of the node that has this name. */
  of(node: string): Book {
    let book = this.#books.get(node)
    if (book === undefined) this.#books.set(node, (book = new Book()))
    return book
  }

  /** The node's database is what it once was: it is read from the beginning. */
  restart(node: string): void {
    this.#books.set(node, new Book())
  }

  nameOf(key: string): string {
    return this.#names.get(key) ?? key
  }
}
