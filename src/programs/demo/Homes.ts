/**
 * Where the nodes of the demo live: a temporary folder with one data folder each, and one database each, embedded in
 * that folder or on a PostgreSQL server.
 *
 * Everything is removed when the demo has passed or was broken off. When it has failed the folder stays, with the
 * nodes' logs and embedded databases, for whoever looks for the reason; databases on a server always go.
 */
import { Effect, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as Pglite from "../../layers/Pglite.ts"
import * as Postgres from "../../layers/Postgres.ts"
import { Int8Number, reader } from "../../layers/SqlRow.ts"
import { files } from "../FolderFiles.ts"
import type { Evidence } from "./Audit.ts"
import { type Name, names } from "./Board.ts"
import type { Start } from "./Contract.ts"
import { DemoFailed } from "./DemoFailed.ts"

export interface Homes {
  readonly folder: string
  readonly start: (name: Name) => Start
  readonly log: (name: Name) => string
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
  function* (url: Redacted.Redacted, suffix: string) {
    const server = yield* Layer.build(Postgres.layer({ url, maxConnections: 1, allowDataLoss: true }))
    const create = (name: Name) => onServer(Redacted.value(url), `holdfast_demo_${suffix}_${name.toLowerCase()}`)
    return yield* Effect.forEach(names, create).pipe(Effect.provide(server))
  },
  Effect.mapError(problem("its databases could not be made on the PostgreSQL server"))
)

export const make = Effect.fnUntraced(function* (options: {
  readonly database: Redacted.Redacted | undefined
  readonly keep: () => boolean
}) {
  const folder = yield* temporary(options.keep)
  const suffix = path.basename(folder).replace(/^.*-/, "").toLowerCase()
  const urls = options.database === undefined ? [] : yield* databases(options.database, suffix)
  const homes: Homes = {
    folder,
    start: (name) => {
      const url = urls[names.indexOf(name)]
      return { data: path.join(folder, name), ...(url === undefined ? {} : { database: url }) }
    },
    log: (name) => path.join(folder, `${name}.log`)
  }
  return homes
})

const readLedger = reader(Schema.Struct({ receiver: Schema.String, number: Schema.Int, sent_at: Int8Number }))
const readReceived = reader(Schema.Struct({ sender: Schema.String, number: Schema.Int, received_at: Int8Number }))
const readLinks = reader(
  Schema.Struct({ peer: Schema.String, epoch: Int8Number, duplicates: Int8Number, owed: Int8Number })
)

/** Every session of a link raises its epoch once, so that the epoch counts sessions, also over a SIGKILL. */
const read = (node: Name, nameOf: (key: string) => Name | undefined) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const ledger = readLedger(yield* sql`SELECT receiver, number, sent_at FROM demo_ledger`)
    const received = readReceived(yield* sql`SELECT sender, number, received_at FROM demo_received`)
    const links = readLinks(
      yield* sql`
        SELECT l.peer, l.epoch, coalesce(a.duplicates, 0) AS duplicates,
          (SELECT count(*) FROM holdfast_outbox o WHERE o.link = l.id) AS owed
        FROM holdfast_links l LEFT JOIN holdfast_arrivals a ON a.link = l.id`
    )
    const known = <A>(key: string, of: (name: Name) => A): ReadonlyArray<A> => {
      const name = nameOf(key)
      return name === undefined ? [] : [of(name)]
    }
    const evidence: Evidence = {
      node,
      ledger: ledger.flatMap((row) =>
        known(row.receiver, (receiver) => ({ receiver, number: row.number, sentAt: row.sent_at }))
      ),
      received: received.map((row) => ({
        sender: nameOf(row.sender) ?? row.sender,
        number: row.number,
        receivedAt: row.received_at
      })),
      links: links.flatMap(({ duplicates, epoch, owed, peer }) =>
        known(peer, (name) => ({ peer: name, sessions: epoch, duplicates, owed }))
      )
    }
    return evidence
  })

/** Reads what the nodes have left in their databases. They must have stopped. */
export const evidence = Effect.fnUntraced(function* (homes: Homes, nameOf: (key: string) => Name | undefined) {
  return yield* Effect.forEach(names, (node) => {
    const { data, database } = homes.start(node)
    const reading = read(node, nameOf)
    const found =
      database === undefined
        ? Effect.provide(reading, Pglite.layer({ dataDir: path.join(data, files.database) }))
        : Effect.provide(
            reading,
            Postgres.layer({ url: Redacted.make(database), maxConnections: 1, allowDataLoss: true })
          )
    return found.pipe(Effect.mapError(problem(`the database of node ${node} could not be read`)))
  })
})
