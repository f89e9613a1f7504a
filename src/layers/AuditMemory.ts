/**
 * The audit of a node in memory: what its protocols look for in their own state. What the node itself keeps is checked on SQL alone,
 * where a database can be damaged.
 *
 * One transaction, so that nobody writes meanwhile: for tests and simulations.
 */
import { Effect, Layer } from "effect"
import { Audit, perform } from "../services/delivery/Audit.ts"
import * as ProtocolAudit from "../services/delivery/ProtocolAudit.ts"
import { Transactions } from "../services/Transactions.ts"

/** `protocol.handled` of each. */
export const layer = <R = never>(
  protocols: ReadonlyArray<ProtocolAudit.Audited<R>>
): Layer.Layer<Audit, never, Transactions | R> =>
  Layer.effect(
    Audit,
    Effect.gen(function* () {
      const { within } = yield* Transactions
      const context = yield* Effect.context<R>()
      const checks = ProtocolAudit.steps(protocols, within).map(({ run, what }) => ({
        what,
        run: Effect.provide(run, context)
      }))
      return Audit.of({
        run: Effect.fn("Audit.run")(function* (begin) {
          return yield* within(perform(checks, begin))
        })
      })
    })
  )
