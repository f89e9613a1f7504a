/**
 * One half of a tally with its chits in memory: what a service does around the machine of its side, and a count of the rows that it
 * reads and writes.
 */
import type * as ChainEvent from "../../../src/protocol/credit/ChainEvent.ts"
import { loads, mostLoose, recoveryPages } from "../../../src/protocol/credit/ChainEvent.ts"
import type { ChainResult, Evidence, Reading } from "../../../src/protocol/credit/ChainStep.ts"
import type { Action, Unfit } from "../../../src/protocol/credit/Action.ts"
import type { ChitId } from "../../../src/protocol/credit/Chit.ts"
import type { ChitState } from "../../../src/protocol/credit/ChitState.ts"
import { closeIfDone } from "../../../src/protocol/credit/Closing.ts"
import type { Entry, Position } from "../../../src/protocol/credit/ChitLog.ts"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import * as FoilChain from "../../../src/protocol/credit/FoilChain.ts"
import type { LiftRecord } from "../../../src/protocol/credit/LiftRecord.ts"
import * as Sets from "../../../src/protocol/credit/Sets.ts"
import * as StockChain from "../../../src/protocol/credit/StockChain.ts"
import { digest, other, type Side } from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import { agents, document, opened } from "./Parties.ts"

/** What is read where nothing has to be recovered. */
const noPages = { behind: { after: 0, most: 0 }, tail: { after: 0, most: 0 } }

interface Kept {
  readonly half: TallyHalf
  readonly chits: ReadonlyMap<ChitId, ChitState>
  readonly log: ReadonlyArray<ChitId>
}

export class ChainSite {
  readonly side: Side
  half: TallyHalf
  chits = new Map<ChitId, ChitState>()
  /** The chits by their places, of which the first is 1. */
  log: Array<ChitId> = []
  readonly evidence: Array<Evidence> = []
  readonly records: Array<LiftRecord> = []
  /** Kinds of the events of the holder and the operator. */
  readonly told: Array<string> = []
  /** Chits that were read and written, and the most of them for one event, with the message that followed. */
  rows = 0
  mostRows = 0
  readonly #send: (message: CreditMessage) => void
  #now = 0
  #before = 0

  constructor(side: Side, send: (message: CreditMessage) => void) {
    this.side = side
    this.half = opened(side)
    this.#send = send
  }

  get chain(): NonNullable<TallyHalf["chain"]> {
    return this.half.chain!
  }

  get isQuiet(): boolean {
    return this.side === "foil" ? FoilChain.isQuiet(this.half) : StockChain.isQuiet(this.half)
  }

  /** Ids of the chits that are good. */
  get good(): ReadonlySet<ChitId> {
    return new Set([...this.chits.values()].filter(({ status }) => status === "good").map(({ core }) => core.uuid))
  }

  snapshot(): Kept {
    return { half: this.half, chits: new Map(this.chits), log: [...this.log] }
  }

  restore({ chits, half, log }: Kept): void {
    this.half = half
    this.chits = new Map(chits)
    this.log = [...log]
  }

  /** A chit of this side's, or of a lift, is good. */
  becomes(entry: Entry): ChainResult {
    const loaded = this.#load({ chits: [entry.chit.core.uuid], indexes: [] })
    return this.#perform({ _tag: "Good", entry, loaded, now: this.#now })
  }

  receive(message: CreditMessage, from = agents[other(this.side)].key): ChainResult {
    switch (message._tag) {
      case "Propose":
      case "Ack":
      case "Where":
      case "History":
        if (this.side !== "foil") throw new Error(`${message._tag} for stock`)
        return this.#perform({ _tag: "Received", from, message, loaded: this.#load(loads(message)), now: this.#now })
      case "Entered":
      case "Fetch":
        if (this.side !== "stock") throw new Error(`${message._tag} for foil`)
        return this.#perform({ _tag: "Received", from, message, loaded: this.#load(loads(message)), now: this.#now })
      default:
        throw new Error(`${message._tag} is not the chain's`)
    }
  }

  /** The partner has refused a message. */
  refusedBy(unfit: Unfit): void {
    const named = unfit.reason === "conflict" ? unfit.revision.split(",") : []
    const chits = [...this.chits.keys()].filter((id) => named.includes(id))
    if (this.side === "stock" && chits.length > 0)
      this.#perform({ _tag: "Conflicted", loaded: this.#load({ chits, indexes: [] }), now: this.#now })
  }

  repair(): void {
    const { repair } = this.side === "foil" ? FoilChain : StockChain
    for (const reading of repair(this.half)) this.#read(reading)
  }

  /** Places that are here; 0 always is. */
  place(index: number): Position | undefined {
    if (index === 0) return { index, hash: digest(document) }
    const state = this.#at(index)
    return state?.hash === undefined ? undefined : { index, hash: state.hash }
  }

  #at(index: number): ChitState | undefined {
    const id = this.log[index - 1]
    this.rows++
    return id === undefined ? undefined : this.chits.get(id)
  }

  #between(after: number, end: number): ReadonlyArray<ChitState> {
    const states: Array<ChitState> = []
    for (let index = after + 1; index <= Math.min(end, this.log.length); index++) states.push(this.#at(index)!)
    return states
  }

  #load({ chits, indexes, isRecovering = false, recovery }: ChainEvent.Loads): ChainEvent.Loaded {
    this.#now++
    this.#before = this.rows
    const known = new Map<ChitId, ChitState>()
    for (const id of chits) {
      const state = this.chits.get(id)
      if (state !== undefined) known.set(id, state)
      this.rows++
    }
    const places = indexes.flatMap((index) => this.place(index) ?? [])
    const { behind, tail } = recovery === undefined ? noPages : recoveryPages(recovery, this.chain.at.index)
    return {
      known,
      places,
      behind: this.#between(behind.after, behind.after + behind.most),
      tail: this.#between(tail.after, tail.after + tail.most),
      loose: isRecovering ? this.#loose().slice(0, mostLoose) : []
    }
  }

  /** Good chits without a place, the oldest first. */
  #loose(): ReadonlyArray<ChitState> {
    const loose = [...this.chits.values()].filter((one) => one.status === "good" && one.index === undefined)
    return loose.toSorted((one, two) => one.core.date - two.core.date)
  }

  #perform(event: ChainEvent.FoilEvent | ChainEvent.StockEvent): ChainResult {
    const result = this.#step(event)
    this.evidence.push(...result.evidence)
    if (result._tag === "Stepped") this.#store(result.state, result.chits)
    if (result._tag === "Stepped" && result.isUnset === true) this.half = { ...this.half, sets: this.#sets() }
    this.#act(result.actions)
    if (result._tag === "Stepped") {
      this.records.push(...result.records)
      if (result.reading !== undefined) this.#read(result.reading)
      this.#close()
    }
    this.mostRows = Math.max(this.mostRows, this.rows - this.#before)
    return result
  }

  #act(actions: ReadonlyArray<Action>): void {
    for (const action of actions) {
      if (action._tag === "Send") this.#send(action.message)
      else this.told.push(action.kind)
    }
  }

  #close(): void {
    const closed = closeIfDone(this.half)
    if (closed === undefined) return
    this.half = closed.state
    this.#act(closed.actions)
  }

  #step(event: ChainEvent.FoilEvent | ChainEvent.StockEvent): ChainResult {
    if (this.side === "stock") {
      if (event._tag !== "Received") return StockChain.step(this.half, event)
      const { message } = event
      if (message._tag === "Entered" || message._tag === "Fetch")
        return StockChain.step(this.half, { ...event, message })
    } else if (event._tag === "Good") return FoilChain.step(this.half, event)
    else if (event._tag === "Received") {
      const { message } = event
      if (message._tag !== "Entered" && message._tag !== "Fetch")
        return FoilChain.step(this.half, { ...event, message })
    }
    throw new Error(`not for ${this.side}`)
  }

  #store(half: TallyHalf, chits: ReadonlyArray<ChitState>): void {
    this.half = half
    this.log.length = Math.min(this.log.length, this.chain.at.index)
    for (const state of chits) {
      this.rows++
      this.chits.set(state.core.uuid, state)
      if (state.index !== undefined) this.log[state.index - 1] = state.core.uuid
    }
  }

  #sets(): TallyHalf["sets"] {
    return this.#between(0, this.log.length).reduce((sets, { core }) => Sets.after(sets, core), Sets.none)
  }

  #read(reading: Reading): void {
    switch (reading._tag) {
      case "Push": {
        const states = this.#between(reading.after, reading.after + reading.most)
        this.#send(FoilChain.entered(this.half, this.place(reading.after)!, states, agents.foil.sign))
        return
      }
      case "Where": {
        const message = StockChain.where(
          this.half,
          reading.indexes.flatMap((index) => this.place(index) ?? [])
        )
        if (message !== undefined) this.#send(message)
        return
      }
      case "Recall": {
        const states = this.#between(reading.after, reading.after + reading.most)
        const message = StockChain.history(this.half, this.place(reading.after)!, states)
        if (message !== undefined) this.#send(message)
        return
      }
      case "Propose": {
        for (const message of StockChain.proposals(this.half, this.#loose().slice(0, reading.most))) this.#send(message)
      }
    }
  }
}
