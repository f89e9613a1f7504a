/**
 * Transactions of the SQL client; one inside another is a savepoint.
 */
import { Effect, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import { Transactions } from "../services/Transactions.ts"

export const layer: Layer.Layer<Transactions, never, SqlClient.SqlClient> = Layer.effect(
  Transactions,
  Effect.map(SqlClient.SqlClient, (sql) =>
    Transactions.of({
      within: sql.withTransaction,
      afterCommit: (effect) => sql.afterCommit(effect),
      isOpen: Effect.map(Effect.serviceOption(sql.transactionService), Option.isSome)
    })
  )
)
