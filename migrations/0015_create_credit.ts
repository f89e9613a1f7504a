/**
 * What a node keeps of credit: tables of records, one for each kind of row, with the columns of its indexes. They are rewritten often, so
 * that dead rows are taken away early.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const tables: ReadonlyArray<readonly [name: string, indexes: ReadonlyArray<string>]> = [
  ["credit_users", []],
  ["credit_halves", ["side", "agent", "begun", "waits"]],
  ["credit_chits", ["place", "loose", "asked"]],
  ["credit_evidence", []],
  ["credit_tickets", ["holder"]],
  ["credit_redemptions", ["agent"]],
  ["credit_requests", ["user", "refused"]],
  ["credit_lifts", ["wake"]],
  ["credit_referees", ["undecided"]],
  ["credit_routes", ["wake", "query", "asker"]],
  ["credit_payments", ["user", "current"]],
  ["credit_commands", ["at"]],
  ["credit_repairs", []]
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const [name, indexes] of tables) {
    const columns = indexes.map((index) => `by_${index} text COLLATE "C",`).join(" ")
    yield* sql.unsafe(
      `CREATE TABLE ${name} (key text COLLATE "C" PRIMARY KEY, ${columns} content json NOT NULL)
       WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0)`
    )
    for (const index of indexes) {
      yield* sql.unsafe(`CREATE INDEX ${name}_by_${index} ON ${name} (by_${index}) WHERE by_${index} IS NOT NULL`)
    }
  }
})
