/**
 * Where a node says that it can be dialled, for how long, and its signature: nobody can say it for another one
 * (docs/PROTOCOL.md, 10.2).
 *
 * The newest one of a node counts. What is signed names the network, so that it means nothing on another one.
 */
import { Schema, SchemaGetter } from "effect"
import { Endpoint, Host, Port } from "../Address.ts"
import { U63 } from "../Cbor.ts"
import * as NodeKey from "../NodeKey.ts"
import * as NodeSecret from "../NodeSecret.ts"

/** The longest that an announcement may count, in milliseconds. */
export const maxLife = 86_400_000

const bytes = (size: number) => Schema.Uint8Array.check(Schema.isMinLength(size), Schema.isMaxLength(size))

/** A node key: text in memory, 32 bytes on the wire. */
const KeyBytes = bytes(32).pipe(
  Schema.decodeTo(NodeKey.NodeKey, {
    decode: SchemaGetter.transform((key: Uint8Array): string => NodeKey.fromBytes(key)),
    encode: SchemaGetter.transform((key: string): Uint8Array => NodeKey.toBytes(NodeKey.NodeKey.make(key)))
  })
)

/** Milliseconds since 1970: an integer on the wire, never a float. */
const Millis = U63.pipe(
  Schema.decodeTo(Schema.Natural, {
    decode: SchemaGetter.transform((value: bigint) => Number(value)),
    encode: SchemaGetter.transform((value: number) => BigInt(value))
  })
)

export const Announcement = Schema.Struct({
  key: KeyBytes,
  host: Host,
  port: Port,
  /** When it was made, by the clock of its node; grows with each one. */
  issuedMillis: Millis,
  /** How long it counts from then on. */
  lifeMillis: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxLife })),
  signature: bytes(64)
})
export type Announcement = typeof Announcement.Type

export type Unsigned = Omit<Announcement, "signature">

export const endpointOf = ({ host, port }: Unsigned): Endpoint => new Endpoint({ host, port })

/** When it stops counting, in milliseconds since 1970. */
export const endOf = ({ issuedMillis, lifeMillis }: Unsigned): number => issuedMillis + lifeMillis

const utf8 = new TextEncoder()

/** Canonical JSON (RFC 8785): the names in order, no blanks. */
export const signedBytes = (network: string, { host, issuedMillis, key, lifeMillis, port }: Unsigned): Uint8Array =>
  utf8.encode(JSON.stringify({ host, issuedMillis, key, lifeMillis, network, port, purpose: "holdfast address" }))

export const sign = (
  network: string,
  unsigned: Unsigned,
  signer: (message: Uint8Array) => Uint8Array
): Announcement => ({ ...unsigned, signature: signer(signedBytes(network, unsigned)) })

/** Whether its node has made it, for this network. Costs about a tenth of a millisecond. */
export const verify = (network: string, announcement: Announcement): boolean =>
  NodeSecret.verify(announcement.key, signedBytes(network, announcement), announcement.signature)
