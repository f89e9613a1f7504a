/**
 * What a test and a node process that it starts say to each other over the process's channel: what the process is to
 * run (its first argument, as JSON), orders to it, and its reports.
 */
import { Schema } from "effect"
import { sites } from "../../../src/services/Buggify.ts"

export const Site = Schema.Literals(sites)
export const Having = Schema.Literals(["Later", "Stale", "Refused"])

/** A point, and when it counts: on the `passes`-th pass, of those with an answer of the kind `having` in the batch if it is given. */
const visit = { site: Site, passes: Schema.Int, having: Schema.optionalKey(Having) }

/** How a node process is started. */
export const Assignment = Schema.Struct({
  data: Schema.String,
  /** A PostgreSQL server instead of the database in the data folder. */
  database: Schema.optionalKey(Schema.String),
  maxConnections: Schema.optionalKey(Schema.Int),
  port: Schema.Int,
  peers: Schema.Array(Schema.String),
  /** Of the program's own randomness: how the load looks, and which batches are sent twice. */
  seed: Schema.Int,
  /** Whether it sends from the start. */
  load: Schema.Boolean,
  /** Subjects that are written to at the same time, and how their names begin: two writers share none. */
  lanes: Schema.Int,
  lanePrefix: Schema.optionalKey(Schema.String),
  /** The pause after each transaction of a lane, in milliseconds. */
  paceMillis: Schema.Int,
  /** No receipt for this long ends a session; the node's own figure unless given. */
  receiptTimeout: Schema.optionalKey(Schema.Int),
  /** Waits while another process owns the node, as nodes of users do; else there must be none. */
  standby: Schema.optionalKey(Schema.Boolean),
  /** Where a fiber is held from the start on, as by an order with `hold`. */
  armed: Schema.optionalKey(Schema.Struct(visit))
})
export type Assignment = typeof Assignment.Type

export const Order = Schema.Union([
  /** Start or stop sending. */
  Schema.TaggedStruct("Load", { on: Schema.Boolean }),
  /**
   * At that point freeze yourself; or say `Held` and let the fiber that is there wait for `Release`, or for the end that
   * its parent makes of the process or of its database.
   */
  Schema.TaggedStruct("Arm", { ...visit, signal: Schema.Literals(["SIGSTOP", "hold"]) }),
  Schema.TaggedStruct("Release", {}),
  /** Send so many messages with bodies of so many bytes to one of the `peers`, in transactions of `each`. */
  Schema.TaggedStruct("Pile", { peer: Schema.Int, messages: Schema.Int, each: Schema.Int, bytes: Schema.Int }),
  /** Send a message to one of the `peers` every so often, durable at once; 0 ends that. */
  Schema.TaggedStruct("Probe", { peer: Schema.Int, everyMillis: Schema.Int }),
  /** Say what there is in memory when the garbage has been collected, and how large batches were. */
  Schema.TaggedStruct("Weigh", {}),
  /** Say when nothing is owed any more. */
  Schema.TaggedStruct("Drain", {})
])
export type Order = typeof Order.Type

/** What a process holds, in bytes, and the largest DATA frame that it has sent: with its header, and in messages. */
export const Weight = Schema.Struct({
  heap: Schema.Int,
  outside: Schema.Int,
  frameBytes: Schema.Int,
  frameMessages: Schema.Int
})
export type Weight = typeof Weight.Type

export const Report = Schema.Union([
  /** Another process owns the node. */
  Schema.TaggedStruct("StandsBy", {}),
  /** This process runs the node, anew if it did before. */
  Schema.TaggedStruct("Ready", { key: Schema.String, address: Schema.String }),
  /** A session began or ended. */
  Schema.TaggedStruct("Session", { live: Schema.Boolean, reason: Schema.optionalKey(Schema.String) }),
  /** A fiber waits where it was told to. */
  Schema.TaggedStruct("Held", {}),
  /** Messages whose effect this process has committed so far, and when the newest of them was sent. */
  Schema.TaggedStruct("Arrived", { count: Schema.Int, newest: Schema.Int }),
  /** Messages of a pile that this process has committed so far. */
  Schema.TaggedStruct("Piled", { count: Schema.Int }),
  /** No more probes are sent; there were so many in this life. */
  Schema.TaggedStruct("ProbesSent", { count: Schema.Int }),
  /** The effect of a probe is committed so many microseconds after it was sent. */
  Schema.TaggedStruct("Probed", { micros: Schema.Int }),
  Schema.TaggedStruct("Weighed", { weight: Weight }),
  /** Transactions of the load that this process has committed so far. */
  Schema.TaggedStruct("Sent", { count: Schema.Int }),
  /** Whether it sends; the last transaction of the load is over when it says that it does not. */
  Schema.TaggedStruct("Sending", { on: Schema.Boolean }),
  Schema.TaggedStruct("Drained", {})
])
export type Report = typeof Report.Type

export const decodeAssignment = Schema.decodeUnknownSync(Schema.fromJsonString(Assignment))
export const decodeOrder = Schema.decodeUnknownSync(Order)
export const decodeReport = Schema.decodeUnknownSync(Report)
