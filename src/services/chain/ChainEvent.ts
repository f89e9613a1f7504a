/** What happens to a chain, for whoever watches, logs or counts. */
import { Schema } from "effect"

/** Of which connection: a number of this process, and where its other end is. */
const about = { peer: Schema.Int, remote: Schema.String }

export const ChainEvent = Schema.Union([
  /** Blocks have been applied: the chain has a new tip. */
  Schema.TaggedStruct("Tip", {
    height: Schema.Int,
    id: Schema.String,
    /** Blocks that are not on the chain any more, and those that are now. */
    left: Schema.Int,
    joined: Schema.Int
  }),
  /** Another branch is better: blocks above `fork` are not on the chain any more. Comes before the `Tip` of that branch. */
  Schema.TaggedStruct("Reorganised", { fork: Schema.Int, left: Schema.Int, joined: Schema.Int }),
  /** The block that comes next has not come for so long, in milliseconds; it is asked for again. */
  Schema.TaggedStruct("Stalled", { height: Schema.Int, millis: Schema.Number }),
  /** It is slower than others, and is asked only when nobody else has what is needed, for a while. */
  Schema.TaggedStruct("SlowPeer", about),
  /** It has said what is not so. */
  Schema.TaggedStruct("FalsePeer", { ...about, detail: Schema.String }),
  /** The chain stands before a block that the program refuses. */
  Schema.TaggedStruct("Refused", { height: Schema.Int, id: Schema.String, reason: Schema.String }),
  /** Every block of the best chain is here. */
  Schema.TaggedStruct("CaughtUp", { height: Schema.Int, id: Schema.String })
])
export type ChainEvent = typeof ChainEvent.Type
