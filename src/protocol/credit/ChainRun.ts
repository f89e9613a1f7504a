/**
 * Several steps of the chain at one half, one behind the other, as one: each sees what those before it have left, and what all of them
 * store and say is there in the end, once. One step alone is a run as well.
 *
 * After a step that did not fit, the run is as it was before that step.
 */
import type { Action, Unfit } from "./Action.ts"
import type { FoilEvent, Loaded, StockEvent, ToFoil, ToStock } from "./ChainEvent.ts"
import type { ChainResult, ChainStepped, ChainUnfit, Evidence, Reading } from "./ChainStep.ts"
import type { ChitId } from "./Chit.ts"
import type { Entry, Index, Position } from "./ChitLog.ts"
import type { ChitState } from "./ChitState.ts"
import { closeIfDone } from "./Closing.ts"
import * as Condensing from "./Condensing.ts"
import * as FoilChain from "./FoilChain.ts"
import type { LiftRecord } from "./LiftRecord.ts"
import { isQuiet } from "./Quiet.ts"
import * as StockChain from "./StockChain.ts"
import { digest } from "./TallyDocument.ts"
import type { TallyHalf } from "./TallyHalf.ts"
import type { NodeKey } from "../NodeKey.ts"

/** Once nothing is waited for, nothing is objected to. */
const agreeing = ({ objection, ...half }: TallyHalf): TallyHalf =>
  objection === undefined || isQuiet(half) ? half : { ...half, objection }

export class ChainRun {
  /** The half before the first step. */
  readonly before: TallyHalf
  readonly #loaded: Loaded
  readonly #known: Map<ChitId, ChitState>
  readonly #written = new Map<ChitId, ChitState>()
  /** Those of them that have a place. */
  readonly #placed = new Map<Index, ChitState>()
  readonly #evidence: Array<Evidence> = []
  readonly #records: Array<LiftRecord> = []
  readonly #actions: Array<Action> = []
  readonly #readings: Array<Reading> = []
  #half: TallyHalf
  #isUnset = false
  #refused: Unfit | undefined

  /** `loaded` has what all steps need to know of the half before them. */
  constructor(half: TallyHalf, loaded: Loaded) {
    this.before = half
    this.#half = half
    this.#loaded = loaded
    this.#known = new Map(loaded.known)
  }

  /** As the steps so far have left it. */
  get half(): TallyHalf {
    return this.#half
  }

  /** A chit as the steps so far have left it, if it was loaded or written. */
  find(id: ChitId): ChitState | undefined {
    return this.#known.get(id)
  }

  /** A chit as it was before the first step, if it was loaded. */
  was(id: ChitId): ChitState | undefined {
    return this.#loaded.known.get(id)
  }

  /** A chit of this side's was signed, or that of a lift is good. */
  good(entry: Entry, now: number): ChainUnfit | undefined {
    return this.#step({ _tag: "Good", entry, loaded: this.#seen([]), now })
  }

  /** A message of the partner's side. */
  hear(message: ToFoil | ToStock, from: NodeKey, now: number): ChainUnfit | undefined {
    const common = { _tag: "Received", from, now } as const
    if (message._tag === "Entered") {
      const loaded = this.#seen([message.after.index, message.head.index])
      return this.#take(StockChain.step(this.#half, { ...common, message, loaded }))
    }
    if (message._tag === "Fetch")
      return this.#take(StockChain.step(this.#half, { ...common, message, loaded: this.#seen([]) }))
    const at = "at" in message ? [message.at.index] : "after" in message ? [message.after.index] : []
    return this.#take(FoilChain.step(this.#half, { ...common, message, loaded: this.#seen(at) }))
  }

  /** Foil has refused the chits that were loaded, because it has others under their ids. */
  conflicted(now: number): ChainUnfit | undefined {
    return this.#take(StockChain.step(this.#half, { _tag: "Conflicted", loaded: this.#loaded, now }))
  }

  /** What is to be stored and done; `state` is what the last step has left. */
  get result(): ChainStepped & { readonly readings: ReadonlyArray<Reading> } {
    const end = this.#half.chain?.at.index ?? 0
    return {
      _tag: "Stepped",
      state: this.#half,
      chits: [...this.#written.values()],
      evidence: this.#evidence,
      records: this.#records,
      actions: Condensing.said(this.#actions),
      readings: Condensing.asked(this.#readings, end),
      ...(this.#isUnset ? { isUnset: true } : {}),
      ...(this.#refused === undefined ? {} : { refused: this.#refused })
    }
  }

  /** The place with this index, where nothing has to be read for it. */
  position(index: Index): Position | undefined {
    const { chain, document } = this.#half
    if (index === 0 && document !== undefined) return { index, hash: digest(document) }
    if (chain?.at.index === index) return chain.at
    const hash = this.#placed.get(index)?.hash
    if (hash !== undefined) return { index, hash }
    const isInside = index < (chain?.at.index ?? 0)
    return isInside && this.before.chain?.at.index === index ? this.before.chain.at : undefined
  }

  /** At most so many chits behind a place, in their order; undefined where some of them have to be read. */
  behind(after: Index, most: number): ReadonlyArray<ChitState> | undefined {
    const found: Array<ChitState> = []
    const end = Math.min(this.#half.chain?.at.index ?? 0, after + most)
    for (let index = after + 1; index <= end; index++) {
      const state = this.#placed.get(index)
      if (state === undefined) return undefined
      found.push(state)
    }
    return found
  }

  /** What was loaded, with what the steps so far have written, and their places with these indexes. */
  #seen(indexes: ReadonlyArray<Index>): Loaded {
    const own = indexes.flatMap((index) => (index === 0 ? [] : (this.position(index) ?? [])))
    const loose = this.#loaded.loose.filter(({ core }) => this.#written.get(core.uuid)?.index === undefined)
    return { ...this.#loaded, known: this.#known, places: [...own, ...this.#loaded.places], loose }
  }

  #step(event: FoilEvent & StockEvent): ChainUnfit | undefined {
    return this.#take(
      this.#half.side === "foil" ? FoilChain.step(this.#half, event) : StockChain.step(this.#half, event)
    )
  }

  #take(result: ChainResult): ChainUnfit | undefined {
    if (result._tag === "Unfit") return result
    const closed = result.isUnset === true ? undefined : closeIfDone(result.state)
    this.#half = agreeing(closed?.state ?? result.state)
    this.#isUnset ||= result.isUnset === true
    this.#refused = result.refused ?? this.#refused
    this.#evidence.push(...result.evidence)
    this.#records.push(...result.records)
    this.#actions.push(...result.actions, ...(closed?.actions ?? []))
    if (result.reading !== undefined) this.#readings.push(result.reading)
    for (const chit of result.chits) this.#write(chit)
    return undefined
  }

  #write(chit: ChitState): void {
    this.#known.set(chit.core.uuid, chit)
    this.#written.set(chit.core.uuid, chit)
    if (chit.index !== undefined) this.#placed.set(chit.index, chit)
  }
}
