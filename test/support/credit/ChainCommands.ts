/**
 * Random lives of a tally: both sides pledge and set, lifts end, messages get lost, doubled and out of order, and either database is
 * restored from any earlier backup. What must hold is checked after each command, and at the end when both have repaired.
 */
import { Schema } from "effect"
import type { ChitId } from "../../../src/protocol/credit/Chit.ts"
import type { Entry } from "../../../src/protocol/credit/ChitLog.ts"
import { isClosing } from "../../../src/protocol/credit/Closing.ts"
import type { Side } from "../../../src/protocol/credit/TallyDocument.ts"
import type { ChainSite } from "./ChainSite.ts"
import { lifted, pledge, setting } from "./Parties.ts"
import { TallyPair } from "./TallyPair.ts"

export const kinds = [
  "pledge",
  "set",
  "close",
  "lift",
  "deliver",
  "copy",
  "lose",
  "repair",
  "backup",
  "restore"
] as const
export const Command = Schema.Struct({
  kind: Schema.Literals(kinds),
  side: Schema.Literals(["stock", "foil"]),
  n: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))
})
export type Command = typeof Command.Type

export class ChainLife {
  readonly pair = new TallyPair()
  readonly found: Array<string> = []
  readonly #lifts: Array<Entry> = []
  readonly #backups = {
    stock: [this.pair.stock.snapshot()],
    foil: [this.pair.foil.snapshot()]
  }
  #ids = 0
  #isRestored = false
  #alive: ReadonlySet<ChitId> = new Set()
  #log: ReadonlyArray<ChitId> = []
  #agreed = 0

  obey(command: Command): void {
    this.#do(command)
    if (command.kind === "restore") this.#forget()
    this.#look(`${command.kind} ${command.side} ${command.n}`)
  }

  /** Everything comes to rest, and both halves are equal. */
  finish(): ReadonlyArray<string> {
    for (const entry of this.#lifts) {
      this.pair.stock.becomes(entry)
      this.pair.foil.becomes(entry)
    }
    this.pair.settle(12)
    this.#look("the end")
    const lost = [...this.#alive].filter((id) => !this.pair.stock.good.has(id) || !this.pair.foil.good.has(id))
    if (lost.length > 0) this.found.push(`I7: ${lost.join()} not good at both`)
    for (const { refusals, side } of this.#evidence())
      if (refusals > 0) this.found.push(`${side} has refused ${refusals}`)
    return [...this.found, ...this.pair.differences()]
  }

  #evidence() {
    return [this.pair.stock, this.pair.foil].map(({ evidence, side }) => ({ side, refusals: evidence.length }))
  }

  #do({ kind, n, side }: Command): void {
    const { pair } = this
    const site = pair.site(side)
    switch (kind) {
      case "pledge":
        return void site.becomes(pledge(side, ++this.#ids, BigInt(n + 1)))
      case "set":
        return void site.becomes(setting(side, ++this.#ids, n % 2 === 0 ? { bound: BigInt(n) } : { target: BigInt(n) }))
      case "close":
        // Whoever sees that it is to be closed sets nothing more on it.
        if (!isClosing(site.half)) site.becomes(setting(side, ++this.#ids, { close: true }))
        return
      case "lift":
        return this.#end(side, n)
      case "deliver":
      case "copy":
        return this.#deliver(n, kind === "copy")
      case "lose":
        if (pair.flight.length > 0) pair.take(n % pair.flight.length)
        return
      case "repair":
        return site.repair()
      case "backup":
        return void this.#backups[side].push(site.snapshot())
      case "restore":
        return this.#restore(site, n)
    }
  }

  #deliver(n: number, copy: boolean): void {
    const { flight } = this.pair
    if (flight.length === 0) return
    // Stock may say that it has less than before, and say so late.
    if (this.pair.kind(n % flight.length) === "Where") this.#agreed = 0
    this.pair.deliver(n % flight.length, copy)
  }

  /** A lift of either side's value has ended well, and one side or both know. */
  #end(side: Side, n: number): void {
    const entry = lifted(n % 2 === 0 ? "stock" : "foil", ++this.#ids, BigInt(n + 1))
    this.#lifts.push(entry)
    this.pair.site(side).becomes(entry)
    if (n % 5 === 0) this.pair.site(side === "stock" ? "foil" : "stock").becomes(entry)
  }

  #restore(site: ChainSite, n: number): void {
    const backups = this.#backups[site.side]
    site.restore(backups[n % backups.length]!)
  }

  /** What only the restored half has known is lost; what must hold from now on is seen anew. */
  #forget(): void {
    this.#isRestored = true
    this.#alive = new Set()
    this.#log = []
    this.#agreed = 0
  }

  #look(when: string): void {
    const { foil, stock } = this.pair
    const say = (problem: string) => this.found.push(`${problem} after ${when}`)
    for (const fault of this.pair.faults()) say(fault)
    const alive = new Set([...stock.good, ...foil.good])
    for (const id of this.#alive) if (!alive.has(id)) say(`I7: ${id} is lost`)
    if (this.#log.some((id, i) => stock.log[i] !== id)) say("I6: stock has moved what it had")
    if (!this.#isRestored) {
      if (stock.log.some((id, i) => foil.log[i] !== id)) say("I6: stock has another order than foil")
      if (foil.chain.agreed < this.#agreed) say("I6: foil has forgotten what stock has confirmed")
      if (foil.chain.agreed > stock.chain.at.index) say("I6: foil believes that stock has more")
    }
    this.#alive = alive
    this.#log = [...stock.log]
    this.#agreed = foil.chain.agreed
  }
}
