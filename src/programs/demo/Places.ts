/**
 * Where the nodes of a demo keep what they have: a temporary folder with one data folder and one log each, and one database each on a
 * PostgreSQL server if there is one; else theirs are embedded in their data folders.
 *
 * Everything is removed when the demo has passed or was broken off. When it has failed the folder stays, with the
 * nodes' logs and embedded databases, for whoever looks for the reason; databases on a server always go.
 */
import { Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as Postgres from "../../layers/Postgres.ts"
import { DemoFailed } from "./DemoFailed.ts"

/** Where one node is at home. */
export interface Place {
  readonly data: string
  /** The URL of its database on the server, if there is one. */
  readonly database?: string
  readonly log: string
}

export interface Places<Name extends string> {
  readonly folder: string
  readonly of: (name: Name) => Place
}

const problem = (problem: string) => (cause: unknown) => new DemoFailed({ problem, cause })

/** A folder that goes with the scope unless `keep` says otherwise at that moment. */
const temporary = (keep: () => boolean) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-demo-")),
      catch: problem("there is no temporary folder")
    }),
    (folder) =>
      Effect.sync(() => {
        if (!keep()) fs.rmSync(folder, { recursive: true, force: true })
      })
  )

/** A database on the server of `url` that goes with the scope. */
const onServer = Effect.fnUntraced(function* (url: string, name: string) {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.acquireRelease(sql`CREATE DATABASE ${sql(name)}`, () =>
    Effect.ignore(sql`DROP DATABASE IF EXISTS ${sql(name)} WITH (FORCE)`, { log: "Warn" })
  )
  const own = new URL(url)
  own.pathname = `/${name}`
  return own.href
})

const databases = Effect.fnUntraced(
  function* (url: Redacted.Redacted, names: ReadonlyArray<string>, suffix: string) {
    const server = yield* Layer.build(Postgres.layer({ url, maxConnections: 1, allowDataLoss: true }))
    const create = (name: string) => onServer(Redacted.value(url), `holdfast_demo_${suffix}_${name.toLowerCase()}`)
    return yield* Effect.forEach(names, create).pipe(Effect.provide(server))
  },
  Effect.mapError(problem("its databases could not be made on the PostgreSQL server"))
)

export const make = Effect.fnUntraced(function* <Name extends string>(options: {
  readonly names: ReadonlyArray<Name>
  readonly database: Redacted.Redacted | undefined
  readonly keep: () => boolean
}) {
  const { database, keep, names } = options
  const folder = yield* temporary(keep)
  const suffix = path.basename(folder).replace(/^.*-/, "").toLowerCase()
  const urls = database === undefined ? [] : yield* databases(database, names, suffix)
  const places: Places<Name> = {
    folder,
    of: (name) => {
      const url = urls[names.indexOf(name)]
      return {
        data: path.join(folder, name),
        log: path.join(folder, `${name}.log`),
        ...(url === undefined ? {} : { database: url })
      }
    }
  }
  return places
})
