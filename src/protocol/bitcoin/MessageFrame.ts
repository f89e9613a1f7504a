/**
 * Messages on the wire: `magic 4 | command 12 | length u32 | checksum 4 | payload`, little-endian. BSV has a longer header
 * for payloads that 32 bits cannot count, without a checksum: `magic | "extmsg" | ff ff ff ff | 00 00 00 00 | command 12 |
 * length u64 | payload`, since version 70016.
 *
 * What real nodes do decides what becomes of a bad message: another magic or too great a length ends the connection, by
 * the header alone; a wrong checksum or command costs that message only.
 */
import { Schema } from "effect"
import { Cutter, type Sink } from "../Cutter.ts"
import type { Frame } from "../link/Frame.ts"
import * as Command from "./Command.ts"
import type { Network } from "./Network.ts"
import { checksum } from "./Sha256d.ts"

/** Bytes before the payload. */
export const headerSize = 24
export const extendedSize = 44
const extended = "extmsg"
const firstOfExtended = extended.charCodeAt(0)
const uint32 = 0xffff_ffff

/** A message; or what is left of one that must be skipped, which some score. */
export interface Message extends Frame {
  /** Empty if its bytes are not printable ASCII with NULs behind. */
  readonly command: string
  /** The number of the command, or of what it is spoiled by (`Command`). */
  readonly kind: number
  /** The payload, a view of what it came in. */
  readonly body: Uint8Array
  readonly spoiled?: "checksum" | "command"
}

/** Bytes after which nothing can be understood any more; the connection that carried them is closed. */
export class MessageInvalid extends Schema.TaggedError<MessageInvalid>()("MessageInvalid", {
  reason: Schema.Literals(["magic", "oversized", "truncated"]),
  detail: Schema.String,
  /** Of a message that is too long. */
  command: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return `${this.reason} message: ${this.detail}`
  }
}

/** The largest payload of a message of this command, in bytes. */
export type Limits = (command: string) => number

/** Empty if it is none. */
const commandAt = (bytes: Uint8Array, at: number): string => Command.knownAt(bytes, at)?.name ?? strangeAt(bytes, at)

/** The same of one that has no number. */
const strangeAt = (bytes: Uint8Array, at: number): string => {
  let command = ""
  let ended = false
  for (let index = at; index < at + Command.size; index++) {
    const code = bytes[index]!
    if (code === 0) ended = true
    else if (ended || code < 0x20 || code > 0x7e) return ""
    else command += String.fromCharCode(code)
  }
  return command
}

const uint32At = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0

/** Above 2^53 not exactly, but more than any limit. */
const uint64At = (bytes: Uint8Array, at: number): number => uint32At(bytes, at) + uint32At(bytes, at + 4) * 2 ** 32

const spoiled = (command: string, body: Uint8Array): Message => {
  const by = command === "" ? "command" : "checksum"
  return { command, kind: Command.spoiled[by], body, spoiled: by }
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

/** Takes bytes in pieces and gives messages back, with what a `Cutter` holds at the most. */
export class Decoder extends Cutter<Message, MessageInvalid> {
  /** May be changed at any time, and holds from the next header on. */
  limits: Limits
  readonly #network: Network
  readonly #magic: number

  constructor(network: Network, limits: Limits) {
    super()
    this.#network = network
    this.#magic = uint32At(network.magic, 0)
    this.limits = limits
  }

  protected override cutOff(held: number): MessageInvalid {
    return new MessageInvalid({ reason: "truncated", detail: `the input ended ${held} bytes into a message` })
  }

  protected override need(bytes: Uint8Array, at: number, have: number): number {
    if (have < 4) return 4
    if (!this.#isOurs(bytes, at)) {
      this.failed = new MessageInvalid({ reason: "magic", detail: this.#foreign(bytes, at) })
      return 0
    }
    if (have < headerSize) return headerSize
    if (!this.#isExtended(bytes, at))
      return headerSize + this.#within(commandAt(bytes, at + 4), uint32At(bytes, at + 16))
    if (have < extendedSize) return extendedSize
    return extendedSize + this.#within(commandAt(bytes, at + headerSize), uint64At(bytes, at + 36))
  }

  protected override take(bytes: Uint8Array, at: number, end: number, messages: Sink<Message>): void {
    const long = this.#isExtended(bytes, at)
    const commandAt = at + (long ? headerSize : 4)
    const known = Command.knownAt(bytes, commandAt)
    const command = known?.name ?? strangeAt(bytes, commandAt)
    const body = bytes.subarray(at + (long ? extendedSize : headerSize), end)
    const isWhole = command !== "" && (long || checksum(body) === uint32At(bytes, at + 20))
    if (isWhole) messages.push({ command, kind: known?.kind ?? Command.unknown, body })
    else messages.push(spoiled(command, body))
  }

  #isOurs(bytes: Uint8Array, at: number): boolean {
    return uint32At(bytes, at) === this.#magic
  }

  /** By the command alone: nodes of BSV take the longer header whatever its length fields say. */
  #isExtended(bytes: Uint8Array, at: number): boolean {
    // The first letter spares most messages the rest: this is asked twice for each.
    return this.#network.extended && bytes[at + 4] === firstOfExtended && commandAt(bytes, at + 4) === extended
  }

  #foreign(bytes: Uint8Array, at: number): string {
    const { magic, name } = this.#network
    return `${hexOf(bytes.subarray(at, at + 4))} is not ${hexOf(magic)} of ${name}`
  }

  #within(command: string, length: number): number {
    const limit = this.limits(command)
    if (length <= limit) return length
    const detail = `${command || "a message"} announces ${length} bytes, ${limit} are allowed`
    this.failed = new MessageInvalid({ reason: "oversized", detail, command })
    return 0
  }
}

const writeCommand = (out: Uint8Array, at: number, command: string): void => {
  for (let index = 0; index < command.length; index++) out[at + index] = command.charCodeAt(index)
}

/** The header of a message, for payloads above 4 GiB - 1 the extended one, which only networks that have it understand. */
export const header = ({ magic }: Network, command: string, payload: Uint8Array): Uint8Array => {
  const long = payload.length > uint32
  const out = new Uint8Array(long ? extendedSize : headerSize)
  const view = new DataView(out.buffer)
  out.set(magic)
  writeCommand(out, 4, long ? extended : command)
  view.setUint32(16, long ? uint32 : payload.length, true)
  if (long) {
    writeCommand(out, headerSize, command)
    view.setBigUint64(36, BigInt(payload.length), true)
  } else view.setUint32(20, checksum(payload), true)
  return out
}

/** The command of an encoded message; of one with the longer header as well. */
export const commandOf = (message: Uint8Array): string => {
  const command = commandAt(message, 4)
  return command === extended ? commandAt(message, headerSize) : command
}

/** One message as bytes, ready to be written. */
export const encode = (network: Network, command: string, payload: Uint8Array): Uint8Array =>
  Buffer.concat([header(network, command, payload), payload])
