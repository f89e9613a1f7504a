/** Where a node listens, as nodes tell each other: `services u64 | address 16 | port u16`, the port with its highest byte first. */
import { ipv6Groups, isIpv4 } from "../IpAddress.ts"
import * as Payload from "./Payload.ts"
import type { PayloadReader } from "./PayloadReader.ts"
import type { PayloadWriter } from "./PayloadWriter.ts"

export interface NetworkAddress {
  readonly services: bigint
  /** An IPv4 address, or an IPv6 address as eight groups without abbreviation. */
  readonly host: string
  readonly port: number
}

export interface Heard extends NetworkAddress {
  /** When somebody last had to do with it, in seconds since 1970. */
  readonly time: number
}

/** Most in one `addr`. */
export const mostAddresses = 1_000
const addressSize = 30
/** What an IPv4 address has before it in the place of an IPv6 address. */
const mapped = Buffer.from("00000000000000000000ffff", "hex")

const hostOf = (bytes: Uint8Array): string => {
  if (bytes.length < 16) return ""
  if (mapped.equals(bytes.subarray(0, 12))) return bytes.subarray(12).join(".")
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16)
  return Array.from({ length: 8 }, (_, group) => view.getUint16(2 * group).toString(16)).join(":")
}

/** Zeros for a name, or anything else that is no IP address. */
const bytesOf = (host: string): Uint8Array => {
  if (isIpv4(host)) return Buffer.concat([mapped, Uint8Array.from(host.split("."), Number)])
  const out = Buffer.alloc(16)
  ipv6Groups(host)?.forEach((group, index) => out.writeUInt16BE(group, 2 * index))
  return out
}

export const read = (reader: PayloadReader): NetworkAddress => ({
  services: reader.u64(),
  host: hostOf(reader.bytes(16)),
  port: reader.port()
})

export const write = (writer: PayloadWriter, { host, port, services }: NetworkAddress): PayloadWriter =>
  writer.u64(services).bytes(bytesOf(host)).port(port)

/** The time is there since version 31402. */
export const addr = Payload.make<ReadonlyArray<Heard>>(
  "addr",
  (reader) => reader.list("addresses", addressSize, () => ({ time: reader.u32(), ...read(reader) }), mostAddresses),
  (writer, addresses) => {
    writer.compactSize(addresses.length)
    for (const address of addresses) write(writer.u32(address.time), address)
  }
)
