/**
 * One question to a database on a connection of its own, for the program that measures.
 */
import { PgConnection } from "@effect/sql-pg"
import { Effect, Redacted, Schema } from "effect"

/** The rows, which have to be what `row` says. */
export const query = <A, I>(
  database: string,
  row: Schema.Codec<A, I>,
  sql: string,
  parameters: ReadonlyArray<unknown> = []
): Promise<ReadonlyArray<A>> =>
  PgConnection.make({ url: Redacted.make(database) }).pipe(
    Effect.flatMap((connection) => connection.query(sql, parameters)),
    Effect.flatMap(({ rows }) => Schema.decodeUnknownEffect(Schema.Array(row))(rows)),
    Effect.scoped,
    Effect.runPromise
  )
