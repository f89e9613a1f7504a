/**
 * Where the nodes of the demo live, and what they have left in their databases there.
 */
import { Effect, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as path from "node:path"
import * as Pglite from "../../layers/Pglite.ts"
import * as Postgres from "../../layers/Postgres.ts"
import { Int8Number, reader } from "../../layers/SqlRow.ts"
import { files } from "../FolderFiles.ts"
import type { Evidence } from "./Audit.ts"
import { type Name, names } from "./Board.ts"
import { DemoFailed } from "./DemoFailed.ts"
import * as Places from "./Places.ts"

export type Homes = Places.Places<Name>

const problem = (problem: string) => (cause: unknown) => new DemoFailed({ problem, cause })

export const make = (options: { readonly database: Redacted.Redacted | undefined; readonly keep: () => boolean }) =>
  Places.make({ ...options, names })

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
    const { data, database } = homes.of(node)
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
