/**
 * `version`: what each side says first. Nodes take it without its end: 46 bytes are enough, and what is missing has its
 * default; but it may not end inside a field.
 */
import * as NetworkAddress from "./NetworkAddress.ts"
import * as Payload from "./Payload.ts"
import type { PayloadReader } from "./PayloadReader.ts"

/** What this node says of itself: the first version with `extmsg`. BTC's nodes mean something else by the number. */
export const current = 70_016
/** Most bytes of a user agent. */
export const mostAgent = 256
/** Most bytes of an association id, by which BSV's nodes find the other connections of a peer. */
const mostAssociation = 129

/** Bits of `services`. */
export const Service = { network: 1n, bloom: 4n, witness: 8n, bitcoinCash: 0x20n, networkLimited: 0x400n } as const

export interface Version {
  readonly version: number
  readonly services: bigint
  /** Seconds since 1970 by the sender's clock. */
  readonly time: bigint
  /** Where the sender sees the receiver, and itself. */
  readonly receiver: NetworkAddress.NetworkAddress
  readonly sender: NetworkAddress.NetworkAddress
  /** By which a node notices that it has connected to itself. */
  readonly nonce: bigint
  readonly agent: string
  /** The height of the best block, -1 if it was not said. */
  readonly height: number
  /** Whether transactions are to be announced. */
  readonly relay: boolean
  /** BSV only: empty where streams are known and not offered; a type byte 0 and 16 bytes otherwise. */
  readonly association?: Uint8Array
}

const nobody: NetworkAddress.NetworkAddress = { services: 0n, host: "0:0:0:0:0:0:0:0", port: 0 }

/** Bytes that are no UTF-8 become the replacement character; nothing depends on them but policies and logs. */
const agentIn = (reader: PayloadReader): string =>
  Buffer.from(reader.sized("the user agent", mostAgent)).toString("utf8")

/** BSV's nodes refuse bytes that are no such id. */
const associationIn = (reader: PayloadReader): Uint8Array => {
  const id = reader.sized("the association id", mostAssociation)
  if (id.length > 0 && (id[0] !== 0 || id.length !== 17))
    reader.fail("protocol", "an association id of an unknown type")
  return id
}

const optional = <A>(reader: PayloadReader, read: () => A, otherwise: A): A => (reader.left > 0 ? read() : otherwise)

const read = (reader: PayloadReader, associations: boolean): Version => {
  const first = {
    version: reader.i32(),
    services: reader.u64(),
    time: reader.i64(),
    receiver: NetworkAddress.read(reader),
    sender: optional(reader, () => NetworkAddress.read(reader), nobody),
    nonce: optional(reader, () => reader.u64(), 1n),
    agent: optional(reader, () => agentIn(reader), ""),
    height: optional(reader, () => reader.i32(), -1),
    relay: optional(reader, () => reader.u8() !== 0, true)
  }
  return associations && reader.left > 0 ? { ...first, association: associationIn(reader) } : first
}

const payload = (associations: boolean): Payload.Payload<Version> =>
  Payload.make<Version>(
    "version",
    (reader) => read(reader, associations),
    (writer, it) => {
      writer.i32(it.version).u64(it.services).i64(it.time)
      NetworkAddress.write(NetworkAddress.write(writer, it.receiver), it.sender)
      writer
        .u64(it.nonce)
        .sized(Buffer.from(it.agent, "utf8"))
        .i32(it.height)
        .u8(it.relay ? 1 : 0)
      if (it.association !== undefined) writer.sized(it.association)
    }
  )

/** On BSV's networks, where an association id may follow. */
export const withAssociation = payload(true)
/** On all others, where anything may follow and nothing of it is read. */
export const version = payload(false)
