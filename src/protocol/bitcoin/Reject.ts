/** `reject`: why a message was not taken. BTC's nodes stopped sending it in 2019. It is never answered by another one. */
import * as Hash from "./Hash.ts"
import * as Payload from "./Payload.ts"

/** What is wrong; those from 0x13 on that others do not have are BSV's. */
export const Code = {
  malformed: 0x01,
  invalid: 0x10,
  obsolete: 0x11,
  duplicate: 0x12,
  softFreeze: 0x13,
  nonstandard: 0x40,
  dust: 0x41,
  fee: 0x42,
  checkpoint: 0x43,
  tooBusy: 0x44,
  rateExceeded: 0x45,
  streamSetup: 0x60,
  authSetup: 0x70
} as const

/** Most bytes of the name of a command, and of a reason. */
const mostCommand = 12
const mostReason = 111

export interface Reject {
  /** The command of the message that was not taken. */
  readonly command: string
  /** One of `Code`, or a number that this node does not know. */
  readonly code: number
  /** In the peer's words: to be escaped wherever it is shown. */
  readonly reason: string
  /** The transaction or block that it is about. */
  readonly id?: string
}

/** Empty if it is no command: it may be shown as it is. */
const printable = (command: string): string => (/^[\x20-\x7e]*$/.test(command) ? command : "")

export const reject = Payload.make<Reject>(
  "reject",
  (reader) => {
    const command = printable(Buffer.from(reader.sized("the command", mostCommand)).toString("latin1"))
    const code = reader.u8()
    const reason = Buffer.from(reader.sized("the reason", mostReason)).toString("utf8")
    return reader.left >= 32 ? { command, code, reason, id: reader.hash() } : { command, code, reason }
  },
  (writer, { code, command, id, reason }) => {
    writer.sized(Buffer.from(command, "latin1")).u8(code).sized(Buffer.from(reason, "utf8").subarray(0, mostReason))
    if (id !== undefined) writer.bytes(Hash.wire(id))
  }
)
