/**
 * The identity of a node: its Ed25519 public key, as 64 lower-case hex digits.
 *
 * Two keys compare as numbers exactly when their texts compare as strings, which is how the
 * arbiter of a pair is chosen (docs/PROTOCOL.md, 4.1).
 */
import { Schema } from "effect"
import { Hex } from "effect/encoding"
import { Result } from "effect"

export const NodeKey = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{64}$/, { message: "a node key is 64 lower-case hex digits" })
).pipe(Schema.brand("NodeKey"))

export type NodeKey = typeof NodeKey.Type

/** The key of 32 raw bytes. */
export const fromBytes = (bytes: Uint8Array): NodeKey => NodeKey.make(Hex.encode(bytes))

/** The 32 raw bytes of a key. */
export const toBytes = (key: NodeKey): Uint8Array => Result.getOrThrow(Hex.decode(key))

/** The first eight digits: enough for a person to tell nodes apart in a log, never for a decision. */
export const short = (key: NodeKey): string => key.slice(0, 8)
