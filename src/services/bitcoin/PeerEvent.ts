/** What happens between a node and its Bitcoin peers, for whoever watches, logs or counts. */
import { Schema } from "effect"
import { Kind, State } from "../../protocol/bitcoin/ConnectionState.ts"

/** Of which connection: a number of this process, where the other end is, and of which kind it is. */
const about = { id: Schema.Int, remote: Schema.String, kind: Kind }

export const PeerEvent = Schema.Union([
  /** A connection goes from one state to another: established, handshake complete, failed, lost. */
  Schema.TaggedStruct("Changed", { ...about, from: State, to: State, detail: Schema.optionalKey(Schema.String) }),
  /** A peer that was lost is dialled again. */
  Schema.TaggedStruct("Restarting", { remote: Schema.String, waitMillis: Schema.Int }),
  Schema.TaggedStruct("Inaccessible", { remote: Schema.String, reason: Schema.String }),
  Schema.TaggedStruct("Misbehaved", { ...about, fault: Schema.String, detail: Schema.String, points: Schema.Int }),
  Schema.TaggedStruct("Banned", { remote: Schema.String, reason: Schema.String }),
  /** A connection that came in was not taken: its host is banned, there are too many, or it comes too often. */
  Schema.TaggedStruct("NotTaken", { remote: Schema.String, reason: Schema.String }),
  /** The peer has refused something. */
  Schema.TaggedStruct("Rejected", { ...about, command: Schema.String, code: Schema.Int, reason: Schema.String }),
  Schema.TaggedStruct("Listening", { endpoint: Schema.String }),
  /** It is tried again, and at once where the address is changed. */
  Schema.TaggedStruct("ListenFailed", { endpoint: Schema.String, reason: Schema.String }),
  /** The best chain of headers has a new tip. */
  Schema.TaggedStruct("Tip", {
    height: Schema.Int,
    id: Schema.String,
    /** Seconds since 1970, as its header says. */
    time: Schema.Int,
    /** Headers that are not on the chain any more, and those that are now. */
    left: Schema.Int,
    joined: Schema.Int
  }),
  /** It was asked for headers, and has not answered: another one is asked. */
  Schema.TaggedStruct("NoHeaders", about),
  /** What the seeds have told: addresses that nobody knew, and names that could not be looked up. */
  Schema.TaggedStruct("Discovered", { fresh: Schema.Int, failed: Schema.Array(Schema.String) })
])
export type PeerEvent = typeof PeerEvent.Type
