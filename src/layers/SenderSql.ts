/**
 * A process that sends in its own transactions and runs no node: an application beside `holdfast start`, on the same
 * PostgreSQL database. What it commits belongs to the node, whose process is woken after the commit.
 *
 * It needs the `Identity` of the node, to refuse a database that is another's. It starts before or after the node and
 * does not disturb it; messages that are sent while no process runs the node wait in the database.
 */
import { Layer } from "effect"
import { migrations } from "../../migrations/index.ts"
import { Delivery } from "../services/delivery/Delivery.ts"
import * as DatabaseOwner from "./DatabaseOwner.ts"
import * as Migrations from "./Migrations.ts"
import * as RetryStoreSql from "./RetryStoreSql.ts"
import * as TransactionsSql from "./TransactionsSql.ts"
import * as WakesSql from "./WakesSql.ts"

/** `Delivery` and `Transactions`, over a `SqlClient`, the node's `Identity` and `SecureRandom`. */
export const layer = Delivery.layer.pipe(
  Layer.provide(WakesSql.layer),
  Layer.provideMerge(Layer.merge(RetryStoreSql.sending, TransactionsSql.layer)),
  Layer.provide(DatabaseOwner.layer),
  Layer.provide(Migrations.layer(migrations))
)
