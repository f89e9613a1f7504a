/**
 * Tells protocols again, at the start of a node, how messages have ended that they could not take in when it happened.
 * What a protocol takes in is forgotten in the same transaction; the rest stays in the action list.
 */
import { Cause, Effect, Exit } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Transactions } from "../Transactions.ts"
import { AttentionStore, type Untold } from "./AttentionStore.ts"
import { mayPass } from "./Persist.ts"
import type { Handled } from "./Protocol.ts"

/** Messages looked at in one step. */
const page = 64

export const run = Effect.fnUntraced(function* <R>(protocols: ReadonlyArray<Handled<R>>) {
  const byName = new Map(protocols.map((protocol) => [protocol.name, protocol]))
  const store = yield* AttentionStore
  const transactions = yield* Transactions

  const tell = (protocol: Handled<R>, { end, id, peer }: Untold, body: Uint8Array): Effect.Effect<void, SqlError, R> =>
    (end._tag === "Settled"
      ? protocol.onOutcome?.(body, end.outcome, { peer, id })
      : protocol.onExpired?.(body, { peer, id, outcome: end.outcome })) ?? Effect.void

  const again = Effect.fnUntraced(function* (untold: Untold) {
    const protocol = byName.get(untold.protocol)
    if (protocol === undefined) return
    const telling = Effect.flatMap(store.take(untold.id), (body) =>
      body === undefined ? Effect.void : tell(protocol, untold, body)
    )
    const exit = yield* Effect.exit(transactions.within(telling))
    if (Exit.isSuccess(exit)) return
    const error = Cause.findErrorOption(exit.cause)
    if (Cause.hasInterrupts(exit.cause) || (error._tag === "Some" && mayPass(error.value))) return yield* exit
    yield* Effect.logError("A protocol still cannot take in how a message has ended", exit.cause).pipe(
      Effect.annotateLogs({ message: untold.id, protocol: untold.protocol })
    )
  })

  let some = yield* store.untold({ limit: page })
  while (some.length > 0) {
    for (const untold of some) yield* again(untold)
    some = yield* store.untold({ limit: page, after: some.at(-1)?.id })
  }
})
