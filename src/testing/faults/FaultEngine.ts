/**
 * Carries a plan out: begins every fault when its time has come, ends those that last, and counts those that had an
 * effect. It rolls no dice but inside an entry, from a stream of that entry's own.
 *
 * Its events come before all others of the same time and draw nothing, so that an entry that strikes nothing changes
 * nothing. What is to happen at the nth frame, commit, event or pass happens inside the call that reports it.
 */
import type { Scheduled } from "../world/EventHeap.ts"
import { Rng } from "../world/Rng.ts"
import { type Blow, countOf, type Lasting, once } from "./Blow.ts"
import { keysOf } from "./EntryKey.ts"
import { Fault, type FaultKind, type FaultPlan } from "./FaultPlan.ts"
import { networkFaults } from "./NetworkFaults.ts"
import { NodeFaults } from "./NodeFaults.ts"
import type { Stage } from "./Stage.ts"
import { Triggers } from "./Triggers.ts"
import { describeFault } from "./Words.ts"

/** Before everything else at the same time. */
const rank = -1

/** A fault that has begun and is not over. */
interface Active {
  readonly entry: number
  /** Timers of its own. */
  readonly timers: Array<Scheduled>
  undo: () => number
}

export class FaultEngine {
  /** Faults of each kind that had an effect; of those that last, once they are over. */
  readonly struck: Record<FaultKind, number>
  readonly #stage: Stage
  readonly #plan: FaultPlan
  readonly #keys: ReadonlyArray<string>
  readonly #nodes: NodeFaults
  readonly #triggers = new Triggers()
  readonly #active = new Set<Active>()
  readonly #waiting: Array<Scheduled> = []
  /** By their entries. Kept to the end: a long plan that grew less would hide what grows in a long run. */
  readonly #strikes: ReadonlyArray<() => void>
  #begun = 0

  constructor(stage: Stage, plan: FaultPlan) {
    this.#stage = stage
    this.#plan = plan
    this.#keys = keysOf(plan.faults)
    this.#nodes = new NodeFaults(stage)
    this.#strikes = plan.faults.map((_, entry) => () => this.#strike(entry))
    this.struck = noneStruck()
  }

  /** Faults that have begun so far. */
  get begun(): number {
    return this.#begun
  }

  /** Faults that have begun and are not over. */
  get active(): number {
    return this.#active.size
  }

  /** Begins the disturbed part of the run, now. */
  begin(): void {
    const start = this.#stage.world.now
    for (const [entry, { fault, when }] of this.#plan.faults.entries()) {
      const strike = this.#strikes[entry]!
      if (fault._tag === "RestoreBackup") this.#at(start, fault.takenAt, () => this.#nodes.takeBackup(fault))
      if ("at" in when) this.#at(start, when.at, strike)
      else this.#triggers.add(when, strike)
    }
  }

  /** A node handed a frame of this kind (`FrameKind`) to its connection with another. */
  frame(kind: string, from: string, to: string): void {
    this.#triggers.frame(kind, from, to)
  }

  /** A node's nth commit, counted over all of its lives, took place. */
  commit(node: string, n: number): void {
    this.#triggers.commit(node, n)
  }

  /** The world is at its nth event; not every one must be reported. */
  event(n: number): void {
    this.#triggers.event(n)
  }

  /** A node passed a `Buggify` site. */
  site(node: string, name: string): void {
    this.#triggers.site(node, name)
  }

  /** Ends the disturbed part: everything is undone, the latest first, every node runs, and nothing strikes any more. */
  stop(): void {
    const stage = this.#stage
    this.#triggers.clear()
    for (const timer of this.#waiting.splice(0)) stage.world.cancel(timer)
    for (const active of [...this.#active].toReversed()) this.#end(active)
    stage.network.heal()
    for (const node of stage.nodes) {
      stage.resume(node)
      stage.revive(node)
    }
  }

  #at(start: number, millis: number, run: () => void): void {
    this.#waiting.push(this.#stage.world.at(start + millis * 1_000, run, rank))
  }

  #strike(entry: number): void {
    const { world } = this.#stage
    const { fault } = this.#plan.faults[entry]!
    this.#record("fault", entry, {})
    this.#begun++
    const active: Active = { entry, timers: [], undo: () => 0 }
    const after = (millis: number, run: () => void) => {
      if (millis <= 0) run()
      else active.timers.push(world.at(world.now + millis * 1_000, run, rank))
    }
    // An entry strikes once: nobody asks for its stream again.
    const blow = this.#blow(fault, { after, random: new Rng(world.seed, `fault/${this.#keys[entry]}`) })
    if (!isLasting(blow)) return this.#over(entry, countOf(blow))
    active.undo = once(blow.undo)
    this.#active.add(active)
    if (blow.for !== Number.POSITIVE_INFINITY) after(blow.for, () => this.#end(active))
  }

  #blow(fault: Fault, hand: Parameters<typeof networkFaults>[1]): Blow {
    return Fault.match(fault, { ...networkFaults(this.#stage, hand), ...this.#nodes.faults(hand) })
  }

  #end(active: Active): void {
    this.#active.delete(active)
    for (const timer of active.timers) this.#stage.world.cancel(timer)
    this.#over(active.entry, active.undo())
  }

  #over(entry: number, touched: number): void {
    if (touched > 0) this.struck[this.#plan.faults[entry]!.fault._tag]++
    this.#record("fault-over", entry, { touched })
  }

  #record(kind: string, entry: number, more: { readonly touched?: number }): void {
    const { trace, now } = this.#stage.world
    const { fault } = this.#plan.faults[entry]!
    trace.record(now, nodeOf(fault), kind, { entry, fault: describeFault(fault), ...more })
  }
}

const isLasting = (blow: Blow): blow is Lasting => typeof blow === "object"

/** The node that a fault is at; "" if it is at the network. */
const nodeOf = (fault: Fault): string => ("node" in fault ? fault.node : "")

const kinds = Object.keys(Fault.cases) as ReadonlyArray<FaultKind>

const noneStruck = () => Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<FaultKind, number>
