/**
 * How long something takes, for bounds that a busy machine must not break.
 */
import { Effect, type Scope } from "effect"

/** How often a clock looks at the time, in milliseconds. */
const tick = 10

/**
 * Time that passes for this process, and not while a busy machine lets it stand still: a look that comes late counts with
 * what was computed meanwhile, and with no more than it would be late by itself.
 */
class OwnTime {
  #passed = 0
  #at = performance.now()
  #computed = process.cpuUsage()

  readonly look = (): number => {
    const { system, user } = process.cpuUsage(this.#computed)
    const at = performance.now()
    this.#passed += Math.min(at - this.#at, Math.max(2 * tick, (system + user) / 1_000))
    this.#at = at
    this.#computed = process.cpuUsage()
    return this.#passed
  }
}

/** A clock of such milliseconds, until the scope closes. What other processes take is in it only while this one waits. */
export const ownTime: Effect.Effect<() => number, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const time = new OwnTime()
      return { time, timer: setInterval(time.look, tick) }
    }),
    ({ timer }) => Effect.sync(() => clearInterval(timer))
  ),
  ({ time }) => time.look
)

/** Milliseconds that an effect takes, without those for which a busy machine lets this whole process stand still. */
export const milliseconds = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    const time = new OwnTime()
    const timer = setInterval(time.look, tick)
    return effect.pipe(
      Effect.ensuring(Effect.sync(() => clearInterval(timer))),
      Effect.map(() => time.look())
    )
  })
