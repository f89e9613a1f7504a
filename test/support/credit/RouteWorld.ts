/**
 * Users at nodes, tallies between them, and the queries that go over these: in any order, late, twice or never, as a seed has it.
 */
import type { Action } from "../../../src/protocol/credit/Action.ts"
import { room } from "../../../src/protocol/credit/Capacity.ts"
import type { Person } from "../../../src/protocol/credit/Chad.ts"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import { QueryId, type Way } from "../../../src/protocol/credit/Route.ts"
import type { Begin, RouteStep } from "../../../src/protocol/credit/RouteEvent.ts"
import { step } from "../../../src/protocol/credit/RouteMachine.ts"
import type { Options, RouteState } from "../../../src/protocol/credit/RouteState.ts"
import { other } from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { type Drawn, halfOf, uuid } from "./Halves.ts"

/** How often a message is lost, or comes twice: 0 to 1. */
export interface Faults {
  readonly loss: number
  readonly doubles: number
}

interface Flying {
  readonly from: NodeKey
  readonly to: NodeKey
  readonly message: CreditMessage
}

export const options: Options = {
  wait: 1_000,
  mostWait: 10_000,
  keep: 60_000,
  tries: 5,
  retryBase: 100,
  retryCap: 1_000
}

const nameOf = ({ agent, cuid }: Person): string => `${cuid}@${agent}`

export class RouteWorld {
  now = 1_000_000
  /** Messages that were sent, by their kind. */
  readonly sent = { Query: 0, Found: 0, None: 0 }
  readonly told: Array<Action & { readonly _tag: "Tell" }> = []
  readonly #random: () => number
  readonly #faults: Faults
  readonly #people = new Map<string, { readonly self: Person; readonly halves: Array<TallyHalf> }>()
  readonly #states = new Map<string, RouteState>()
  readonly #flying: Array<Flying> = []
  #queries = 0

  constructor(random: () => number, faults: Faults = { loss: 0, doubles: 0 }) {
    this.#random = random
    this.#faults = faults
  }

  get hasFaults(): boolean {
    return this.#faults.loss > 0 || this.#faults.doubles > 0
  }

  /** A tally; `atFoil` where foil's half says something else. */
  draw(drawn: Drawn, atFoil: Partial<Drawn> = {}): void {
    this.halves(drawn.stock).push(halfOf(drawn, "stock"))
    this.halves(drawn.foil).push(halfOf({ ...drawn, ...atFoil }, "foil"))
  }

  halves(self: Person): Array<TallyHalf> {
    const known = this.#people.get(nameOf(self))
    if (known !== undefined) return known.halves
    const halves: Array<TallyHalf> = []
    this.#people.set(nameOf(self), { self, halves })
    return halves
  }

  state(self: Person, query: QueryId): RouteState | undefined {
    return this.#states.get(`${nameOf(self)} ${query}`)
  }

  get states(): ReadonlyArray<RouteState> {
    return [...this.#states.values()]
  }

  begin(self: Person, to: Begin["to"], units: bigint): QueryId {
    const query = QueryId.make(uuid(2, ++this.#queries))
    const halves = this.halves(self)
    this.#does(self, query, step(undefined, { _tag: "Begin", self, now: this.now, query, to, units, halves }, options))
    return query
  }

  /** One message of those under way, whichever; false if there is none. */
  deliver(): boolean {
    if (this.#flying.length === 0) return false
    const index = Math.floor(this.#random() * this.#flying.length)
    const flying = this.#flying[index]!
    if (this.#random() >= this.#faults.doubles) this.#flying.splice(index, 1)
    if (this.#random() >= this.#faults.loss) this.#comes(flying)
    return true
  }

  /** Delivers all, at most `most` times. */
  settle(most = 1_000_000): void {
    for (let i = 0; i < most && this.deliver(); i++);
  }

  /** Moves time on to the first look that somebody wants, which is taken; false if nobody does. */
  tick(): boolean {
    const waking = Math.min(...this.states.map(({ wakeAt }) => wakeAt))
    if (!Number.isFinite(waking)) return false
    this.now = Math.max(this.now, waking)
    for (const { halves, self } of this.#people.values())
      for (const [key, state] of this.#states) {
        if (!key.startsWith(`${nameOf(self)} `) || state.wakeAt > this.now) continue
        this.#does(self, state.query, step(state, { _tag: "Look", self, now: this.now, halves }, options))
      }
    return true
  }

  #comes({ from, message, to }: Flying): void {
    if (message._tag !== "Query" && message._tag !== "Found" && message._tag !== "None") return
    const asking = message._tag === "Found" ? message.way.legs[0]!.by : message.by
    const side = message._tag === "Query" ? other(asking) : asking
    for (const { halves, self } of this.#people.values()) {
      const half = halves.find((one) => one.id === message.tally && one.side === side)
      if (self.agent !== to || half === undefined) continue
      const common = { self, now: this.now, from, half }
      const state = this.state(self, message.query)
      if (message._tag === "Query")
        this.#does(self, message.query, step(state, { _tag: "Query", ...common, message, halves }, options))
      else if (message._tag === "Found")
        this.#does(self, message.query, step(state, { _tag: "Found", ...common, message }, options))
      else this.#does(self, message.query, step(state, { _tag: "None", ...common, message }, options))
    }
  }

  #does(self: Person, query: QueryId, stepped: RouteStep): void {
    if (stepped._tag === "Unfit") {
      if (stepped.outcome === "refused" && this.#faults.loss === 0) throw new Error(`${self.cuid}: ${stepped.detail}`)
      return
    }
    const key = `${nameOf(self)} ${query}`
    if (stepped.state === undefined) this.#states.delete(key)
    else this.#states.set(key, stepped.state)
    for (const action of stepped.actions) {
      if (action._tag === "Tell") this.told.push(action)
      else this.#send(self.agent, action.to, action.message)
    }
  }

  #send(from: NodeKey, to: NodeKey, message: CreditMessage): void {
    if (message._tag === "Query" || message._tag === "Found" || message._tag === "None") this.sent[message._tag]++
    this.#flying.push({ from, to, message })
  }

  /** All that value can go over from this user: as much as both ends of a tally say. */
  edges(self: Person): ReadonlyArray<Edge> {
    return this.halves(self).flatMap(({ id, partner, side }) => {
      const to = partner === undefined ? undefined : { cuid: partner.cuid, agent: partner.agent }
      const ends = to === undefined ? [] : [...this.halves(self), ...this.halves(to)].filter((one) => one.id === id)
      const rooms = ends.map((end) => room(end, side, "lift"))
      return to === undefined ? [] : [{ tally: id, by: side, to, room: rooms.reduce((a, b) => (a < b ? a : b)) }]
    })
  }

  /** Tallies on the shortest way from one user to another over which so much can go, but for one of them; none if there is no way. */
  distance(from: Person, to: Person, units: bigint, except?: string): number | undefined {
    const seen = new Set([nameOf(from)])
    let reached: ReadonlyArray<Person> = [from]
    for (let steps = 1; reached.length > 0; steps++) {
      const next: Array<Person> = []
      for (const edge of reached.flatMap((one) => this.edges(one))) {
        if (edge.room < units || edge.tally === except || seen.has(nameOf(edge.to))) continue
        if (nameOf(edge.to) === nameOf(to)) return steps
        seen.add(nameOf(edge.to))
        next.push(edge.to)
      }
      reached = next
    }
    return undefined
  }

  /** Where a way ends and what is wrong with it: not a tally of who is reached, one twice, or less room than is said or asked. */
  follow(self: Person, { legs, room }: Way, units: bigint): { readonly end: Person; readonly fault?: string } {
    let end = self
    const seen = new Set<string>()
    for (const { by, from, tally, to } of legs) {
      const edge = this.edges(end).find((one) => one.tally === tally && one.by === by)
      if (edge === undefined || from !== end.agent || to !== edge.to.agent)
        return { end, fault: `${tally} is not there` }
      if (seen.has(tally)) return { end, fault: `${tally} twice` }
      if (room > edge.room || room < units) return { end, fault: `${tally} holds ${edge.room}` }
      seen.add(tally)
      end = edge.to
    }
    return { end }
  }
}

interface Edge {
  readonly tally: string
  readonly by: string
  readonly to: Person
  readonly room: bigint
}
