/**
 * The embedded database: PGlite in a folder or in memory, behind the same wire driver as a PostgreSQL server.
 *
 * Commits are durable: they are on the disk before they are answered (PGlite's own default leaves that to the
 * operating system). One session exists at a time. When the driver opens another one, or the old one ends, an open
 * transaction is rolled back and the session's state is reset, as a server does. Every statement runs to its end
 * within one call, so an interrupted fiber never leaves a statement half done. When the engine dies (a full disk
 * while it writes its log, say), statements fail with a retryable error and the next one opens the folder again.
 *
 * Two processes must not open one folder at the same time: hold its lock (see `DataFolder`).
 */
import { PgClient, type PgConnection } from "@effect/sql-pg"
import { PGlite } from "@electric-sql/pglite"
import { Effect, Layer, Queue, Scheduler } from "effect"
import type { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { EmbeddedDatabaseUnusable } from "./DatabaseErrors.ts"
import { Engine, quoted } from "./pglite/Engine.ts"
import * as PgliteFolder from "./PgliteFolder.ts"
import * as Postgres from "./Postgres.ts"

/** Where the database lives. */
export interface Options {
  /** Its folder, made if need be; its parent must exist. `undefined` keeps everything in memory. */
  readonly dataDir: string | undefined
  /** Leave forcing the disk to the operating system: faster, and a power cut can undo commits. */
  readonly allowDataLoss?: boolean | undefined
  /** What a new database begins with, as PGlite's `dumpDataDir` writes it. Several times faster than an empty one. */
  readonly dump?: Blob | undefined
}

const openEngine = Effect.fnUntraced(function* (options: Options) {
  const folder = options.dataDir
  const open = (): Promise<PGlite> =>
    folder === undefined
      ? PGlite.create({
          startParams: PgliteFolder.careless,
          ...(options.dump === undefined ? {} : { loadDataDir: options.dump })
        })
      : PgliteFolder.open(folder, options.allowDataLoss === true, options.dump)
  const pg = yield* Effect.tryPromise({
    try: open,
    catch: (cause) =>
      cause instanceof EmbeddedDatabaseUnusable
        ? cause
        : new EmbeddedDatabaseUnusable({
            dataDir: folder ?? "memory",
            problem: "could not be opened",
            fix: "See the reason.",
            cause
          })
  })
  const scheduler = yield* Scheduler.Scheduler
  return new Engine(pg, folder === undefined ? undefined : open, scheduler.makeDispatcher())
})

const make = Effect.fnUntraced(function* (options: Options) {
  const engine = yield* Effect.acquireRelease(openEngine(options), (engine) => Effect.promise(() => engine.close()))
  const client = yield* Postgres.make({
    driver: "pglite",
    stream: engine.connect,
    maxConnections: 1,
    minConnections: 1,
    username: "postgres",
    database: "postgres",
    applicationName: "holdfast",
    // Opening again after a crash replays the log.
    connectTimeout: "1 minute"
  })
  const listen: PgClient.PgClient["listen"] = Effect.fnUntraced(function* (channel) {
    const queue = yield* Queue.sliding<PgConnection.Notification, SqlError>(1024)
    yield* Effect.acquireRelease(
      Effect.suspend(() => {
        const known = engine.listeners.get(channel)
        if (known === undefined) engine.listeners.set(channel, new Set([queue]))
        else known.add(queue)
        return client.unsafe(`LISTEN ${quoted(channel)}`)
      }),
      () =>
        Effect.suspend(() => {
          const known = engine.listeners.get(channel)
          known?.delete(queue)
          if (known?.size !== 0) return Queue.shutdown(queue)
          engine.listeners.delete(channel)
          return Effect.andThen(Effect.ignore(client.unsafe(`UNLISTEN ${quoted(channel)}`)), Queue.shutdown(queue))
        })
    )
    return queue
  })
  return Object.assign(client, { listen })
})

/**
 * Opens the embedded database and provides its client; closing the scope writes everything out and closes it.
 *
 * `listen` does not keep the connection. A query that waits for a connection from inside a transaction ends by
 * `TransactionLimit`.
 */
export const layer = (
  options: Options
): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, EmbeddedDatabaseUnusable | SqlError> =>
  PgClient.layerFrom(make(options))
