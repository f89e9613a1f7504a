/**
 * What to do when the database does not answer: say so once, wait longer each time, go on where it was.
 *
 * Only failures that may pass are retried; whether a failure may pass is the error's own word.
 */
import { Effect, Schedule } from "effect"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { isCommitUnknown } from "../Transactions.ts"
import type { Config } from "./DeliveryConfig.ts"

/**
 * Whether trying again may help. A COMMIT of unknown outcome counts as well: whatever delivery does in a transaction
 * finds out at its start that it has been done.
 */
export const mayPass = (error: unknown): error is SqlError =>
  isSqlError(error) && (error.isRetryable || isCommitUnknown(error))

/** Runs `effect` until it does not fail with an error that may pass. `what` names it in the log. */
export const persist =
  (what: string, config: Config) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      let failures = 0
      const warnOnce = (error: E) =>
        mayPass(error) && failures++ === 0
          ? Effect.annotateLogs(Effect.logWarning("The database does not answer, trying again", error), { what })
          : Effect.void
      const tell = Effect.suspend(() =>
        failures === 0
          ? Effect.void
          : Effect.annotateLogs(Effect.logInfo("The database answers again"), { what, failures })
      )
      return effect.pipe(
        Effect.tapError(warnOnce),
        Effect.retry({ schedule: retries(config), while: mayPass }),
        Effect.tap(tell)
      )
    })

const retries = (config: Config) =>
  Schedule.min([Schedule.exponential(config.databaseRetry.first), Schedule.spaced(config.databaseRetry.longest)]).pipe(
    Schedule.jittered
  )
