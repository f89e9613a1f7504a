/**
 * The audit on PostgreSQL and on the embedded database: the same statements on both.
 *
 * One transaction that reads a snapshot and can write nothing. The embedded database has one connection: nobody else
 * gets at it meanwhile.
 */
import { Clock, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Audit, type Check, type Finding, maxFindings, type Report } from "../services/delivery/Audit.ts"
import * as LinkChecks from "./audit/LinkChecks.ts"
import * as WaitingChecks from "./audit/WaitingChecks.ts"
import { TransactionLimit } from "./TransactionLimit.ts"

/** How long all of it may take. */
const limit = "10 minutes"

const snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

export const layer: Layer.Layer<Audit, never, SqlClient.SqlClient> = Layer.effect(
  Audit,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const clock = yield* Clock.Clock

    const checked = Effect.fnUntraced(function* (begin: (check: Check) => Effect.Effect<void>) {
      const checks = [...LinkChecks.make(sql), ...WaitingChecks.make(sql, clock.currentTimeMillisUnsafe())]
      const findings: Array<Finding> = []
      let more = false
      for (const [index, { run, what }] of checks.entries()) {
        yield* begin({ number: index + 1, of: checks.length, what })
        const found = yield* run
        findings.push(...found.slice(0, maxFindings))
        more ||= found.length > maxFindings
      }
      const report: Report = { checks: checks.length, findings, more }
      return report
    })

    return Audit.of({
      run: Effect.fn("Audit.run")(function* (begin) {
        return yield* sql
          .withTransaction(checked(begin))
          .pipe(
            Effect.provideService(SqlClient.BeginTransaction, snapshot),
            Effect.provideService(TransactionLimit, limit)
          )
      })
    })
  })
)
