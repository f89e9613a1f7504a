/**
 * What the file in the data folder says of the node that runs there, while it runs.
 */
import { Schema } from "effect"
import { NodeKey } from "../../protocol/NodeKey.ts"

/** `url` is where its API listens. */
export const Running = Schema.fromJsonString(Schema.Struct({ url: Schema.String, node: NodeKey, pid: Schema.Int }))
