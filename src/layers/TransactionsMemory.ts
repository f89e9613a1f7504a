/**
 * Transactions of a `MemoryDatabase`: one at a time, rolled back by failure, by interruption and by `TransactionLimit`,
 * with savepoints.
 */
import { Effect, Layer } from "effect"
import { Transactions } from "../services/Transactions.ts"
import { MemoryDatabase } from "./MemoryDatabase.ts"
import { limited } from "./TransactionLimit.ts"

export const layer: Layer.Layer<Transactions, never, MemoryDatabase> = Layer.effect(
  Transactions,
  Effect.map(MemoryDatabase, ({ within, afterCommit, inTransaction }) =>
    Transactions.of({
      within: (effect) => Effect.flatMap(inTransaction, (open) => within(open ? effect : limited(effect))),
      afterCommit,
      isOpen: inTransaction
    })
  )
)
