/**
 * Transactions of a `MemoryDatabase`: one at a time, rolled back by failure and interruption, with savepoints.
 */
import { Effect, Layer } from "effect"
import { Transactions } from "../services/Transactions.ts"
import { MemoryDatabase } from "./MemoryDatabase.ts"

export const layer: Layer.Layer<Transactions, never, MemoryDatabase> = Layer.effect(
  Transactions,
  Effect.map(MemoryDatabase, ({ within, afterCommit, inTransaction }) =>
    Transactions.of({ within, afterCommit, isOpen: inTransaction })
  )
)
