/**
 * A program that commits numbers to an embedded database, one after the other, until it is killed.
 *
 * Usage: `PgliteWriter.ts <folder>`. It begins after the last number that is there, and prints each one after its
 * commit has been answered.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as fs from "node:fs"
import * as EmbeddedDatabase from "./EmbeddedDatabase.ts"

const write = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE IF NOT EXISTS written (n bigint PRIMARY KEY)`
  const rows = yield* sql<{ last: bigint }>`SELECT coalesce(max(n), 0)::bigint AS last FROM written`
  for (let n = (rows[0]?.last ?? 0n) + 1n; ; n++) {
    yield* sql`INSERT INTO written VALUES (${n})`
    // Synchronous, so that nothing answered is still in this process when it is killed.
    fs.writeSync(1, `${n}\n`)
  }
})

Effect.runPromise(Effect.provide(write, EmbeddedDatabase.layerFolder(process.argv[2] ?? "")))
