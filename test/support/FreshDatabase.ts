/**
 * Empty databases for test files, all on the one PostgreSQL server of the test run (see `globalSetup.ts`).
 *
 * `layer` is a client of a database of its own: one per `layer(...)` block or provided test. Without a server the
 * tests that need it fail with what to install; they are never left out.
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Redacted, type Scope } from "effect"
import type { SqlClient } from "effect/sql"
import * as net from "node:net"
import { inject } from "vitest"
import * as Postgres from "../../src/layers/Postgres.ts"
import { createDatabase, dropDatabase } from "./PostgresServer.ts"

/** What the test run answers when it is asked for its server. */
export type Reply =
  | { readonly url: string; readonly own: boolean; readonly error?: undefined }
  | { readonly error: string; readonly url?: undefined }

const ask = (): Promise<{ readonly url: string; readonly own: boolean }> =>
  new Promise((resolve, reject) => {
    const { port, word } = inject("postgres")
    const socket = net.connect({ port, host: "127.0.0.1" })
    let text = ""
    socket.on("data", (chunk) => {
      text += chunk.toString()
    })
    socket.on("error", reject)
    socket.on("end", () => {
      const reply: Reply = JSON.parse(text)
      if (reply.error === undefined) resolve(reply)
      else reject(new Error(reply.error))
    })
    socket.write(word)
  })

let asked: Promise<{ readonly url: string; readonly own: boolean }> | undefined

/** The run's server; its first caller has it started. */
export const server = (): Promise<{ readonly url: string; readonly own: boolean }> => (asked ??= ask())

/** The URL of an empty database, which is removed with the scope unless it goes away with its server anyway. */
export const freshDatabase: Effect.Effect<Redacted.Redacted, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(async () => Redacted.make(await createDatabase((await server()).url))),
  (url) =>
    Effect.promise(async () => {
      const { own, url: serverUrl } = await server()
      if (!own) await dropDatabase(serverUrl, Redacted.value(url))
    })
)

/** A client of an empty database. */
export const layer: Layer.Layer<PgClient.PgClient | SqlClient.SqlClient> = Layer.unwrap(
  Effect.map(freshDatabase, (url) => Postgres.layer({ url }))
).pipe(Layer.orDie)
