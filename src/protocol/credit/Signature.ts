/**
 * Ed25519 signatures of users and of agents over digests. What is signed begins with what it is for, so that a signature
 * for one purpose is none for another: `holdfast-credit <purpose> <digest>` in UTF-8.
 */
import { Schema } from "effect"
import { Base64Url } from "effect/encoding"
import { Result } from "effect"
import { NodeKey } from "../NodeKey.ts"
import * as NodeSecret from "../NodeSecret.ts"
import type { Digest } from "./Canonical.ts"

/** 64 bytes in base64url without padding: 86 characters. */
export const Signature = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{85}[AQgw]$/, { message: "a signature is 86 characters of base64url" })
).pipe(Schema.brand("Signature"))
export type Signature = typeof Signature.Type

/** A user's public key. It has the form of a node's: 64 lower-case hex digits. */
export const UserKey = NodeKey
export type UserKey = NodeKey

/** What a signature can be for. Users sign tallies, chits and lifts, agents the rest. */
export type Purpose = "tally" | "chit" | "lift" | "head" | "promise" | "refusal" | "abort" | "vote" | "ready"

const utf8 = new TextEncoder()

/** The bytes that are signed. */
export const signedBytes = (purpose: Purpose, digest: Digest): Uint8Array =>
  utf8.encode(`holdfast-credit ${purpose} ${digest}`)

/** Signs with whatever signs bytes: `Identity.sign`, or a user's key. */
export const signWith = (sign: (message: Uint8Array) => Uint8Array, purpose: Purpose, digest: Digest): Signature =>
  Signature.make(Base64Url.encode(sign(signedBytes(purpose, digest))))

/** Whether this key has signed this digest for this purpose. Costs about a tenth of a millisecond. */
export const isSigned = (key: NodeKey, purpose: Purpose, digest: Digest, signature: Signature): boolean => {
  const bytes = Base64Url.decode(signature)
  return Result.isSuccess(bytes) && NodeSecret.verify(key, signedBytes(purpose, digest), bytes.success)
}
