/**
 * What tables of a PostgreSQL database occupy, and what vacuum has to do with them.
 */
import { Schema } from "effect"
import { query } from "./Query.ts"

const TableSize = Schema.Struct({
  table: Schema.String,
  /** Bytes with indexes and everything else. */
  total: Schema.Number,
  indexes: Schema.Number,
  /** Dead rows, as the server estimates them. */
  dead: Schema.Number,
  vacuums: Schema.Number
})
export type TableSize = typeof TableSize.Type

/** In the order of the names. */
export const tableSizes = (database: string, names: ReadonlyArray<string>): Promise<ReadonlyArray<TableSize>> =>
  query(
    database,
    TableSize,
    `SELECT relname AS "table", pg_total_relation_size(relid)::float8 AS total,
      pg_indexes_size(relid)::float8 AS indexes, n_dead_tup::float8 AS dead,
      (vacuum_count + autovacuum_count)::float8 AS vacuums
    FROM pg_stat_user_tables WHERE relname = ANY($1) ORDER BY array_position($1, relname::text)`,
    [names]
  )
