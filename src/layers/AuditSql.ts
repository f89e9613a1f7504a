/**
 * The audit on PostgreSQL and on the embedded database: the same statements on both.
 *
 * One transaction that reads a snapshot and can write nothing. The embedded database has one connection: nobody else
 * gets at it meanwhile.
 */
import { Clock, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Audit, perform } from "../services/delivery/Audit.ts"
import * as ProtocolAudit from "../services/delivery/ProtocolAudit.ts"
import * as LinkChecks from "./audit/LinkChecks.ts"
import * as WaitingChecks from "./audit/WaitingChecks.ts"
import { TransactionLimit } from "./TransactionLimit.ts"

/** How long all of it may take. */
const limit = "10 minutes"

const snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

/** Checks what the node keeps, and what these protocols do: `protocol.handled` of each. */
export const layer = <R = never>(
  protocols: ReadonlyArray<ProtocolAudit.Audited<R>> = []
): Layer.Layer<Audit, never, SqlClient.SqlClient | R> =>
  Layer.effect(
    Audit,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const clock = yield* Clock.Clock
      const context = yield* Effect.context<R>()
      const theirs = ProtocolAudit.steps(protocols, sql.withTransaction)

      const checks = () => [
        ...LinkChecks.make(sql),
        ...WaitingChecks.make(sql, clock.currentTimeMillisUnsafe()),
        ...theirs.map(({ run, what }) => ({ what, run: Effect.provide(run, context) }))
      ]

      return Audit.of({
        run: Effect.fn("Audit.run")(function* (begin) {
          return yield* sql
            .withTransaction(Effect.suspend(() => perform(checks(), begin)))
            .pipe(
              Effect.provideService(SqlClient.BeginTransaction, snapshot),
              Effect.provideService(TransactionLimit, limit)
            )
        })
      })
    })
  )
