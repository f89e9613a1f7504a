/**
 * Whose database it is: that of the first node that started on it, for its messages are owed in that node's name.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { NodeKey, short } from "../protocol/NodeKey.ts"
import { Identity } from "../services/link/Identity.ts"

/** Another node has started on this database before. */
export class DatabaseOfAnother extends Schema.TaggedError<DatabaseOfAnother>()("DatabaseOfAnother", {
  owner: NodeKey,
  node: NodeKey
}) {
  override get message(): string {
    return (
      `This database belongs to node ${short(this.owner)}, and this is node ${short(this.node)}. ` +
      `Start with the data folder of ${short(this.owner)}, or give this node an empty database.`
    )
  }
}

/** Takes a database that nobody has, and refuses one that belongs to another node. */
export const layer: Layer.Layer<never, DatabaseOfAnother | SqlError, SqlClient.SqlClient | Identity> =
  Layer.effectDiscard(
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { key } = yield* Identity
      yield* sql`INSERT INTO holdfast_owner (node) VALUES (${key}) ON CONFLICT DO NOTHING`
      const rows = yield* sql<{ readonly node: NodeKey }>`SELECT node FROM holdfast_owner`
      const owner = rows[0]?.node
      if (owner !== undefined && owner !== key) return yield* new DatabaseOfAnother({ owner, node: key })
    })
  )
