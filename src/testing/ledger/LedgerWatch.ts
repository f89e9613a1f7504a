/**
 * Watches the ledgers of all nodes from outside, commit by commit: what takes effect has been committed by its sender
 * before, once and in order; what a sender learns is true; nothing that was sent is neither owed nor concluded.
 *
 * It looks into databases in memory only. What the nodes of SQL databases wrote is compared at the end (`compare`).
 */
import { feedIn } from "../../layers/FeedStoreMemory.ts"
import { rowsIn } from "../../layers/retry/MemoryRows.ts"
import type { MemoryDatabase } from "../../layers/MemoryDatabase.ts"
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import type { Watcher, Watching } from "../cluster/Scenario.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { type Account, tablesIn } from "./Ledger.ts"
import { type Book, LedgerBooks } from "./LedgerBooks.ts"
import type { Concluded, Effected, Sent } from "./LedgerMessage.ts"
import { hasEffect } from "./LedgerProtocol.ts"
import { Promptness } from "./Promptness.ts"
import { Retention } from "./Retention.ts"

export const once = "effect exactly once"
export const inOrder = "effect in order"
export const afterCommit = "nothing before its commit"
export const receiptAfter = "no receipt before the effect's commit"
export const conserved = "sent is acked, pending or shed"
export const truthful = "outcomes are right"
export const arrives = "everything arrives"

export class LedgerWatch implements Watcher {
  readonly #watching: Watching
  readonly #books: LedgerBooks
  readonly #retention: Retention
  readonly #promptness: Promptness
  #anyRestored = false

  constructor(watching: Watching, plan: FaultPlan) {
    this.#watching = watching
    this.#books = new LedgerBooks(watching.view.nodes)
    this.#retention = new Retention(watching.view, this.#books, plan)
    this.#promptness = new Promptness(watching, plan)
  }

  readonly committed = (node: string, { memory }: SimulatedDatabase): void => {
    if (memory === undefined) return
    const tables = tablesIn.of(memory)
    const { conclusions, effects, sent } = tables
    const book = this.#books.of(node)
    const { read } = book
    book.from = { tables, owed: rowsIn.of(memory) }
    for (const row of sent.after(read.sent)) this.#sent(node, book, row)
    for (const row of effects.after(read.effects)) this.#effect(node, book, row)
    for (const row of conclusions.after(read.conclusions)) this.#conclusion(node, book, row)
    book.read = { sent: sent.written, effects: effects.written, conclusions: conclusions.written }
    this.#balance(node, book, memory)
    this.#retention.read(node)
  }

  /** From here on the node tells another story, and what its peers owe it is sent again under new ids. */
  readonly restored = (node: string): void => {
    this.#anyRestored = true
    this.#retention.restored(node)
    this.#books.restart(node)
  }

  #sent(node: string, book: Book, row: Sent): void {
    book.sent.set(row.id, row)
    this.#books.ever.set(row.id, row)
    this.#promptness.sent(node, row)
    this.#watching.count("messages sent")
    this.#watching.note(node, "sent", { to: this.#books.nameOf(row.to), n: row.n, wish: row.wish })
  }

  #effect(node: string, book: Book, row: Effected): void {
    const from = this.#books.nameOf(row.from)
    const what = `message ${row.n} of ${from} at ${node}`
    this.#watching.count("effects")
    this.#watching.note(node, "effect", { from, n: row.n })
    const sent = this.#books.ever.get(row.id)
    if (sent === undefined) return this.#watching.violated(afterCommit, `${what} took effect and was never committed`)
    if (!hasEffect(sent))
      return this.#watching.violated(
        truthful,
        `${what} took effect and was to be ${sent.wish === "stale" ? "stale" : "refused"}`
      )
    if (book.effects.has(row.id)) return this.#watching.violated(once, `${what} took effect again`)
    book.effects.set(row.id, row)
    if (!this.#books.of(from).sent.has(row.id)) this.#retention.orphaned(node, row)
    this.#promptness.effect(from, node, row)
    const lane = `${from}/${row.subject}`
    const last = book.last.get(lane) ?? 0
    if (row.n < last && !this.#anyRestored) {
      return this.#watching.violated(inOrder, `${what} took effect after message ${last} of "${row.subject}"`)
    }
    book.last.set(lane, Math.max(last, row.n))
  }

  #conclusion(node: string, book: Book, row: Concluded): void {
    const sent = book.sent.get(row.id)
    this.#watching.count(`outcomes: ${row.outcome}`)
    this.#retention.concluded(node, row.id)
    if (sent === undefined) return
    const to = this.#books.nameOf(row.to)
    const what = `message ${sent.n} of ${node} to ${to}`
    if (book.conclusions.has(row.id) && !this.#anyRestored)
      return this.#watching.violated(truthful, `${what} was concluded twice`)
    book.conclusions.set(row.id, row)
    this.#watching.note(node, "concluded", { to, n: sent.n, outcome: row.outcome })
    const expected = sent.wish === "refuse" ? "Refused" : sent.wish === "stale" ? "Stale" : "Ok"
    if (row.outcome !== expected)
      this.#watching.violated(truthful, `${what} is ${expected}, and was told ${row.outcome}`)
    else if (expected === "Ok" && !this.#anyRestored && !this.#books.of(to).effects.has(row.id)) {
      this.#watching.violated(receiptAfter, `${what} was receipted and has not taken effect`)
    }
  }

  /** What was sent, is not concluded and has not been shed with an event is in the outbox. */
  #balance(node: string, book: Book, memory: MemoryDatabase["Service"]): void {
    if (this.#anyRestored) return
    const shed = expired(memory)
    const owed = rowsIn.of(memory).ids.size - (shed === 0 ? 0 : voids(memory))
    const open = book.sent.size - book.conclusions.size - shed
    if (owed !== open) {
      this.#watching.violated(conserved, `${node} has ${open} messages without an outcome and owes ${owed}`)
    }
  }
}

/** The events that say of a message that its time was over. */
const expired = (memory: MemoryDatabase["Service"]): number => {
  const { published, waiting } = feedIn.of(memory)
  let events = 0
  for (const { kind } of [...published, ...waiting]) if (kind === "message.expired") events++
  return events
}

/** Messages that have been taken back and still have their numbers. */
const voids = (memory: MemoryDatabase["Service"]): number => {
  const rows = rowsIn.of(memory)
  let taken = 0
  for (const { peer } of rows.links) for (const row of rows.of(peer).outbox) if (row.void) taken++
  return taken
}

/** What does not fit together in the ledgers of all nodes, by key, once everything is quiet. */
export const compare = (accounts: ReadonlyMap<string, Account>): string | undefined => {
  for (const [key, { conclusions, sent }] of accounts) {
    const concluded = new Set(conclusions.map(({ id }) => id))
    for (const row of sent) {
      const what = `message ${row.n} of ${key.slice(0, 8)} to ${row.to.slice(0, 8)}`
      if (!concluded.has(row.id)) return `${what} has no outcome`
      const times = accounts.get(row.to)?.effects.filter(({ id }) => id === row.id).length ?? 0
      if (times !== (hasEffect(row) ? 1 : 0)) return `${what} (${row.wish}) took effect ${times} times`
    }
  }
  return undefined
}
