/**
 * What a PostgreSQL server counts itself: commits of databases, and how often its log was forced to the disk. Its
 * processes report what they did at most once a second, so they are made to report before anybody reads.
 */
import { Schema } from "effect"
import { query } from "./Query.ts"

const ServerCounts = Schema.Struct({ commits: Schema.Number, walSyncs: Schema.Number })
export type ServerCounts = typeof ServerCounts.Type

/** Of the databases that the URLs name; they are of one server, whose log is one. */
export const read = async (databases: ReadonlyArray<string>): Promise<ServerCounts> => {
  const [first] = databases
  if (first === undefined) throw new Error("which databases?")
  const names = databases.map((url) => `'${new URL(url).pathname.slice(1)}'`).join(", ")
  const [counts] = await query(
    first,
    ServerCounts,
    `SELECT
      (SELECT sum(xact_commit) FROM pg_stat_database WHERE datname IN (${names}))::float8 AS commits,
      (SELECT coalesce(sum(fsyncs), 0) FROM pg_stat_io WHERE object = 'wal')::float8 AS "walSyncs"`
  )
  if (counts === undefined) throw new Error("the server counts nothing")
  return counts
}

const settings = [
  "server_version",
  "fsync",
  "synchronous_commit",
  "wal_sync_method",
  "full_page_writes",
  "shared_buffers",
  "max_wal_size",
  "max_connections",
  "jit"
]

/** The settings that decide about speed, as one line. */
export const describe = async (url: string): Promise<string> => {
  const names = settings.map((name) => `'${name}'`).join(", ")
  const rows = await query(
    url,
    Schema.Struct({ text: Schema.String }),
    `SELECT string_agg(name || ' ' || current_setting(name), ', ' ORDER BY array_position(ARRAY[${names}], name)) AS text
     FROM pg_settings WHERE name IN (${names})`
  )
  return rows.map(({ text }) => text).join()
}
