/**
 * How a node is: who it is, whether its database answers, how many sessions are live and what is owed.
 */
import { Clock, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { RetryStore } from "../../services/delivery/RetryStore.ts"
import { Registry } from "../../services/link/Registry.ts"
import { Self } from "../../services/link/Self.ts"
import { Node } from "../../services/Node.ts"
import type { Health } from "./Models.ts"

/** How long the database may take to answer. */
const patience = "2 seconds"
const limit = 10_000

export const make = Effect.fnUntraced(function* (database: Health["database"]) {
  const node = yield* Node
  const registry = yield* Registry
  const self = yield* Self
  const sql = yield* SqlClient.SqlClient
  const store = yield* RetryStore
  const startedAt = yield* Clock.currentTimeMillis

  const owed = Effect.gen(function* () {
    yield* sql`SELECT 1`
    const totals = yield* store.totals(limit)
    const since = totals.flatMap(({ oldestCreatedAt }) => (oldestCreatedAt === undefined ? [] : [oldestCreatedAt]))
    return {
      owed: totals.reduce((sum, link) => sum + link.owed, 0),
      ...(since.length === 0 ? {} : { owedSince: Math.min(...since) })
    }
  })

  const check = Effect.gen(function* () {
    const standing = {
      node: node.key,
      network: self.network,
      agent: self.agent,
      incarnation: self.incarnation,
      startedAt,
      database,
      sessions: registry.sessions().length,
      ...(node.address === undefined ? {} : { address: node.address.toString() })
    }
    const degraded = (problem: string): Health => ({ status: "degraded", ...standing, problem })
    return yield* owed.pipe(
      Effect.map((owed): Health => ({ status: "ok", ...standing, ...owed })),
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => Effect.succeed(degraded(`the database has not answered within ${patience}`))
      }),
      Effect.catchTag("SqlError", () => Effect.succeed(degraded("the database does not answer")))
    )
  })
  return { check }
})
