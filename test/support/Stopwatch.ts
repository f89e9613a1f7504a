/**
 * How long something takes, for bounds that a busy machine must not break.
 */
import { Effect } from "effect"

/** How often the stopwatch looks, in milliseconds. */
const tick = 10

/**
 * Milliseconds that an effect takes, without those for which a busy machine lets this whole process stand still: a look
 * that comes late counts with what was computed meanwhile, and with no more than it would be late by itself.
 */
export const milliseconds = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    let took = 0
    let at = performance.now()
    let computed = process.cpuUsage()
    const look = (): void => {
      const { system, user } = process.cpuUsage(computed)
      took += Math.min(performance.now() - at, Math.max(2 * tick, (system + user) / 1_000))
      at = performance.now()
      computed = process.cpuUsage()
    }
    const timer = setInterval(look, tick)
    return effect.pipe(
      Effect.ensuring(Effect.sync(() => clearInterval(timer))),
      Effect.map(() => {
        look()
        return took
      })
    )
  })
