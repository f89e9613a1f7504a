/**
 * Both halves of a tally, and what is under way between them: messages that a test brings over, loses, doubles and reorders as it
 * likes. Each is encoded and decoded on its way.
 */
import { Schema } from "effect"
import type { ChainResult } from "../../../src/protocol/credit/ChainStep.ts"
import { effect } from "../../../src/protocol/credit/Chit.ts"
import { next, type Position } from "../../../src/protocol/credit/ChitLog.ts"
import type { ChitState } from "../../../src/protocol/credit/ChitState.ts"
import { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import { other, type Side } from "../../../src/protocol/credit/TallyDocument.ts"
import { ChainSite } from "./ChainSite.ts"

const encode = Schema.encodeSync(Schema.fromJsonString(CreditMessage))
const decode = Schema.decodeSync(Schema.fromJsonString(CreditMessage))

interface InFlight {
  readonly to: Side
  readonly text: string
}

export class TallyPair {
  readonly flight: Array<InFlight> = []
  /** How many messages of each kind were sent. */
  readonly sent = new Map<string, number>()
  readonly stock: ChainSite = this.#site("stock")
  readonly foil: ChainSite = this.#site("foil")
  /** Chits that were seen to continue the order behind this hash. */
  readonly #proved = new WeakMap<ChitState, string>()
  /** What was refused, by the reason. */
  readonly refused: Array<string> = []

  #site(side: Side): ChainSite {
    return new ChainSite(side, (message) => {
      this.sent.set(message._tag, (this.sent.get(message._tag) ?? 0) + 1)
      this.flight.push({ to: other(side), text: encode(message) })
    })
  }

  site(side: Side): ChainSite {
    return side === "stock" ? this.stock : this.foil
  }

  /** The kinds of the messages to a side, in order. */
  kinds(to: Side): ReadonlyArray<string> {
    return this.flight.filter((one) => one.to === to).map(({ text }) => decode(text)._tag)
  }

  kind(index: number): string | undefined {
    const one = this.flight[index]
    return one === undefined ? undefined : decode(one.text)._tag
  }

  /** Takes a message off its way; the first if nothing is said. */
  take(index = 0): CreditMessage & { readonly to: Side } {
    const [one] = this.flight.splice(index, 1)
    if (one === undefined) throw new Error("nothing is under way")
    return { ...decode(one.text), to: one.to }
  }

  /** Brings the message at an index over, or a copy of it. */
  deliver(index = 0, copy = false): ChainResult {
    const one = this.flight[index]!
    if (!copy) this.flight.splice(index, 1)
    const result = this.site(one.to).receive(decode(one.text))
    const refused = result._tag === "Unfit" ? result : result.refused
    if (refused !== undefined) {
      this.refused.push(refused.reason)
      this.site(other(one.to)).refusedBy(refused)
    }
    return result
  }

  /** Everything that is under way is lost. */
  lose(): void {
    this.flight.length = 0
  }

  /** Brings everything over in order, and what follows from it. More than `most` messages mean that it never ends. */
  run(most = 5_000): void {
    for (let count = 0; this.flight.length > 0; count++) {
      if (count > most) throw new Error(`no rest after ${most} messages`)
      this.deliver()
    }
  }

  /** Both repair until nothing differs any more, at most so many rounds. */
  settle(rounds = 10): void {
    this.run()
    for (let round = 0; round < rounds && (round < 2 || !this.isEqual); round++) {
      this.stock.repair()
      this.foil.repair()
      this.run()
    }
  }

  get isEqual(): boolean {
    const { foil, stock } = this
    return foil.isQuiet && stock.isQuiet && stock.chain.at.hash === foil.chain.at.hash
  }

  /** Where the halves differ that ought to be at rest. */
  differences(): ReadonlyArray<string> {
    const { foil, stock } = this
    const found: Array<string> = [...this.faults()]
    if (!this.isEqual) found.push(`stock is at ${stock.chain.at.index}, foil at ${foil.chain.at.index}, or not at rest`)
    if (stock.half.status !== foil.half.status) found.push(`stock is ${stock.half.status}, foil ${foil.half.status}`)
    if (stock.half.sums.net !== foil.half.sums.net) found.push(`I1: ${stock.half.sums.net} and ${foil.half.sums.net}`)
    if (stock.log.join() !== foil.log.join()) found.push("I6: the orders differ")
    if ([...stock.good].toSorted().join() !== [...foil.good].toSorted().join()) found.push("I7: the chits differ")
    if (JSON.stringify(sets(stock), text) !== JSON.stringify(sets(foil), text)) found.push("the settings differ")
    return found
  }

  /** Whether the chit continues the order at a place. */
  #continues(at: Position, state: ChitState): boolean {
    if (this.#proved.get(state) === at.hash) return true
    const { hash, index } = next(at, state)
    if (state.index !== index || state.hash !== hash) return false
    this.#proved.set(state, at.hash)
    return true
  }

  /** What is wrong within one half, whatever is under way. */
  faults(): ReadonlyArray<string> {
    return [this.stock, this.foil].flatMap((site) => {
      const found: Array<string> = []
      let net = 0n
      for (const one of site.chits.values()) if (one.status === "good") net += effect(one.core)
      if (net !== site.half.sums.net) found.push(`I5: ${site.side} has ${site.half.sums.net}, its chits make ${net}`)
      let at = site.place(0)!
      for (const id of site.log) {
        const state = site.chits.get(id)!
        if (!this.#continues(at, state)) found.push(`I6: ${site.side} has chit ${id} elsewhere`)
        at = { index: state.index ?? 0, hash: state.hash ?? at.hash }
      }
      if (at.hash !== site.chain.at.hash) found.push(`I6: ${site.side} ends elsewhere`)
      const waiting = [...site.chits.values()].filter((one) => one.status === "good" && one.index === undefined)
      if (waiting.length !== site.chain.unplaced) found.push(`${site.side} counts ${site.chain.unplaced} unplaced`)
      return found
    })
  }
}

const sets = ({ half }: ChainSite) => half.sets
const text = (_key: string, value: unknown): unknown => {
  if (typeof value === "bigint") return String(value)
  return Schema.is(Schema.Record(Schema.String, Schema.Unknown))(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([one], [two]) => (one < two ? -1 : 1)))
    : value
}
