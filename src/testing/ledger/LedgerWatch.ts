/**
 * Watches the ledgers of all nodes from outside, commit by commit: what takes effect has been committed by its sender
 * before, once and in order; what a sender learns is true; nothing that was sent is neither owed nor concluded; what was
 * taken back in time never takes effect.
 *
 * It looks into databases in memory only. What the nodes of SQL databases wrote is compared at the end (`compare`).
 */
import { feedIn } from "../../layers/FeedStoreMemory.ts"
import { rowsIn } from "../../layers/retry/MemoryRows.ts"
import type { MemoryDatabase } from "../../layers/MemoryDatabase.ts"
import type { MemoryTable } from "../../layers/MemoryTable.ts"
import type { MessageId } from "../../protocol/delivery/Message.ts"
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import type { Watcher, Watching } from "../cluster/Scenario.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { type Account, tablesIn } from "./Ledger.ts"
import { Bounds } from "./Bounds.ts"
import type { Cancelled, Concluded, Effected, Sent } from "./LedgerMessage.ts"
import { hasEffect } from "./LedgerProtocol.ts"
import { Owing } from "./Owing.ts"
import { Promptness } from "./Promptness.ts"

export const once = "effect exactly once"
export const inOrder = "effect in order"
export const afterCommit = "nothing before its commit"
export const receiptAfter = "no receipt before the effect's commit"
export const conserved = "sent is acked, pending or shed"
export const truthful = "outcomes are right"
export const arrives = "everything arrives"
export const staysBack = "what is taken back stays back"

/** What has been read of one node's ledger so far. */
class Book {
  readonly sent = new Map<string, Sent>()
  readonly effects = new Map<string, Effected>()
  readonly conclusions = new Map<string, Concluded>()
  readonly cancellations = new Map<string, Cancelled>()
  /** What has been sent and neither concluded nor taken back. */
  readonly open = new Map<MessageId, Sent>()
  /** The number of the last message of each sender and subject that took effect. */
  readonly last = new Map<string, number>()
  read = { sent: 0, effects: 0, conclusions: 0, cancellations: 0 }
}

const newRows = function* <V>(table: MemoryTable<bigint, V>, read: number): IterableIterator<V> {
  for (let place = read + 1; place <= table.size; place++) {
    const row = table.get(BigInt(place))
    if (row !== undefined) yield row
  }
}

export class LedgerWatch implements Watcher {
  readonly #watching: Watching
  readonly #books = new Map<string, Book>()
  readonly #names = new Map<string, string>()
  /** Everything that any node has ever committed, by its id: a restored node forgets, its peers do not. */
  readonly #ever = new Map<string, Sent>()
  readonly #promptness: Promptness
  readonly #owing: Owing
  readonly #bounds: Bounds
  #anyRestored = false

  constructor(watching: Watching, plan: FaultPlan) {
    this.#watching = watching
    this.#promptness = new Promptness(watching, plan)
    this.#owing = new Owing(watching, plan)
    this.#bounds = new Bounds(watching, plan)
    for (const { key, name } of watching.view.nodes) this.#names.set(key, name)
  }

  readonly committed = (node: string, { memory }: SimulatedDatabase): void => {
    if (memory === undefined) return
    const tables = tablesIn.of(memory)
    const now = this.#book(node)
    for (const row of newRows(tables.sent, now.read.sent)) this.#sent(node, now, row)
    for (const row of newRows(tables.effects, now.read.effects)) this.#effect(node, now, row)
    for (const row of newRows(tables.cancellations, now.read.cancellations)) this.#cancellation(node, now, row)
    for (const row of newRows(tables.conclusions, now.read.conclusions)) this.#conclusion(node, now, row, memory)
    now.read = {
      sent: tables.sent.size,
      effects: tables.effects.size,
      conclusions: tables.conclusions.size,
      cancellations: tables.cancellations.size
    }
    if (this.#anyRestored) return
    this.#balance(node, now, memory)
    this.#owing.committed(node, memory, now.open)
    const self = this.#watching.view.nodes.find(({ name }) => name === node)
    if (self !== undefined) this.#bounds.committed(self, memory)
  }

  /** From here on the node tells another story, and what its peers owe it is sent again under new ids. */
  readonly restored = (node: string): void => {
    this.#anyRestored = true
    this.#books.set(node, new Book())
  }

  #book(node: string): Book {
    let book = this.#books.get(node)
    if (book === undefined) this.#books.set(node, (book = new Book()))
    return book
  }

  #name(key: string): string {
    return this.#names.get(key) ?? key
  }

  #sent(node: string, book: Book, row: Sent): void {
    book.sent.set(row.id, row)
    book.open.set(row.messageId, row)
    this.#ever.set(row.id, row)
    this.#promptness.sent(node, row)
    this.#watching.count("messages sent")
    this.#watching.note(node, "sent", { to: this.#name(row.to), n: row.n, wish: row.wish })
  }

  #effect(node: string, book: Book, row: Effected): void {
    const from = this.#name(row.from)
    const what = `message ${row.n} of ${from} at ${node}`
    this.#watching.count("effects")
    this.#watching.note(node, "effect", { from, n: row.n })
    const sent = this.#ever.get(row.id)
    if (sent === undefined) return this.#watching.violated(afterCommit, `${what} took effect and was never committed`)
    if (!hasEffect(sent)) return this.#watching.violated(truthful, `${what} took effect and asked to be ${sent.wish}d`)
    if (book.effects.has(row.id)) return this.#watching.violated(once, `${what} took effect again`)
    book.effects.set(row.id, row)
    if (this.#book(from).cancellations.get(row.id)?.outcome === "cancelled" && !this.#anyRestored) {
      return this.#watching.violated(staysBack, `${what} took effect and was taken back before`)
    }
    this.#promptness.effect(from, node, row)
    const lane = `${from}/${row.subject}`
    const last = book.last.get(lane) ?? 0
    if (row.n < last && !this.#anyRestored) {
      return this.#watching.violated(inOrder, `${what} took effect after message ${last} of "${row.subject}"`)
    }
    book.last.set(lane, Math.max(last, row.n))
  }

  #cancellation(node: string, book: Book, row: Cancelled): void {
    const sent = book.sent.get(row.id)
    this.#watching.count(`taken back: ${row.outcome}`)
    if (sent === undefined) return
    const to = this.#name(row.to)
    const what = `message ${sent.n} of ${node} to ${to}`
    book.cancellations.set(row.id, row)
    book.open.delete(sent.messageId)
    this.#promptness.takenBack(node, sent)
    this.#watching.note(node, "taken back", { to, n: sent.n, outcome: row.outcome })
    if (row.outcome === "cancelled" && !this.#anyRestored && this.#book(to).effects.has(row.id)) {
      this.#watching.violated(staysBack, `${what} was taken back and has taken effect before`)
    }
  }

  #conclusion(node: string, book: Book, row: Concluded, memory: MemoryDatabase["Service"]): void {
    const sent = book.sent.get(row.id)
    this.#watching.count(`outcomes: ${row.outcome}`)
    if (sent === undefined) return
    const to = this.#name(row.to)
    const what = `message ${sent.n} of ${node} to ${to}`
    if (book.conclusions.has(row.id) && !this.#anyRestored)
      return this.#watching.violated(truthful, `${what} was concluded twice`)
    if (book.cancellations.has(row.id) && !this.#anyRestored)
      return this.#watching.violated(truthful, `${what} was concluded and had been taken back`)
    book.conclusions.set(row.id, row)
    book.open.delete(sent.messageId)
    if (!this.#anyRestored) this.#owing.concluded(node, memory, sent, row)
    this.#watching.note(node, "concluded", { to, n: sent.n, outcome: row.outcome })
    const expected = sent.wish === "refuse" ? "Refused" : sent.wish === "stale" ? "Stale" : "Ok"
    if (row.outcome !== expected)
      this.#watching.violated(truthful, `${what} is ${expected}, and was told ${row.outcome}`)
    else if (expected === "Ok" && !this.#anyRestored && !this.#book(to).effects.has(row.id)) {
      this.#watching.violated(receiptAfter, `${what} was receipted and has not taken effect`)
    }
  }

  /** What was sent, is not concluded and has neither been shed with an event nor taken back is in the outbox. */
  #balance(node: string, book: Book, memory: MemoryDatabase["Service"]): void {
    const shed = expired(memory) + book.cancellations.size
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
export const compare = (accounts: ReadonlyMap<string, Account & { readonly name: string }>): string | undefined => {
  for (const { cancellations, conclusions, name, sent } of accounts.values()) {
    const concluded = new Set(conclusions.map(({ id }) => id))
    const cancelled = new Map(cancellations.map(({ id, outcome }) => [id, outcome]))
    for (const row of sent) {
      const to = accounts.get(row.to)
      const what = `message ${row.n} of ${name} to ${to?.name ?? row.to}`
      const times = to?.effects.filter(({ id }) => id === row.id).length ?? 0
      const takenBack = cancelled.get(row.id)
      if (takenBack !== undefined && times <= (takenBack === "unknown" && hasEffect(row) ? 1 : 0)) continue
      if (takenBack !== undefined) return `${what} (${row.wish}) was taken back and took effect ${times} times`
      if (!concluded.has(row.id)) return `${what} has no outcome`
      if (times !== (hasEffect(row) ? 1 : 0)) return `${what} (${row.wish}) took effect ${times} times`
    }
  }
  return undefined
}
