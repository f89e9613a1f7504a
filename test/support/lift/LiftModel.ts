/**
 * The machines of a lift as small tables: every state that one of them can be in and every message is a number, and what a machine
 * does in a state with a message is worked out once. So millions of states of the whole cost no signature each.
 *
 * What is left out of a state on purpose: how often was asked, and the exact time of asking again. Both only decide when, and in the
 * model everything may happen at any time.
 */
import * as LiftMachine from "../../../src/protocol/credit/LiftMachine.ts"
import * as RefereeMachine from "../../../src/protocol/credit/RefereeMachine.ts"
import type { Action, Unfit } from "../../../src/protocol/credit/Action.ts"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import type { Event as LiftEvent, LiftStepped, Message, Site } from "../../../src/protocol/credit/LiftEvent.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import { isValid } from "../../../src/protocol/credit/LiftRecord.ts"
import type { LiftState } from "../../../src/protocol/credit/LiftState.ts"
import type { RefereeState } from "../../../src/protocol/credit/RefereeState.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { expires, date, foundAt, planOf, type Shape, signed, siteOf } from "./LiftLab.ts"

/** The functions under test; a mutation replaces one of them. */
export interface Machine {
  readonly lift: typeof LiftMachine.step
  readonly referee: typeof RefereeMachine.step
}

export const production: Machine = { lift: LiftMachine.step, referee: RefereeMachine.step }

/** What happens to one actor: a message (its number), or something of its own. */
export type Happening = number | "begin" | "abort" | "expire" | "wake"

const own: ReadonlyArray<Happening> = ["begin", "abort", "expire", "wake"]
/** Messages in one model, at most. */
const mostMessages = 8_192

interface Node {
  readonly kind: "node"
  readonly expired: boolean
  readonly lift: LiftState | undefined
  readonly booked: "nothing" | "reserved" | "released" | "settled"
  readonly problem: string | undefined
}
interface Referee {
  readonly kind: "referee"
  readonly expired: boolean
  readonly lift: RefereeState | undefined
}
export type Local = Node | Referee

/** What an actor does: its next state, and the messages that it sends, as bits. */
export interface Outcome {
  readonly next: number
  readonly sent: bigint
}

interface Envelope {
  readonly from: NodeKey
  readonly to: number
  readonly message: CreditMessage
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner))

/** A node's state as far as it matters what it does next. */
const essence = (local: Local): unknown => {
  if (local.kind === "referee" || local.lift === undefined) return local
  const { attempts: _, wakeAt, ...lift } = local.lift
  return { ...local, lift, wakes: wakeAt === undefined ? "never" : wakeAt < expires ? "any time" : "once expired" }
}

const heads = new Set(["Promise", "Refusal", "Ended", "Inquire", "Ready", "Voted", "Unvoted"])
const isForNode = (message: CreditMessage): message is Message => heads.has(message._tag)
const isForReferee = (message: CreditMessage): message is RefereeMachine.Event["message"] =>
  message._tag === "Prepare" || message._tag === "Decide" || message._tag === "Inquire" || message._tag === "Ended"

/** What the steps of one node must keep whatever else happens. */
const problemOf = (before: Node, after: LiftStepped): string | undefined => {
  const { record, status } = after.state
  const old = before.lift?.status
  if ((status === "good" || status === "void") && (record?.verdict !== status || !isValid(record))) {
    return "wrong: a lift ended without a record"
  }
  if (old === "promised" && status === "refused") return "wrong: a promise was taken back"
  if ((old === "good" || old === "void") && old !== status) return "wrong: an end was changed"
  if (after.reserve.length > 0 && before.booked !== "nothing") return "wrong: reserved twice"
  if (after.release.length > 0 && before.booked !== "reserved") return "wrong: released what was not reserved"
  if (after.settle.length > 0 && before.booked !== "reserved") return "wrong: settled what was not reserved"
  return undefined
}

const bookedBy = ({ release, reserve, settle }: LiftStepped, before: Node["booked"]): Node["booked"] =>
  reserve.length > 0 ? "reserved" : release.length > 0 ? "released" : settle.length > 0 ? "settled" : before

export class LiftModel {
  readonly plan: LiftPlan.LiftPlan
  readonly nodes: number
  readonly actors: ReadonlyArray<Site>
  readonly locals: Array<Local> = []
  readonly envelopes: Array<Envelope> = []
  /** The numbers of the messages for each actor, and every message's bit. */
  readonly inbox: ReadonlyArray<Array<number>>
  readonly bits: Array<bigint> = []
  readonly #machine: Machine
  readonly #localIds = new Map<string, number>()
  readonly #envelopeIds = new Map<string, number>()
  readonly #outcomes: ReadonlyArray<Map<number, Outcome | undefined>>

  constructor(shape: Shape, machine: Machine = production) {
    this.#machine = machine
    this.plan = planOf(shape)
    const names = [...new Set(shape.way)]
    this.nodes = names.length
    this.actors = [...names, ...shape.referees].map((name) => siteOf(name))
    this.inbox = this.actors.map(() => [])
    this.#outcomes = this.actors.map(() => new Map())
  }

  /** The number of a state of one actor. */
  number(local: Local): number {
    const key = text(essence(local))
    const known = this.#localIds.get(key)
    if (known !== undefined) return known
    this.locals.push(local)
    this.#localIds.set(key, this.locals.length - 1)
    return this.locals.length - 1
  }

  get start(): ReadonlyArray<number> {
    const node: Local = { kind: "node", expired: false, lift: undefined, booked: "nothing", problem: undefined }
    const referee: Local = { kind: "referee", expired: false, lift: undefined }
    return this.actors.map((_, actor) => this.number(actor < this.nodes ? node : referee))
  }

  /** What an actor does when this happens; nothing if it does nothing. `fits`: a node finds room for what it is asked to promise. */
  outcome(actor: number, local: number, happening: Happening, fits = true): Outcome | undefined {
    const code = typeof happening === "number" ? happening + own.length : own.indexOf(happening)
    const key = (local * mostMessages + code) * 2 + (fits ? 1 : 0)
    const outcomes = this.#outcomes[actor]!
    const known = outcomes.get(key)
    if (known !== undefined || outcomes.has(key)) return known
    const outcome = this.#act(actor, local, happening, fits)
    outcomes.set(key, outcome)
    return outcome
  }

  #act(actor: number, at: number, happening: Happening, fits: boolean): Outcome | undefined {
    const local = this.locals[at]!
    if (happening === "expire") {
      return local.expired ? undefined : { next: this.number({ ...local, expired: true }), sent: 0n }
    }
    const done =
      local.kind === "node"
        ? this.#node(actor, local, happening, fits)
        : this.#referee(actor, local, typeof happening === "number" ? happening : -1)
    if (done === undefined) return undefined
    const sent = this.#send(actor, done.actions)
    return done.next === at && sent === 0n ? undefined : { next: done.next, sent }
  }

  #send(actor: number, actions: ReadonlyArray<Action>): bigint {
    let sent = 0n
    for (const action of actions) {
      if (action._tag !== "Send") continue
      for (const [to, { key }] of this.actors.entries()) {
        const takes = to < this.nodes ? isForNode(action.message) : isForReferee(action.message)
        if (key === action.to && takes) sent |= this.bits[this.#envelope(actor, to, action.message)]!
      }
    }
    return sent
  }

  #envelope(from: number, to: number, message: CreditMessage): number {
    const envelope = { from: this.actors[from]!.key, to, message }
    const key = text(envelope)
    const known = this.#envelopeIds.get(key)
    if (known !== undefined) return known
    const id = this.envelopes.push(envelope) - 1
    this.#envelopeIds.set(key, id)
    this.inbox[to]!.push(id)
    this.bits.push(1n << BigInt(id))
    return id
  }

  #eventFor(site: Site, node: Node, happening: Happening, fits: boolean): LiftEvent | undefined {
    const { expired, lift } = node
    const wakeAt = lift?.wakeAt ?? expires
    const now = expired ? Math.max(expires, wakeAt) : date
    const found = foundAt(this.plan, site.key).map((one) => ({ ...one, hasRoom: fits }))
    if (happening === "begin") return { _tag: "Begin", ...signed(this.plan), found, now, random: 0 }
    if (happening === "abort") return { _tag: "Abort", now, random: 0 }
    if (happening === "wake")
      return expired || wakeAt < expires ? { _tag: "Wake", now: Math.max(now, wakeAt), random: 0 } : undefined
    if (happening === "expire") return undefined
    const { from, message } = this.envelopes[happening]!
    return isForNode(message) ? { _tag: "Heard", from, message, found, now, random: 0 } : undefined
  }

  #node(actor: number, node: Node, happening: Happening, fits: boolean) {
    const site = this.actors[actor]!
    const event = this.#eventFor(site, node, happening, fits)
    if (event === undefined) return undefined
    const done: LiftStepped | Unfit = this.#machine.lift(site, node.lift, event)
    if (done._tag === "Unfit") return undefined
    const next: Node = {
      ...node,
      lift: done.state,
      booked: bookedBy(done, node.booked),
      problem: node.problem ?? problemOf(node, done)
    }
    return { next: this.number(next), actions: done.actions }
  }

  #referee(actor: number, referee: Referee, envelope: number) {
    const { from, message } = this.envelopes[envelope] ?? {}
    if (from === undefined || message === undefined || !isForReferee(message)) return undefined
    const now = referee.expired ? expires : date
    const done = this.#machine.referee(this.actors[actor]!, referee.lift, { from, message, now })
    if (done._tag === "Unfit") return undefined
    return { next: this.number({ ...referee, lift: done.state }), actions: done.actions }
  }
}
