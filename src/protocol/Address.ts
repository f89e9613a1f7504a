/**
 * Where a node listens, and who must answer there: `holdfast://<nodeKey>@host:port`.
 *
 * An address names a key, so a connection to it either reaches that node or fails
 * (docs/PROTOCOL.md, 1). IPv6 hosts are written in brackets.
 */
import { Result, Schema, SchemaGetter, SchemaIssue, Effect, Option } from "effect"
import { parseHostText } from "./HostText.ts"
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

/** A text that is not an address; `expected` says what one looks like, `problem` what is wrong with this one. */
export class AddressInvalid extends Schema.TaggedError<AddressInvalid>()("AddressInvalid", {
  text: Schema.String,
  expected: Schema.String,
  problem: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const problem = this.problem === undefined ? "" : `${this.problem}; `
    return `"${this.text}" is not an address: ${problem}expected ${this.expected}`
  }
}

const addressPattern = /^holdfast:\/\/([0-9a-f]{64})@(\[[^\]]+\]|[^:[\]@/]+):(\d{1,5})\/?$/
const endpointPattern = /^(\[[^\]]+\]|[^:[\]@/]+):(\d{1,5})$/
const excerpt = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text)

/** Reads the host and the port that a pattern has found, and makes of them what `decode` does. */
const read = <A>(
  text: string,
  expected: string,
  found: { readonly host: string; readonly port: string } | undefined,
  decode: (place: { readonly host: string; readonly port: number }) => Option.Option<A>
): Result.Result<A, AddressInvalid> => {
  const invalid = (problem?: string) =>
    Result.fail(new AddressInvalid({ text: excerpt(text), expected, ...(problem === undefined ? {} : { problem }) }))
  if (found === undefined) return invalid()
  const host = parseHostText(found.host)
  if (Result.isFailure(host)) return invalid(host.failure)
  const decoded = decode({ host: host.success, port: Number(found.port) })
  return Option.isSome(decoded) ? Result.succeed(decoded.value) : invalid()
}

const decodeAddress = Schema.decodeUnknownOption(Address)
const decodeEndpoint = Schema.decodeUnknownOption(Endpoint)

/** Reads `holdfast://<nodeKey>@host:port`. */
export const parse = (text: string): Result.Result<Address, AddressInvalid> => {
  const [, key, host, port] = addressPattern.exec(text.trim()) ?? []
  const found = host === undefined || port === undefined ? undefined : { host, port }
  const expected = "holdfast://<64 hex digits>@host:port, port 1 to 65535"
  return read(text, expected, found, (place) => decodeAddress({ key, ...place }))
}

/** Reads `host:port` or `[v6]:port`. */
export const parseEndpoint = (text: string): Result.Result<Endpoint, AddressInvalid> => {
  const [, host, port] = endpointPattern.exec(text.trim()) ?? []
  const found = host === undefined || port === undefined ? undefined : { host, port }
  return read(text, "host:port, port 1 to 65535", found, decodeEndpoint)
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

/** Whether an address stands for every one of a machine, `0.0.0.0` or `::`: it can be listened at, and nobody can dial it. */
export const isWildcard = (host: string): boolean => /^(?:0\.0\.0\.0|[0:]*:[0:]*)$/.test(normaliseIp(host))

/** Whether an IP address or name is this machine itself. */
export const isLoopback = (host: string): boolean => {
  const ip = normaliseIp(host)
  return /^127\./.test(ip) || ip === "localhost" || /^(?:0{0,4}:){2,7}0{0,3}1$/.test(ip)
}
