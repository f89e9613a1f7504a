/** What a peer asks for once the handshake is done: `feefilter`, `sendcmpct` and BSV's `protoconf`. */
import * as Payload from "./Payload.ts"

/** Satoshis for each thousand bytes below which transactions are not to be announced; one out of range is to be ignored. */
export const feefilter = Payload.make<bigint>(
  "feefilter",
  (reader) => reader.i64(),
  (writer, rate) => void writer.i64(rate)
)

export interface SendCompact {
  /** Whether new blocks are to come as compact blocks without having been announced. */
  readonly announce: boolean
  readonly version: bigint
}

/** May come several times, once for each version that the peer speaks. */
export const sendcmpct = Payload.make<SendCompact>(
  "sendcmpct",
  (reader) => ({ announce: reader.u8() !== 0, version: reader.u64() }),
  (writer, { announce, version }) => void writer.u8(announce ? 1 : 0).u64(version)
)

/** What a node must take at least, in bytes, and what one may be sent that has said nothing. */
export const leastPayload = 1024 * 1024

/** Most bytes of the names of policies. */
const mostPolicies = 1_024

export interface ProtoConf {
  /** The largest payload that is not a block's, in bytes. */
  readonly largestPayload: number
  /** Names with commas between them, as `BlockPriority,Default`. */
  readonly policies?: string
}

/** Once, right after `verack`. Fields that came later than these two are skipped. */
export const protoconf = Payload.make<ProtoConf>(
  "protoconf",
  (reader) => {
    const fields = reader.compactSize()
    if (fields === 0n) reader.fail("protocol", "protoconf without a field")
    const largestPayload = reader.u32()
    if (reader.failed === undefined && largestPayload < leastPayload) {
      reader.fail("protocol", `a largest payload of ${largestPayload} bytes, ${leastPayload} at the least`)
    }
    if (fields < 2n) return { largestPayload }
    return { largestPayload, policies: Buffer.from(reader.sized("stream policies", mostPolicies)).toString("latin1") }
  },
  (writer, { largestPayload, policies }) => {
    writer.compactSize(policies === undefined ? 1 : 2).u32(largestPayload)
    if (policies !== undefined) writer.sized(Buffer.from(policies, "latin1"))
  }
)
