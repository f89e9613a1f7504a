/**
 * What one step writes: chits that become good or get a place, and what they do to the half. It is gathered here and thrown away
 * where one of them turns out not to fit.
 *
 * Each chit counts once, when it becomes good. Settings count when they get their place, so that they do so in one order at both
 * sides. Where a place is given to another content than what is good here under the same id, the order wins.
 */
import type { Action } from "./Action.ts"
import * as Chit from "./Chit.ts"
import type { ChitState } from "./ChitState.ts"
import { type Entry, next, type Position } from "./ChitLog.ts"
import { entryOf, type Fault, fault, isProved, isSameCore } from "./ChitProof.ts"
import { reopened } from "./Closing.ts"
import { alarm, type Begun, done, type ChainStepped, type Evidence, type Outcome } from "./ChainStep.ts"
import type { Loaded } from "./ChainEvent.ts"
import type { LiftRecord } from "./LiftRecord.ts"
import type { Chain } from "./TallyHalf.ts"
import * as Sets from "./Sets.ts"
import { tell } from "./TallyEvent.ts"
import * as Units from "./Units.ts"

/** `here`: by this side, which knows; `there`: by the partner, so that people and lifts have to be told. */
export type Origin = "here" | "there"

/** It was signed here and taken back, because of another chit of its id: `takeBack`. */
const isTakenBack = ({ core, sign, status }: ChitState): boolean =>
  status === "void" && core.type !== "lift" && sign !== undefined

export class Booking {
  readonly #half: Begun
  readonly #loaded: Loaded
  readonly #origin: Origin
  readonly #now: number
  readonly #floor: number
  readonly #chits = new Map<Chit.ChitId, ChitState>()
  readonly #evidence: Array<Evidence> = []
  readonly #records: Array<LiftRecord> = []
  readonly #actions: Array<Action> = []
  #net: bigint
  #sets: Begun["sets"]
  #isUnset = false
  #unplaced: number
  #at: Position

  /** Places are given behind `after`, which is the end of the chain unless foil orders anew what is behind it. */
  constructor(half: Begun, loaded: Loaded, origin: Origin, now: number, after: Position = half.chain.at) {
    this.#half = half
    this.#loaded = loaded
    this.#origin = origin
    this.#now = now
    this.#floor = after.index
    this.#net = half.sums.net
    this.#sets = half.sets
    this.#unplaced = half.chain.unplaced
    this.#at = after
  }

  /** The last place that is given. */
  get at(): Position {
    return this.#at
  }

  /** How many chits it has changed. */
  get size(): number {
    return this.#chits.size
  }

  find(id: Chit.ChitId): ChitState | undefined {
    return this.#chits.get(id) ?? this.#loaded.known.get(id)
  }

  /** What is wrong with a chit that is to become good or to get a place. */
  fault(entry: Entry): Fault | undefined {
    const known = this.find(entry.chit.core.uuid)
    if (isProved(known, entry.chit)) return undefined
    const wrong = fault(this.#half, entry)
    if (wrong !== undefined) return wrong
    return known?.core.type === "lift" && known.status === "void" ? "lift-void" : undefined
  }

  /** A chit that has been looked at becomes good without a place. */
  keep(entry: Entry): Fault | undefined {
    const known = this.find(entry.chit.core.uuid)
    const wrong = this.#count(entry, known)
    if (wrong !== undefined) return wrong
    this.#unplaced++
    this.#write(entry, known)
    return undefined
  }

  /** A chit that has been looked at gets the next place, and becomes good if it is not. */
  place(entry: Entry): Fault | undefined {
    const { core } = entry.chit
    const known = this.find(core.uuid)
    if (known?.index !== undefined && (known.index <= this.#floor || this.#chits.has(core.uuid))) return "twice"
    if (known !== undefined && !isSameCore(known, core)) {
      this.conflict(entryOf(known), core, isTakenBack(known))
      // What it has set cannot be taken out of what all have set together.
      if (known.index !== undefined && known.core.type === "set") this.#isUnset = true
    }
    const isUnplaced = known?.status === "good" && known.index === undefined
    const wrong = this.#count(entry, known)
    if (wrong !== undefined) return wrong
    if (isUnplaced) this.#unplaced--
    this.#at = next(this.#at, entry.chit)
    this.#write(entry, known, this.#at)
    this.#set(core)
    return undefined
  }

  /** A good chit loses its place, which was behind `after`, until it gets another one. */
  displace(state: ChitState): void {
    const { hash: _hash, head: _head, index: _index, ...rest } = state
    this.#unplaced++
    // What it has set cannot be taken out of what all have set together.
    if (state.core.type === "set") this.#isUnset = true
    this.#chits.set(state.core.uuid, { ...rest, changed: this.#now })
  }

  /** A good chit that has lost its place gets the next one. */
  move(state: ChitState): void {
    this.#unplaced--
    this.#at = next(this.#at, state)
    this.#write(entryOf(state), state, this.#at)
    this.#set(state.core)
  }

  /** A good chit takes no effect any more. */
  takeBack(known: ChitState): void {
    const { hash: _hash, head: _head, index: _index, ...rest } = known
    this.#net -= Chit.effect(known.core)
    if (known.index === undefined) this.#unplaced--
    this.#chits.set(known.core.uuid, { ...rest, status: "void", changed: this.#now })
  }

  /** A chit that does not count beside another one of the same id. `isTold`: people have heard of it. */
  conflict(entry: Entry, counts: Chit.Core, isTold = false): void {
    const { uuid } = entry.chit.core
    this.#evidence.push({ entry, reason: "conflict", against: Chit.digest(counts) })
    if (isTold) return
    this.#actions.push(...alarm(this.#half, "chit.conflict", { tally: this.#half.id, chit: uuid }))
  }

  /** The last of the chits has the place that foil's agent has signed. */
  sealed(id: Chit.ChitId, sign: NonNullable<ChitState["head"]>): void {
    const chit = this.#chits.get(id)
    if (chit !== undefined) this.#chits.set(id, { ...chit, head: sign })
  }

  /** The step's result; the chain's end is what was placed last, and as it is given. What is written on a closed half opens it. */
  done(chain: Partial<Chain>, { actions = [], ...outcome }: Outcome = {}): ChainStepped<Begun> {
    const half = this.#chits.size === 0 ? this.#half : reopened(this.#half)
    const state = {
      ...half,
      sets: this.#sets,
      sums: { ...half.sums, net: this.#net },
      chain: { ...half.chain, at: this.#at, unplaced: this.#unplaced, ...chain }
    }
    if (half !== this.#half) this.#actions.push(tell(state, "tally.reopened"))
    return done(state, {
      chits: [...this.#chits.values()],
      evidence: this.#evidence,
      records: this.#records,
      ...(this.#isUnset ? { isUnset: true } : {}),
      ...outcome,
      actions: [...this.#actions, ...actions]
    })
  }

  /** Moves the balance, unless the chit counts already. */
  #count({ chit: { core }, record }: Entry, known: ChitState | undefined): Fault | undefined {
    const isGood = known?.status === "good"
    const isNew = !isGood || !isSameCore(known, core)
    const net = this.#net - (isGood ? Chit.effect(known.core) : 0n) + Chit.effect(core)
    if (net > Units.most || net < -Units.most) return "too-much"
    this.#net = net
    if (isNew && this.#origin === "there") this.#tell(core, record)
    return undefined
  }

  #tell(core: Chit.Core, record: LiftRecord | undefined): void {
    const units = core.type === "set" ? {} : { units: String(core.units) }
    const body = { tally: core.tally, chit: core.uuid, type: core.type, by: core.by, ...units }
    this.#actions.push({ _tag: "Tell", user: this.#half.holder, subject: core.tally, kind: "chit.good", body })
    if (record !== undefined) this.#records.push(record)
  }

  #set(core: Chit.Core): void {
    this.#sets = Sets.after(this.#sets, core)
  }

  #write({ chit: { core, sign }, record = undefined }: Entry, known: ChitState | undefined, at?: Position): void {
    const why = record ?? known?.record
    this.#chits.set(core.uuid, {
      holder: this.#half.holder,
      core,
      status: "good",
      revision: known?.revision ?? 1,
      ...(sign === undefined ? {} : { sign }),
      ...(at === undefined ? {} : at),
      ...(core.type !== "lift" || why === undefined ? {} : { record: why }),
      changed: this.#now
    })
  }
}
