/**
 * Two halves of a tally and what their holders and their links may do to them, for tests that try all of it or much of it. A pair never
 * changes: an event makes a new one. What a half does with an event is worked out once.
 */
import type { CreditMessage } from "../../src/protocol/credit/CreditMessage.ts"
import * as Document from "../../src/protocol/credit/TallyDocument.ts"
import type { TallyEvent, TallyMessage, TallyStep } from "../../src/protocol/credit/TallyEvent.ts"
import type { TallyHalf } from "../../src/protocol/credit/TallyHalf.ts"
import * as Machine from "../../src/protocol/credit/TallyMachine.ts"
import { Interned } from "./Interned.ts"
import { documentBy, draftOf, type Parties, parties, sides, signed, tally } from "./TallyParties.ts"

type Half = TallyHalf | undefined

/** Two halves, and every message that was ever sent to either: it may come now, later, again, or never. */
export interface Pair {
  readonly stock: Half
  readonly foil: Half
  readonly sent: Readonly<Record<Document.Side, ReadonlyArray<TallyMessage>>>
}

export type CommandName = "Draft" | "Offer" | "Accept" | "Refuse" | "Revise" | "Withdraw" | "Resend"
const isTallyMessage = (message: CreditMessage): message is TallyMessage =>
  ["Offer", "Open", "Withdraw", "Refuse", "Revise"].includes(message._tag)

export class TallyLab {
  readonly parties: Parties
  readonly #machine: typeof Machine.step
  readonly #halves = new Interned<TallyHalf>()
  readonly #messages = new Interned<TallyMessage>()
  readonly #steps = new Map<string, TallyStep>()
  readonly #texts = new WeakMap<ReadonlyArray<TallyMessage>, string>()

  constructor(first: Document.Side = "stock", machine: typeof Machine.step = Machine.step) {
    this.parties = parties(first)
    this.#machine = machine
  }

  /** Stock has a draft, foil knows nothing. */
  get drafted(): Pair {
    const none: Pair = { stock: undefined, foil: undefined, sent: { stock: [], foil: [] } }
    return this.commands(none, "stock", "Draft")
  }

  /** Equal exactly for pairs that behave alike. */
  key({ foil, sent, stock }: Pair): string {
    return `${this.#number(stock)}/${this.#number(foil)}/${this.#text(sent.stock)}/${this.#text(sent.foil)}`
  }

  #text(sent: ReadonlyArray<TallyMessage>): string {
    const known = this.#texts.get(sent)
    if (known !== undefined) return known
    const made = sent
      .map((message) => this.#messages.number(message))
      .sort((one, two) => one - two)
      .join()
    this.#texts.set(sent, made)
    return made
  }

  #number(half: Half): string {
    return half === undefined ? "-" : String(this.#halves.number(half))
  }

  /** What the holder on this side says, about the revision that is there; an offer has the next one. */
  #command(half: Half, side: Document.Side, name: CommandName): TallyEvent {
    const { cert, cuid, node } = this.parties[side]
    const revision = half?.revision ?? 0
    if (name === "Draft") return { _tag: name, holder: cuid, id: tally, side, draft: draftOf(this.parties, side) }
    if (name === "Withdraw" || name === "Resend") return { _tag: name }
    if (name === "Refuse" || name === "Revise") return { _tag: name, revision }
    const mine = documentBy(this.parties, side, revision + 1)
    const document = name === "Offer" ? mine : (half?.document ?? mine)
    const sign = signed(this.parties[side], document)
    return name === "Accept" ? { _tag: name, revision, sign } : { _tag: name, document, sign, me: node, own: [cert] }
  }

  /** What a message from the other party's node is to this side. */
  #heard(side: Document.Side, message: TallyMessage): TallyEvent {
    const { cert, node } = this.parties[side]
    return { _tag: "Heard", from: this.parties[Document.other(side)].node, me: node, own: [cert], message }
  }

  /** `name` is the event's, as long as the half is the same. */
  #does(pair: Pair, side: Document.Side, name: string, make: () => TallyEvent): Pair {
    const half = pair[side]
    const key = `${this.#number(half)}:${side}:${name}`
    const known = this.#steps.get(key) ?? this.#step(half, make())
    this.#steps.set(key, known)
    const messages = known.actions.flatMap((action) => (action._tag === "Send" ? [action.message] : []))
    const next = known._tag === "Stepped" && known.state !== half ? { ...pair, [side]: known.state } : pair
    return this.say(next, Document.other(side), messages)
  }

  #step(half: Half, event: TallyEvent): TallyStep {
    const step = this.#machine(half, event)
    return step._tag === "Stepped" ? { ...step, state: this.#halves.same(step.state) } : step
  }

  /** The holder on this side does something; where nothing comes of it the pair stays the same object. */
  commands(pair: Pair, side: Document.Side, name: CommandName): Pair {
    return this.#does(pair, side, name, () => this.#command(pair[side], side, name))
  }

  /** A message comes to this side. */
  hears(pair: Pair, side: Document.Side, message: TallyMessage): Pair {
    const same = this.#messages.same(message)
    return this.#does(pair, side, `hears ${this.#messages.number(same)}`, () => this.#heard(side, same))
  }

  /** Messages are under way to a side. */
  say(pair: Pair, to: Document.Side, messages: ReadonlyArray<CreditMessage>): Pair {
    const fresh = messages
      .filter(isTallyMessage)
      .map((message) => this.#messages.same(message))
      .filter((message, i, all) => !pair.sent[to].includes(message) && all.indexOf(message) === i)
    return fresh.length === 0 ? pair : { ...pair, sent: { ...pair.sent, [to]: [...pair.sent[to], ...fresh] } }
  }

  /**
   * Both say again what they have to, and links bring each message and what it is answered by, once and in order, until nothing new
   * happens. Nothing of what was sent before comes any more. More than `most` rounds throw.
   */
  repair(pair: Pair, says: (half: TallyHalf) => ReadonlyArray<CreditMessage> = Machine.owed, most = 8): Pair {
    let here = pair
    for (let round = 0; round < most; round++) {
      const before = here
      for (const side of sides) {
        const half = here[side]
        if (half !== undefined) here = this.#settle(here, Document.other(side), says(half))
      }
      if (here.stock === before.stock && here.foil === before.foil) return { ...here, sent: pair.sent }
    }
    throw new Error(`they are not done after ${most} rounds`)
  }

  #settle(pair: Pair, to: Document.Side, messages: ReadonlyArray<CreditMessage>): Pair {
    let here: Pair = pair
    const queue = messages.filter(isTallyMessage).map((message) => ({ to, message }))
    for (let count = 0; queue.length > 0; count++) {
      if (count > 100) throw new Error("they answer each other for ever")
      const { message, to } = queue.shift()!
      const next = this.hears({ ...here, sent: { stock: [], foil: [] } }, to, message)
      queue.push(...next.sent[Document.other(to)].map((message) => ({ to: Document.other(to), message })))
      here = { ...next, sent: pair.sent }
    }
    return here
  }
}
