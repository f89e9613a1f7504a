/**
 * One life of a process in a world: the clock, the scheduler and the randomness of the Effect programs that run in it.
 *
 * It can stand still (its tasks and timers wait and come late, as after SIGSTOP) and it can die (nothing of it ever
 * runs again, no finalizer either, as after SIGKILL). Its clocks may run fast, slow, or be set.
 *
 * Whatever reaches it from outside must come through `enter`, or a dead process would wake.
 */
import { Cause, Clock, Context, Duration, Effect, type Exit, Metric, Random, References, Scheduler } from "effect"
import { SecureRandom as Secure } from "effect/crypto"
import type { SecureRandom } from "effect/crypto/SecureRandom"
import type { Scheduled } from "./EventHeap.ts"
import { Rng } from "./Rng.ts"
import type { Fiber, World } from "./World.ts"

/** Milliseconds since 1970 at which every world begins. */
export const epoch = Date.UTC(2030, 0, 1)

type State = "running" | "paused" | "dead"

class FiberTasks implements Fiber, Scheduler.SchedulerDispatcher {
  priority: number
  readonly #process: Process
  constructor(process: Process) {
    this.#process = process
    this.priority = process.world.priority()
  }
  scheduleTask(task: () => void): void {
    this.#process.world.schedule(task, this)
  }
  flush(): void {
    throw new Error("a program in a simulated world cannot be run to its end synchronously")
  }
  admits(task: () => void): boolean {
    return this.#process.admits(task)
  }
}

export class Process implements Scheduler.Scheduler, Clock.Clock {
  readonly executionMode = "async"
  readonly world: World
  /** The node's name. */
  readonly name: string
  /** Which life of the node this is, from 1. */
  readonly life: number
  /** What its programs run with. */
  readonly context: Context.Context<SecureRandom>
  /** Fibers that have begun and not ended. */
  fibers = 0
  /** Extra microseconds that a timer of this process is late by, drawn for each. */
  lateness: (() => number) | undefined
  readonly #timers = new Set<Scheduled>()
  readonly #streams = new Map<string, Rng>()
  #state: State = "running"
  #held: Array<() => void> = []
  #wallOffset = 0
  /** Local microseconds are `#localAt + (now - #since) * #rate / 1e6`. */
  #rate = 1_000_000
  #since: number
  #localAt: number

  /** `before` is the life before this one on the same machine, whose clock goes on. */
  constructor(world: World, name: string, life: number, before?: Process) {
    this.world = world
    this.name = name
    this.life = life
    this.#since = world.now
    this.#localAt = before === undefined ? world.now : before.#local()
    if (before !== undefined) {
      this.#rate = before.#rate
      this.#wallOffset = before.#wallOffset
    }
    this.context = this.#makeContext()
  }

  /** The stream of random numbers of this life with this name; the same one every time. It goes with the life. */
  rng(label: string): Rng {
    let stream = this.#streams.get(label)
    if (stream === undefined) {
      stream = new Rng(this.world.seed, `${this.name}/${this.life}/${label}`)
      this.#streams.set(label, stream)
    }
    return stream
  }

  get state(): State {
    return this.#state
  }

  /** Timers that have been set and have not fired. */
  get timers(): number {
    return this.#timers.size
  }

  /** Starts a program; its end is reported if the process lives to see it. */
  fork<A, E>(effect: Effect.Effect<A, E, SecureRandom>, onExit: (exit: Exit.Exit<A, E>) => void = reportDefect): void {
    this.enter(() => {
      Effect.runForkWith(this.context)(effect).addObserver(onExit)
    })
  }

  /** Lets something from outside in: at once, on the resumption if the process stands still, never if it is dead. */
  enter(run: () => void): void {
    if (this.#state === "running") run()
    else if (this.#state === "paused") this.#held.push(run)
  }

  /** Part of the scheduler. */
  admits(task: () => void): boolean {
    if (this.#state === "running") return true
    if (this.#state === "paused") this.#held.push(task)
    return false
  }

  pause(): void {
    if (this.#state === "running") this.#state = "paused"
  }

  resume(): void {
    if (this.#state !== "paused") return
    this.#state = "running"
    const fiber = new FiberTasks(this)
    for (const task of this.#held.splice(0)) this.world.schedule(task, fiber)
  }

  /** Ends at once, without a word. */
  kill(): void {
    this.#state = "dead"
    this.#held = []
    for (const timer of this.#timers) this.world.cancel(timer)
    this.#timers.clear()
  }

  /** Sets the wall clock forward or back by this many milliseconds; the monotonic one does not notice. */
  stepClock(millis: number): void {
    this.#wallOffset += Math.round(millis * 1_000)
  }

  /** From now on both clocks run fast by this many parts in a million, or slow if it is negative. */
  driftClock(partsPerMillion: number): void {
    this.#localAt = this.#local()
    this.#since = this.world.now
    this.#rate = 1_000_000 + partsPerMillion
  }

  #local(): number {
    const passed = this.world.now - this.#since
    return this.#localAt + (this.#rate === 1_000_000 ? passed : Math.floor((passed * this.#rate) / 1_000_000))
  }

  // Scheduler

  /** One that is struck in the midst of a task goes no further than to the end of the operation that it is at. */
  shouldYield(fiber: Parameters<Scheduler.Scheduler["shouldYield"]>[0]): boolean {
    return this.#state !== "running" || this.world.preempts() || fiber.currentOpCount >= 2_048
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return new FiberTasks(this)
  }

  // Clock

  currentTimeMillisUnsafe(): number {
    return epoch + Math.floor((this.#local() + this.#wallOffset) / 1_000)
  }
  currentTimeNanosUnsafe(): bigint {
    return BigInt(epoch) * 1_000_000n + BigInt(this.#local() + this.#wallOffset) * 1_000n
  }
  monotonicTimeNanosUnsafe(): bigint {
    return BigInt(this.#local()) * 1_000n
  }
  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback((resume) => {
      // However short: where no time passes, a loop of sleeps would stop the world.
      const local = Math.max(1, Math.ceil(millis * 1_000))
      const wait = this.#rate === 1_000_000 ? local : (local * 1_000_000) / this.#rate
      const timer = this.world.at(this.world.now + wait + (this.lateness?.() ?? 0), () => {
        this.#timers.delete(timer)
        this.enter(() => resume(Effect.void))
      })
      this.#timers.add(timer)
      return Effect.sync(() => {
        this.#timers.delete(timer)
        this.world.cancel(timer)
      })
    })
  }

  #makeContext(): Context.Context<SecureRandom> {
    const random = this.rng("random")
    const secure = this.rng("secure")
    const fibers = {
      recordFiberStart: () => void this.fibers++,
      recordFiberEnd: () => void this.fibers--
    }
    return Context.empty().pipe(
      Context.add(Scheduler.Scheduler, this),
      Context.add(Clock.Clock, this),
      Context.add(Random.Random, {
        nextIntUnsafe: () => random.between(Number.MIN_SAFE_INTEGER / 2, Number.MAX_SAFE_INTEGER / 2),
        nextDoubleUnsafe: () => random.next()
      }),
      Context.add(
        Secure.SecureRandom,
        Secure.make((size) => secure.bytes(size))
      ),
      Context.add(References.TracerEnabled, false),
      Context.add(Metric.FiberRuntimeMetrics, fibers)
    )
  }
}

const reportDefect = (exit: Exit.Exit<unknown, unknown>): void => {
  if (exit._tag === "Failure" && !Cause.hasInterruptsOnly(exit.cause)) throw new Error(Cause.pretty(exit.cause))
}
