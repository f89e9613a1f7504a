/**
 * Nodes and referees of one lift with a clock, joined by messages that arrive in order unless somebody is away: for named scenarios.
 */
import type { Action, Unfit } from "../../../src/protocol/credit/Action.ts"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import { type End, endsAt } from "../../../src/protocol/credit/LiftEnds.ts"
import type { Event, LiftStepped, Message } from "../../../src/protocol/credit/LiftEvent.ts"
import * as LiftMachine from "../../../src/protocol/credit/LiftMachine.ts"
import type { LiftPlan } from "../../../src/protocol/credit/LiftPlan.ts"
import type { LiftState } from "../../../src/protocol/credit/LiftState.ts"
import * as RefereeMachine from "../../../src/protocol/credit/RefereeMachine.ts"
import { mostAheadMillis } from "../../../src/protocol/credit/RefereeMemory.ts"
import type { RefereeState } from "../../../src/protocol/credit/RefereeState.ts"
import { date, foundAt, keyOf, planOf, type Shape, signed, siteOf } from "./LiftLab.ts"

export interface Letter {
  readonly from: string
  readonly to: string
  readonly message: CreditMessage
}

type Told = Extract<Action, { readonly _tag: "Tell" }>

const nodeKinds = new Set<string>(["Promise", "Refusal", "Ended", "Inquire", "Ready", "Voted", "Unvoted"])
const isForNode = (message: CreditMessage): message is Message => nodeKinds.has(message._tag)
const refereeKinds = new Set<string>(["Prepare", "Decide", "Inquire", "Ended"])
const isForReferee = (message: CreditMessage): message is RefereeMachine.Event["message"] =>
  refereeKinds.has(message._tag)

export class LiftNetwork {
  readonly plan: LiftPlan
  readonly names: ReadonlyArray<string>
  readonly lifts = new Map<string, LiftState>()
  readonly referees = new Map<string, RefereeState>()
  /** What was reserved, released and settled where, in order: `reserve B 0 to`. */
  readonly booked: Array<string> = []
  readonly told: Array<Told> = []
  /** Whoever is away neither gets nor does anything; what is sent to them waits. */
  readonly away = new Set<string>()
  /** Nodes without room for what they are asked to promise. */
  readonly full = new Set<string>()
  /** Referees that do not decide on the lift. */
  readonly declining = new Set<string>()
  /** By how many milliseconds the clocks of referees are ahead. */
  readonly ahead = new Map<string, number>()
  /** Until when referees may have forgotten what they have signed. */
  readonly horizons = new Map<string, number>()
  readonly letters: Array<Letter> = []
  /** Everything that was ever sent. */
  readonly post: Array<Letter> = []
  now = date
  readonly #shape: Shape

  constructor(shape: Shape) {
    this.#shape = shape
    this.plan = planOf(shape)
    this.names = [...new Set([...shape.way, ...shape.referees])]
  }

  get nodes(): ReadonlyArray<string> {
    return [...new Set(this.#shape.way)]
  }

  /** `promised`, `good` and so on, of every node in the order of the plan; `-` where nothing is known. */
  get statuses(): ReadonlyArray<string> {
    return this.nodes.map((name) => this.lifts.get(name)?.status ?? "-")
  }

  begin(): this {
    const found = foundAt(this.plan, keyOf(this.nodes[0]!))
    this.lift(this.nodes[0]!, { _tag: "Begin", ...signed(this.plan), found, now: this.now, random: 0 })
    return this
  }

  /** An event at a node, and what it does. */
  lift(name: string, event: Event): LiftStepped | Unfit {
    const done = LiftMachine.step(siteOf(name), this.lifts.get(name), event)
    if (done._tag === "Unfit") return done
    this.lifts.set(name, done.state)
    const book = (kind: string, ends: ReadonlyArray<End>) =>
      this.booked.push(...ends.map(({ end, leg }) => `${kind} ${name} ${leg} ${end}`))
    book("reserve", done.reserve)
    book("release", done.release)
    book("settle", done.settle)
    this.#perform(name, done.actions)
    return done
  }

  /** Takes a message whether it was sent or not. */
  take({ from, message, to }: Letter): void {
    if (this.#shape.referees.includes(to) && isForReferee(message)) {
      const event = { from: keyOf(from), message, now: this.now + (this.ahead.get(to) ?? 0) }
      const until = this.horizons.get(to)
      const horizon = until === undefined ? {} : { forgottenUntil: until }
      const referee = { ...siteOf(to), decidesFor: () => !this.declining.has(to), ...horizon }
      const done = RefereeMachine.step(referee, this.referees.get(to), event)
      if (done._tag === "Stepped") {
        this.referees.set(to, done.state)
        this.#perform(to, done.actions)
      }
    }
    if (!this.nodes.includes(to) || !isForNode(message)) return
    const found = foundAt(this.plan, keyOf(to)).map((one) => ({ ...one, hasRoom: !this.full.has(to) }))
    this.lift(to, { _tag: "Heard", from: keyOf(from), message, found, now: this.now, random: 0 })
  }

  /** The database of a referee is put back to before it was asked, and it knows that. */
  forgets(name: string): void {
    this.referees.delete(name)
    this.horizons.set(name, this.now + mostAheadMillis)
  }

  /** Takes all messages for those who are there. */
  settle(): this {
    for (let at = 0; at >= 0;) {
      at = this.letters.findIndex(({ from, to }) => !this.away.has(to) && !this.away.has(from))
      const [letter] = at < 0 ? [] : this.letters.splice(at, 1)
      if (letter !== undefined) this.take(letter)
    }
    return this
  }

  /** Lets time pass, in which everybody asks who has to. */
  wait(millis: number): this {
    const until = this.now + millis
    while (true) {
      const due = this.nodes.flatMap((name) => {
        const at = this.lifts.get(name)?.wakeAt
        return at === undefined || this.away.has(name) ? [] : [{ name, at: Math.max(at, this.now) }]
      })
      const [next] = due.sort((one, other) => one.at - other.at)
      if (next === undefined || next.at > until) break
      this.now = next.at
      this.lift(next.name, { _tag: "Wake", now: this.now, random: 0 })
      this.settle()
    }
    this.now = until
    return this
  }

  /** Of what was ever sent. */
  sent(tag: CreditMessage["_tag"], to?: string): ReadonlyArray<Letter> {
    return this.post.filter((letter) => letter.message._tag === tag && (to === undefined || letter.to === to))
  }

  /** Ends that are reserved and neither released nor settled. */
  get reserved(): number {
    return this.nodes.reduce((sum, name) => {
      const count = (kind: string) => this.booked.filter((line) => line.startsWith(`${kind} ${name} `)).length
      const status = this.lifts.get(name)?.status
      const isOver = count("release") + count("settle") === endsAt(this.plan, keyOf(name)).length
      return sum + (isOver && status !== "promised" ? 0 : count("reserve"))
    }, 0)
  }

  #perform(from: string, actions: ReadonlyArray<Action>): void {
    for (const action of actions) {
      if (action._tag === "Tell") this.told.push(action)
      else {
        const to = this.names.find((name) => keyOf(name) === action.to)
        if (to === undefined) throw new Error("a message to nobody of the plan")
        this.letters.push({ from, to, message: action.message })
        this.post.push({ from, to, message: action.message })
      }
    }
  }
}
