/**
 * The `SqlClient` of a node whose database is in memory: whoever runs a statement by it is told what to change.
 */
import { Effect, Layer } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, Statement } from "effect/sql"

const refuse = Effect.die(new Error('this scenario uses SqlClient: set database: "pglite"'))

/** Every statement, transaction and reservation is a defect. */
export const layer: Layer.Layer<SqlClient.SqlClient> = Layer.effect(
  SqlClient.SqlClient,
  SqlClient.make({
    driver: "none",
    acquirer: refuse,
    compiler: Statement.makeCompilerSqlite(),
    spanAttributes: []
  })
).pipe(Layer.provide(Reactivity.layer))
