/**
 * The agreement of two parties to keep a tally: what both sign, word for word. Either side has a copy of its own.
 *
 * Stock is the party that a positive balance is owed to, foil the other one. The digest of the document is block 0 of the chain of
 * its chits.
 */
import { Schema } from "effect"
import { UuidText } from "../Cbor.ts"
import { digestBy } from "./Canonical.ts"
import { Certificate, shortText } from "./Certificate.ts"
import { isSamePerson } from "./Chad.ts"
import { Instant } from "./Instant.ts"
import { isSigned, Signature } from "./Signature.ts"
import { Units } from "./Units.ts"

export const Side = Schema.Literals(["stock", "foil"])
export type Side = typeof Side.Type

export const other = (side: Side): Side => (side === "stock" ? "foil" : "stock")

/** A tally's id, chosen by who has drafted it. */
export const TallyId = UuidText.pipe(Schema.brand("TallyId"))
export type TallyId = typeof TallyId.Type

/** What a party grants the other. */
export const Terms = Schema.Struct({
  /** The most that the other party may owe this one, in milli-CHIP. */
  limit: Units,
  /** Days in which the other party settles when this one calls for it. */
  call: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 36_500 })))
})
export type Terms = typeof Terms.Type

const Party = Schema.Struct({ cert: Certificate, terms: Terms })

/** The contract that the parties agree to, by the digest of its text. */
export const Contract = Schema.Struct({
  name: shortText(256),
  rid: shortText(86),
  source: Schema.optionalKey(shortText(512))
})

export const TallyDocument = Schema.Struct({
  version: Schema.Literal(1),
  uuid: TallyId,
  /** Counts the versions of the agreement from 1. */
  revision: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })),
  date: Instant,
  memo: shortText(1_024),
  agree: Contract,
  stock: Party,
  foil: Party
}).check(
  Schema.makeFilter(({ foil, stock }) => !isSamePerson(stock.cert.chad, foil.cert.chad), {
    message: "a tally is between two parties"
  })
)
export type TallyDocument = typeof TallyDocument.Type

/** What is signed, and block 0 of the chain. */
export const digest = digestBy(TallyDocument)

/** Signatures by side; one that is not there yet is left out. */
export const Signatures = Schema.Struct({ stock: Schema.optionalKey(Signature), foil: Schema.optionalKey(Signature) })
export type Signatures = typeof Signatures.Type

/** Whether a side has signed the document. */
export const isSignedBy = (document: TallyDocument, side: Side, signature: Signature | undefined): boolean =>
  signature !== undefined && isSigned(document[side].cert.public, "tally", digest(document), signature)
