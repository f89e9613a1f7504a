/**
 * A program that runs one bcash or bcoin node (`JsLibrary.ts`) until it is killed. It is told what to run as JSON in its first
 * argument, prints what the node logs, and `ready` once it answers.
 */
import { Schema } from "effect"
import * as JsLibrary from "./JsLibrary.ts"

export const Assignment = Schema.Struct({
  library: Schema.Literals(["bcash", "bcoin"]),
  /** `SPVNode` dials `only`. */
  kind: Schema.Literals(["FullNode", "SPVNode"]),
  port: Schema.Int,
  rpcPort: Schema.Int,
  agent: Schema.optionalKey(Schema.String),
  only: Schema.Array(Schema.String),
  isQuiet: Schema.optionalKey(Schema.Boolean)
})

const assignment = Schema.decodeUnknownSync(Schema.fromJsonString(Assignment))(process.argv[2])
const node = JsLibrary.make(assignment)
await node.open()
await node.connect()
if (assignment.only.length > 0) node.startSync()
process.stdout.write("ready\n")
