/**
 * Notices by LISTEN on PostgreSQL. Each listener holds a connection of the pool.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Queue } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Notices } from "../services/delivery/Notices.ts"

export const layer: Layer.Layer<Notices, never, PgClient.PgClient> = Layer.effect(
  Notices,
  Effect.map(PgClient.PgClient, (client) =>
    Notices.of({
      listen: Effect.fnUntraced(function* (channel) {
        const heard = yield* client.listen(channel)
        const said = yield* Queue.make<string, SqlError>()
        const pass = Effect.forever(
          Effect.flatMap(Queue.takeAll(heard), (notices) =>
            Queue.offerAll(
              said,
              notices.map(({ payload }) => payload)
            )
          )
        )
        yield* Effect.forkScoped(Effect.catch(pass, (error) => Queue.fail(said, error)))
        return said
      })
    })
  )
)
