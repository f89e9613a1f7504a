/**
 * Embedded databases in memory that have been migrated, for one run after another: starting one takes a second or two
 * and some 250 MB, emptying it milliseconds.
 */
import { Context, Effect, Exit, Layer, References, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { migrations } from "../../../migrations/index.ts"
import * as Migrations from "../../layers/Migrations.ts"
import * as Pglite from "../../layers/Pglite.ts"
import * as PostgresConnection from "../../layers/PostgresConnection.ts"
import { PgliteTables } from "./PgliteTables.ts"

export interface Instance {
  /** The driver's one session, which everything goes through. */
  readonly session: PostgresConnection.Session
  readonly tables: PgliteTables
  readonly close: () => Promise<void>
}

/** How many are kept for later. */
export const maxIdle = 8

const idle: Array<Instance> = []

const start = Effect.gen(function* () {
  const scope = yield* Scope.make()
  const started = Effect.gen(function* () {
    const context = yield* Layer.build(Layer.fresh(Pglite.layer({ dataDir: undefined })))
    yield* Effect.provide(Migrations.migrate(migrations), context)
    const connection = yield* Context.get(context, SqlClient.SqlClient).reserve
    if (!(connection instanceof PostgresConnection.Connection)) return yield* Effect.die("foreign connection")
    const session: PostgresConnection.Session = connection.session
    const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
    return { session, tables: yield* PgliteTables.of(session), close }
  })
  return yield* Effect.onError(Scope.provide(started, scope), (cause) => Scope.close(scope, Exit.failCause(cause)))
}).pipe(Effect.provideService(References.MinimumLogLevel, "Warn"))

/** An empty one. */
export const take = async (): Promise<Instance> => {
  for (let known = idle.pop(); known !== undefined; known = idle.pop()) {
    const reset = await Effect.runPromiseExit(known.tables.reset)
    if (Exit.isSuccess(reset)) return known
    await known.close()
  }
  return Effect.runPromise(start)
}

/** Whatever is in it by now, and whether or not it still works. */
export const putBack = async (instance: Instance): Promise<void> => {
  if (idle.length < maxIdle) idle.push(instance)
  else await instance.close()
}

/** Closes those that nobody uses. */
export const closeIdle = async (): Promise<void> => {
  for (const instance of idle.splice(0)) await instance.close()
}
