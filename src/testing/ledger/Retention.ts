/**
 * How long ledgers keep what has been compared. In a run of an hour and more a message goes once it is settled: its
 * sender has learned its end, its receiver shows the effect that it asked for, and no database that goes back can change
 * that. First the sender forgets it, then the receiver, then whoever watches.
 *
 * Each step waits for longer than the age that any backup of the plan may have, and begins to wait anew whenever a
 * database has gone back. A message that takes effect after all of them counts as one that was never committed.
 */
import type { View } from "../cluster/Scenario.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import type { LedgerBooks } from "./LedgerBooks.ts"
import type { Effected } from "./LedgerMessage.ts"
import { hasEffect } from "./LedgerProtocol.ts"

/** Milliseconds from which on a run is long. */
const long = 3_600_000
/** Milliseconds that a message is kept at least once it is settled, besides the age of the oldest backup. */
const margin = 60_000

/** What is next to go of a message. */
interface Entry {
  readonly step: "sent" | "effect" | "ever"
  /** Where it is. */
  readonly node: string
  readonly id: string
  /** Of an effect: the sender, and the place of the last message that it owed when it forgot this one. */
  readonly sender?: string | undefined
  readonly place?: bigint | undefined
  /** Whether nothing of the message was under way any more when it began to wait. */
  readonly clear?: boolean | undefined
}

/** Microseconds that each step waits; `undefined` if nothing may be forgotten. */
const lagOf = ({ duration, faults }: FaultPlan): number | undefined => {
  const oldest = faults.reduce((most, { fault, when }) => {
    if (fault._tag !== "RestoreBackup") return most
    return "at" in when ? Math.max(most, when.at - fault.takenAt) : Number.POSITIVE_INFINITY
  }, 0)
  return duration < long || oldest === Number.POSITIVE_INFINITY ? undefined : (oldest + margin) * 1_000
}

export class Retention {
  readonly #view: Pick<View, "now">
  readonly #books: LedgerBooks
  readonly #lag: number | undefined
  /** By what they are, the oldest first, with the time since when. */
  readonly #waiting = new Map<string, { readonly entry: Entry; readonly since: number }>()
  /** What goes of each node with the next row that it writes. */
  readonly #going = new Map<string, Set<Entry>>()
  /** The place of the last message that each node has owed so far. */
  readonly #places = new Map<string, bigint>()
  /** Nodes of which a database has gone back and has not been read since. */
  readonly #unread = new Set<string>()
  #restoredAt = 0

  constructor(view: Pick<View, "now">, books: LedgerBooks, plan: FaultPlan) {
    this.#view = view
    this.#books = books
    this.#lag = lagOf(plan)
  }

  /** A node has learned the end of a message. */
  concluded(node: string, id: string): void {
    this.#wait({ step: "sent", node, id })
  }

  /** A message has taken effect at a node, and its sender knows nothing of it any more. */
  orphaned(node: string, { from, id }: Effected): void {
    const sender = this.#books.nameOf(from)
    this.#wait({ step: "effect", node, id, sender, place: this.#places.get(sender) })
  }

  /** The database of a node is read from the beginning from now on: nothing is settled for sure. */
  restored(node: string): void {
    if (this.#lag === undefined) return
    this.#restoredAt = this.#view.now
    this.#unread.add(node)
    for (const id of this.#books.of(node).sent.keys()) this.#wait({ step: "ever", node, id })
    for (const [other, { effects, from }] of this.#books.all) {
      from?.tables.settled.sent.clear()
      from?.tables.settled.effects.clear()
      for (const row of effects.values()) if (this.#books.nameOf(row.from) === node) this.orphaned(other, row)
      for (const entry of this.#going.get(other) ?? []) this.#wait(entry)
    }
    this.#going.clear()
  }

  /** The database of a node has been read as far as it is committed. */
  read(node: string): void {
    if (this.#lag === undefined) return
    this.#unread.delete(node)
    const places = this.#owed(node)
    this.#places.set(
      node,
      places.reduce((last, place) => (place > last ? place : last), this.#places.get(node) ?? 0n)
    )
    this.#confirm(node)
    const due = this.#view.now - this.#lag
    if (this.#unread.size > 0 || this.#restoredAt > due) return
    for (const [key, { entry, since }] of this.#waiting) {
      if (since > due) return
      this.#waiting.delete(key)
      this.#take(entry)
    }
  }

  /** The places of what a node owes. */
  #owed(node: string): ReadonlyArray<bigint> {
    const ids = this.#books.of(node).from?.owed.ids
    return ids === undefined ? [] : [...ids].map(({ place }) => place)
  }

  #wait(entry: Entry): void {
    if (this.#lag === undefined) return
    const key = `${entry.step} ${entry.node} ${entry.id}`
    this.#waiting.delete(key)
    this.#waiting.set(key, { entry, since: this.#view.now })
  }

  /** Lets go what is settled. */
  #take(entry: Entry): void {
    const { id, node, step } = entry
    if (step === "ever") return this.#forget(id)
    const settled = this.#books.of(node).from?.tables.settled
    if (settled === undefined) return
    if (step === "sent") {
      if (!this.#isSettled(node, id)) return this.#wait(entry)
      settled.sent.add(id)
    } else {
      if (this.#isSent(id)) return
      if (!this.#isClear(entry)) return this.#wait({ ...entry, clear: false })
      if (entry.clear !== true) return this.#wait({ ...entry, clear: true })
      settled.effects.add(id)
    }
    const going = this.#going.get(node) ?? new Set()
    this.#going.set(node, going.add(entry))
  }

  /** Takes what has gone out of the books, and lets what follows wait for its turn. */
  #confirm(node: string): void {
    const going = this.#going.get(node)
    const { conclusions, effects, from, sent } = this.#books.of(node)
    if (going === undefined || going.size === 0 || from === undefined) return
    const { settled } = from.tables
    const left = new Set([...from.tables.sent, ...from.tables.conclusions].map(({ id }) => id))
    const shown = new Set([...from.tables.effects].map(({ id }) => id))
    for (const entry of going) {
      const { id, step } = entry
      if ((step === "sent" ? left : shown).has(id)) continue
      going.delete(entry)
      if (step === "sent") {
        const message = sent.get(id)
        settled.sent.delete(id)
        sent.delete(id)
        conclusions.delete(id)
        const to = message === undefined ? node : this.#books.nameOf(message.to)
        const effect = this.#books.of(to).effects.get(id)
        if (effect === undefined) this.#wait({ step: "ever", node, id })
        else this.orphaned(to, effect)
      } else {
        settled.effects.delete(id)
        effects.delete(id)
        this.#wait({ step: "ever", node, id })
      }
    }
  }

  /** Whether a message, or what is left of it at its sender, has come to its end. */
  #isSettled(node: string, id: string): boolean {
    const { conclusions, sent } = this.#books.of(node)
    const message = sent.get(id)
    if (message === undefined) return true
    if (!conclusions.has(id)) return false
    return !hasEffect(message) || this.#books.of(this.#books.nameOf(message.to)).effects.has(id)
  }

  /** Whether the sender of an effect owes nothing any more that it owed when it forgot the message. */
  #isClear({ place = 0n, sender = "" }: Entry): boolean {
    return this.#owed(sender).every((owed) => owed > place)
  }

  #isSent(id: string): boolean {
    for (const [, { sent }] of this.#books.all) if (sent.has(id)) return true
    return false
  }

  #forget(id: string): void {
    for (const [, { effects, sent }] of this.#books.all) if (effects.has(id) || sent.has(id)) return
    this.#books.ever.delete(id)
  }
}
