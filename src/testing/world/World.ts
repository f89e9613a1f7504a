/**
 * A world in virtual time: one heap of what is to happen, one set of what could run now, one seed.
 *
 * Time moves only when nothing can run, straight to the next event, and everything that is drawn is drawn from named
 * streams of the seed: a seed and a plan make one run, always the same. Work of the real world (an embedded database)
 * is let in one piece at a time, and time stands still for it.
 *
 * A world knows nothing of nodes and networks. `Process` runs Effect programs in it.
 */
import { CheckedOnce } from "./CheckedOnce.ts"
import { EventHeap, type Scheduled } from "./EventHeap.ts"
import { type Leak, Poison } from "./Poison.ts"
import { Rng } from "./Rng.ts"
import { ReadySet, type Schedule, type Source } from "./Schedule.ts"
import * as Trace from "./Trace.ts"

/** Where tasks come from: one fiber of one process. */
export interface Fiber extends Source {
  /** Takes the task instead of running it if its process stands still or is dead. */
  readonly admits: (task: () => void) => boolean
}

export interface Options {
  readonly seed: string | number
  readonly schedule: Schedule
  /** Milliseconds of virtual time after which a run has not ended; one day by default. */
  readonly budget?: number | undefined
  readonly trace?: Trace.Options | undefined
}

/** Why a world stopped running. */
export type Stop =
  | { readonly _tag: "Done" }
  /** Nothing can run and nothing is to happen, and it is not done. */
  | { readonly _tag: "Deadlock" }
  /** Work for ever without time moving, or time without end. */
  | { readonly _tag: "Runaway"; readonly detail: string }
  /** Something reached for the real clock, real randomness or real timers. */
  | { readonly _tag: "Leaked"; readonly leaks: ReadonlyArray<Leak> }
  /** A callback of the world itself threw: a bug of the simulator, or of a check. */
  | { readonly _tag: "Broke"; readonly cause: unknown }

/** Tasks that may run without time moving before it counts as a runaway. */
const maxTasksPerInstant = 2_000_000
const day = 86_400_000

export class World {
  readonly seed: string | number
  readonly trace: Trace.Trace
  /** Runs whenever nothing can run any more, before time moves. For invariants: it must change nothing. */
  onQuiet: (() => void) | undefined
  readonly #heap = new EventHeap()
  readonly #ready: ReadySet<Fiber>
  readonly #streams = new Map<string, Rng>()
  readonly #budget: number
  readonly #preemptEvery: number
  readonly #preemption: Rng
  readonly #ties: Rng | undefined
  readonly #externals: Array<() => Promise<void>> = []
  readonly #checked = new CheckedOnce()
  #now = 0
  #tasksNow = 0
  #untilPreemption: number
  #broke: { readonly cause: unknown } | undefined

  constructor({ budget = day, schedule, seed, trace }: Options) {
    this.seed = seed
    this.trace = new Trace.Trace(trace)
    this.#budget = budget * 1_000
    this.#ready = new ReadySet(schedule, this.rng("schedule"))
    this.#preemptEvery = schedule.preemptEvery
    this.#preemption = this.rng("preemption")
    this.#ties = schedule.order === "fifo" ? undefined : this.rng("ties")
    this.#untilPreemption = this.#drawPreemption()
  }

  /** Microseconds since the beginning. */
  get now(): number {
    return this.#now
  }

  /** Delivered chunks and fired timers so far. */
  get events(): number {
    return this.trace.count
  }

  /** Timers and deliveries that are still to come. */
  get pending(): number {
    return this.#heap.size
  }

  /** The stream of random numbers with this name; the same one every time, kept for as long as the world lasts. */
  rng(label: string): Rng {
    let stream = this.#streams.get(label)
    if (stream === undefined) this.#streams.set(label, (stream = new Rng(this.seed, label)))
    return stream
  }

  /**
   * Runs `run` at this time (microseconds, now at the earliest), as one event. Of those at the same time any may be
   * first, but not before those of a lower rank. Those of a negative rank keep the order in which they were asked for,
   * and draw nothing: one more of them moves nothing else.
   */
  at(time: number, run: () => void, rank = 0): Scheduled {
    const tie = this.#ties === undefined || rank < 0 ? 0 : this.#ties.u32() / 0x100000000
    return this.#heap.add(Math.max(this.#now, Math.ceil(time)), rank + tie, run)
  }

  cancel(event: Scheduled): void {
    this.#heap.cancel(event)
  }

  /** A task that can run now. */
  schedule(task: () => void, fiber: Fiber): void {
    this.#ready.add(task, fiber)
  }

  priority(): number {
    return this.#ready.priority()
  }

  /** Whether the fiber that runs has to let others go first. Asked before every operation of every fiber. */
  preempts(): boolean {
    if (--this.#untilPreemption > 0) return false
    this.#untilPreemption = this.#drawPreemption()
    return true
  }

  /**
   * Work outside of the world. It starts when nothing in the world can run and what was asked before has ended; time
   * stands still meanwhile. `done` runs in the world, after `latency` microseconds. `work` must not reject.
   */
  external<A>(work: () => Promise<A>, latency: number, done: (result: A) => void): void {
    const due = this.#now + latency
    this.#externals.push(async () => {
      const result = await work()
      this.at(due, () => done(result))
    })
  }

  /** Runs until `done`, which is asked whenever nothing can run. Without external work it never yields to the event loop. */
  async run(done: () => boolean): Promise<Stop> {
    const poison = new Poison()
    while (true) {
      poison.spread()
      this.#checked.spread()
      let stop: Stop | "external"
      try {
        stop = this.#advance(done, poison)
      } finally {
        this.#checked.lift()
        poison.lift()
      }
      // However it stopped: whatever came after the leak may have come of it.
      if (poison.leaks.length > 0) return { _tag: "Leaked", leaks: poison.leaks }
      if (stop !== "external") return stop
      await this.#externals.shift()!()
    }
  }

  #advance(done: () => boolean, poison: Poison): Stop | "external" {
    try {
      while (true) {
        if (!this.#drain()) return { _tag: "Runaway", detail: `${maxTasksPerInstant} tasks without time moving` }
        if (this.#broke !== undefined) return { _tag: "Broke", cause: this.#broke.cause }
        if (poison.leaks.length > 0) return { _tag: "Leaked", leaks: poison.leaks }
        this.onQuiet?.()
        if (done()) return { _tag: "Done" }
        if (this.#externals.length > 0) return "external"
        const next = this.#heap.take()
        if (next === undefined) return { _tag: "Deadlock" }
        if (next.at > this.#budget) return { _tag: "Runaway", detail: `${this.#budget / 1_000} ms of virtual time` }
        this.#fire(next)
      }
    } catch (cause) {
      return { _tag: "Broke", cause }
    }
  }

  #fire(event: Scheduled): void {
    if (event.at > this.#now) this.#tasksNow = 0
    this.#now = event.at
    this.trace.tick(this.#now)
    const { run } = event
    event.run = undefined
    run?.()
  }

  /** Runs everything that can run now. */
  #drain(): boolean {
    while (this.#ready.size > 0) {
      if (++this.#tasksNow > maxTasksPerInstant) return false
      this.#ready.next(this.#runTask)
    }
    return true
  }

  readonly #runTask = (task: () => void, fiber: Fiber): void => {
    if (!fiber.admits(task)) return
    this.trace.mix(this.#ready.size)
    try {
      task()
    } catch (cause) {
      this.#broke ??= { cause }
    }
  }

  #drawPreemption(): number {
    return this.#preemptEvery === 0 ? Number.POSITIVE_INFINITY : 1 + this.#preemption.below(2 * this.#preemptEvery)
  }
}
