/**
 * The order of a tally's chits, which foil decides and stock takes over: a chain of hashes over block 0, the digest of the tally.
 *
 * An entry's hash covers its index, the hash before it, the digest of its chit's core and the signature on it. Foil's agent signs
 * the newest hash, so that an order that foil has given can be shown to it again, even after its database was restored.
 */
import { Schema } from "effect"
import type { NodeKey } from "../NodeKey.ts"
import { Digest, digestOf } from "./Canonical.ts"
import * as Chit from "./Chit.ts"
import { isSigned, Signature, signWith } from "./Signature.ts"
import { TallyId } from "./TallyDocument.ts"
import { LiftRecord } from "./LiftRecord.ts"

/** Places in the order; 0 is the tally itself. */
export const Index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 40 }))
export type Index = typeof Index.Type

/** A place in the order, and the hash of everything up to there. */
export const Position = Schema.Struct({ index: Index, hash: Digest })
export type Position = typeof Position.Type

/** A chit that has a place: the one behind the position that it is sent with, or behind the entry before it. */
export const Entry = Schema.Struct({
  chit: Chit.Chit,
  /** Why the chit of a lift is good. */
  record: Schema.optionalKey(LiftRecord)
})
export type Entry = typeof Entry.Type

/** A position, signed by foil's agent. */
export const Head = Schema.Struct({ ...Position.fields, sign: Signature })
export type Head = typeof Head.Type

/** Block 0. */
export const genesis = (tally: Digest): Position => ({ index: 0, hash: tally })

/** The position behind `last` of the chit whose core has this digest. */
export const behind = (last: Position, chit: Digest, sign: Signature | null): Position => {
  const index = last.index + 1
  return { index, hash: digestOf({ index, prior: last.hash, chit, sign }) }
}

/** The position behind `last` once this chit is placed there. */
export const next = (
  last: Position,
  { core, sign = null }: Pick<Chit.Chit, "core"> & { readonly sign?: Signature | undefined | null }
): Position => behind(last, Chit.digest(core), sign)

const headDigest = (tally: TallyId, { hash, index }: Position): Digest => digestOf({ tally, index, hash })

export const signHead = (tally: TallyId, at: Position, sign: (message: Uint8Array) => Uint8Array): Head => ({
  ...at,
  sign: signWith(sign, "head", headDigest(tally, at))
})

/** Whether foil's agent has signed this head of this tally. */
export const isHeadSigned = (tally: TallyId, head: Head, agent: NodeKey): boolean =>
  isSigned(agent, "head", headDigest(tally, head), head.sign)
