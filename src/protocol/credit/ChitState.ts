/**
 * What a node keeps of a chit on one half of a tally.
 */
import { Schema } from "effect"
import { Cuid } from "./Chad.ts"
import { Core } from "./Chit.ts"
import { Digest } from "./Canonical.ts"
import { Index } from "./ChitLog.ts"
import { Instant } from "./Instant.ts"
import { LiftRecord } from "./LiftRecord.ts"
import { Signature } from "./Signature.ts"
import { TallyDocument } from "./TallyDocument.ts"

/** `asked`: an invoice, or a lift that is promised; `good` and `void` are for good, but that a declined invoice may be asked anew. */
export const Status = Schema.Literals(["asked", "good", "void"])

export const ChitState = Schema.Struct({
  /** Whose half it is on; the tally is the core's. */
  holder: Cuid,
  core: Core,
  status: Status,
  /** Of an invoice; 1 for everything else. */
  revision: TallyDocument.fields.revision,
  sign: Schema.optionalKey(Signature),
  /** Its place, and the hash there: as soon as it has one. */
  index: Schema.optionalKey(Index),
  hash: Schema.optionalKey(Digest),
  /** At stock: the signature of foil's agent on this place, where stock was given one. There is one in any 32 places that follow each other. */
  head: Schema.optionalKey(Signature),
  /** Why the chit of a lift is good. */
  record: Schema.optionalKey(LiftRecord),
  /** When this half has changed it last. */
  changed: Instant
})
export type ChitState = typeof ChitState.Type
