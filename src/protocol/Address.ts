/**
 * Where a node listens, and who must answer there: `holdfast://<nodeKey>@host:port`.
 *
 * An address names a key, so a connection to it either reaches that node or fails
 * (docs/PROTOCOL.md, 1). IPv6 hosts are written in brackets.
 */
import { Result, Schema, SchemaGetter, SchemaIssue, Effect, Option } from "effect"
import { NodeKey } from "./NodeKey.ts"

export const Host = Schema.String.check(
  Schema.isPattern(/^(?:[0-9A-Za-z]([0-9A-Za-z._-]{0,251}[0-9A-Za-z])?|[0-9a-fA-F:.]{2,45}(%[0-9A-Za-z]+)?)$/, {
    message: "a host is a DNS name or an IP address without brackets"
  })
)
export const Port = Schema.Int.check(
  Schema.isBetween({ minimum: 1, maximum: 65_535 }, { message: "a port is 1 to 65535" })
)

/** A place to dial or to listen at, without an identity. */
export class Endpoint extends Schema.Class<Endpoint>("holdfast/Endpoint")({ host: Host, port: Port }) {
  override toString(): string {
    return `${this.host.includes(":") ? `[${this.host}]` : this.host}:${this.port}`
  }
}

/** A place to dial together with the key that must answer there. */
export class Address extends Schema.Class<Address>("holdfast/Address")({ key: NodeKey, host: Host, port: Port }) {
  get endpoint(): Endpoint {
    return new Endpoint({ host: this.host, port: this.port })
  }
  override toString(): string {
    return `holdfast://${this.key}@${this.endpoint.toString()}`
  }
}

/** A text that is not an address; `expected` says what one looks like. */
export class AddressInvalid extends Schema.TaggedError<AddressInvalid>()("AddressInvalid", {
  text: Schema.String,
  expected: Schema.String
}) {
  override get message(): string {
    return `"${this.text}" is not an address: expected ${this.expected}`
  }
}

const addressPattern = /^holdfast:\/\/([0-9a-f]{64})@(\[[^\]]+\]|[^:[\]@/]+):(\d{1,5})\/?$/
const endpointPattern = /^(\[[^\]]+\]|[^:[\]@/]+):(\d{1,5})$/
const bare = (host: string): string => host.replace(/^\[|\]$/g, "")
const excerpt = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text)

/** Reads `holdfast://<nodeKey>@host:port`. */
export const parse = (text: string): Result.Result<Address, AddressInvalid> => {
  const match = addressPattern.exec(text.trim())
  const decoded =
    match === null
      ? Option.none()
      : Schema.decodeUnknownOption(Address)({ key: match[1], host: bare(match[2]!), port: Number(match[3]) })
  return Option.isSome(decoded)
    ? Result.succeed(decoded.value)
    : Result.fail(
        new AddressInvalid({ text: excerpt(text), expected: "holdfast://<64 hex digits>@host:port, port 1 to 65535" })
      )
}

/** Reads `host:port` or `[v6]:port`. */
export const parseEndpoint = (text: string): Result.Result<Endpoint, AddressInvalid> => {
  const match = endpointPattern.exec(text.trim())
  const decoded =
    match === null
      ? Option.none()
      : Schema.decodeUnknownOption(Endpoint)({ host: bare(match[1]!), port: Number(match[2]) })
  return Option.isSome(decoded)
    ? Result.succeed(decoded.value)
    : Result.fail(new AddressInvalid({ text: excerpt(text), expected: "host:port, port 1 to 65535" }))
}

/** The schema of an address as text, for configuration, rows and HTTP bodies. */
export const AddressFromString = Schema.String.pipe(
  Schema.decodeTo(Address, {
    decode: SchemaGetter.transformEffect((text: string) =>
      Result.match(parse(text), {
        onFailure: (error) => Effect.fail(new SchemaIssue.InvalidValue({ message: error.message })),
        onSuccess: (address) => Effect.succeed({ key: address.key, host: address.host, port: address.port })
      })
    ),
    encode: SchemaGetter.transform(
      (fields) => `holdfast://${fields.key}@${new Endpoint({ host: fields.host, port: fields.port }).toString()}`
    )
  })
)

/** An IP address in one form: an IPv4 address mapped into IPv6 is the IPv4 address, a zone is dropped. */
export const normaliseIp = (ip: string): string =>
  ip
    .toLowerCase()
    .replace(/%.*$/, "")
    .replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, "")

/** Whether an IP address or name is this machine itself. */
export const isLoopback = (host: string): boolean => {
  const ip = normaliseIp(host)
  return /^127\./.test(ip) || ip === "localhost" || /^(?:0{0,4}:){2,7}0{0,3}1$/.test(ip)
}
