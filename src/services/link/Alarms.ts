/**
 * Everything of the links that is due at some time: heartbeats, deadlines, probes. One fiber sleeps until the earliest,
 * whatever their number, so that a connection needs no timer and no fiber of its own for them.
 */
import { Clock, Effect, FiberHandle, type Scope } from "effect"
import { Heap } from "../../protocol/Heap.ts"
import { monotonic } from "../Monotonic.ts"

/** Calls back once, at its time, unless it is cancelled before. */
export class Alarm {
  readonly due: number
  #ring: ((now: number) => void) | undefined

  constructor(due: number, ring: (now: number) => void) {
    this.due = due
    this.#ring = ring
  }

  cancel(): void {
    this.#ring = undefined
  }

  ring(now: number): void {
    const ring = this.#ring
    this.#ring = undefined
    ring?.(now)
  }
}

export class Alarms {
  readonly #clock: Clock.Clock
  readonly #sleep: (sleeping: Effect.Effect<void>) => void
  readonly #alarms = new Heap<Alarm>((a, b) => a.due < b.due)
  #sleepsUntil = Number.POSITIVE_INFINITY

  private constructor(clock: Clock.Clock, sleep: (sleeping: Effect.Effect<void>) => void) {
    this.#clock = clock
    this.#sleep = sleep
  }

  static readonly make: Effect.Effect<Alarms, never, Scope.Scope> = Effect.gen(function* () {
    // At most one sleeps: the next one that begins ends the last.
    const run = yield* FiberHandle.makeRuntime<never, void>()
    const alarms = new Alarms(yield* Clock.Clock, run)
    run(alarms.#awake)
    return alarms
  })

  /** Milliseconds of a clock that does not go back. */
  get now(): number {
    return monotonic(this.#clock)
  }

  /**
   * Calls `ring` at `time`, to the whole millisecond, or as soon after as it can, with the time it is then; never before
   * this returns.
   */
  set(time: number, ring: (now: number) => void): Alarm {
    const alarm = new Alarm(Math.ceil(time), ring)
    this.#alarms.push(alarm)
    if (alarm.due < this.#sleepsUntil) this.#sleep(this.#awake)
    return alarm
  }

  /** Sleeps until the next alarm and rings it, for ever. */
  readonly #awake: Effect.Effect<never> = Effect.forever(
    Effect.flatMap(
      Effect.suspend(() => {
        this.#sleepsUntil = this.#alarms.first?.due ?? Number.POSITIVE_INFINITY
        const left = this.#sleepsUntil - this.now
        if (left === Number.POSITIVE_INFINITY) return Effect.never
        return left > 0 ? Effect.sleep(left) : Effect.yieldNow
      }),
      () => this.#ringDue
    ),
    { disableYield: true }
  )

  readonly #ringDue = Effect.sync(() => {
    const { now } = this
    // Whatever is set meanwhile is looked at before the next sleep.
    this.#sleepsUntil = Number.NEGATIVE_INFINITY
    for (let next = this.#alarms.first; next !== undefined && next.due <= now; next = this.#alarms.first) {
      this.#alarms.pop()
      next.ring(now)
    }
  })
}
