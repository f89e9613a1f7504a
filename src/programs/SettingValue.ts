/**
 * The kinds of values that settings have, as schemas from text: what a flag, an environment variable or the file says.
 *
 * Each carries a sentence that says what is expected, bounds included, which is what an error tells.
 */
import { Effect, Redacted, Result, Schema, SchemaGetter, SchemaIssue } from "effect"
import { AddressFromString, Endpoint, parseEndpoint } from "../protocol/Address.ts"
import { parseHostText } from "../protocol/HostText.ts"

export type FromText<A> = Schema.Codec<A, string>

/** Where to listen; port 0 takes a free one. */
export interface Place {
  readonly host: string
  readonly port: number
}

export interface Header {
  readonly name: string
  readonly value: Redacted.Redacted
}

/** A schema that reads text by `read`; where that gives nothing, the error is `expected`. */
export const fromText = <A>(
  expected: string,
  read: (text: string) => A | undefined,
  print: (value: A) => string
): FromText<A> =>
  Schema.String.pipe(
    Schema.decodeTo(
      Schema.declare((value): value is A => value !== undefined),
      {
        decode: SchemaGetter.transformEffect((text: string) => {
          const value = read(text.trim())
          return value === undefined
            ? Effect.fail(new SchemaIssue.InvalidValue({ message: `give ${expected}` }))
            : Effect.succeed(value)
        }),
        encode: SchemaGetter.transform(print)
      }
    )
  )

const within = (value: number, minimum: number, maximum: number): number | undefined =>
  value >= minimum && value <= maximum ? value : undefined

const withUnits = (units: Readonly<Record<string, number>>) => {
  const pattern = new RegExp(`^(\\d{1,15}(?:\\.\\d{1,6})?) ?(${Object.keys(units).join("|")})$`, "i")
  const byLowerCase = new Map(Object.entries(units).map(([unit, size]) => [unit.toLowerCase(), size]))
  return {
    read: (text: string): number | undefined => {
      const match = pattern.exec(text)
      return match === null ? undefined : Number(match[1]) * byLowerCase.get(match[2]!.toLowerCase())!
    },
    print: (value: number): string => {
      const [unit, size] = Object.entries(units).findLast(([, size]) => value >= size && value % size === 0) ?? ["", 1]
      return `${value / size}${unit}`
    }
  }
}

const durations = withUnits({ ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 })
const sizes = withUnits({ B: 1, KiB: 1_024, MiB: 1_048_576 })

/** Milliseconds, bounds included, written as `250ms`, `10s`, `5m`, `1h`. */
export const duration = (minimum: number, maximum: number): FromText<number> =>
  fromText(
    `a duration from ${durations.print(minimum)} to ${durations.print(maximum)} with its unit, such as 500ms, 10s or 5m`,
    (text) => within(durations.read(text) ?? Number.NaN, minimum, maximum),
    durations.print
  )

/** Bytes, bounds included, written as `512B`, `64KiB`, `1MiB`. */
export const size = (minimum: number, maximum: number): FromText<number> =>
  fromText(
    `a size from ${sizes.print(minimum)} to ${sizes.print(maximum)} with its unit, such as 64KiB or 1MiB`,
    (text) => within(Math.round(sizes.read(text) ?? Number.NaN), minimum, maximum),
    sizes.print
  )

export const count = (minimum: number, maximum: number): FromText<number> =>
  fromText(
    `a whole number from ${minimum} to ${maximum}`,
    (text) => (/^\d{1,15}$/.test(text) ? within(Number(text), minimum, maximum) : undefined),
    String
  )

export const choice = <const Choices extends ReadonlyArray<string>>(choices: Choices): FromText<Choices[number]> =>
  fromText(
    `one of ${choices.join(", ")}`,
    (text) => choices.find((choice) => choice === text.toLowerCase()),
    (choice) => choice
  )

export const flag: FromText<boolean> = fromText(
  "true or false",
  (text) => ({ true: true, false: false, 1: true, 0: false })[text.toLowerCase()],
  String
)

export const text = (what: string, maximum: number): FromText<string> =>
  fromText(
    `${what}, 1 to ${maximum} characters`,
    (value) => (value.length >= 1 && value.length <= maximum ? value : undefined),
    (value) => value
  )

/** `host:port`, where port 0 takes a free one. */
export const place: FromText<Place> = fromText(
  "host:port with a port from 0 to 65535, such as 127.0.0.1:4001; 0 takes a free port",
  (text) => {
    const match = /^(\[[^\]]+\]|[^:[\]]+):(\d{1,5})$/.exec(text)
    if (match === null) return undefined
    const host = Result.getOrElse(parseHostText(match[1]!), () => undefined)
    const port = within(Number(match[2]), 0, 65_535)
    return host === undefined || port === undefined ? undefined : { host, port }
  },
  ({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`
)

export const endpoint: FromText<Endpoint> = fromText(
  "host:port with a port from 1 to 65535, such as node.example.org:4001",
  (text) => Result.getOrElse(parseEndpoint(text), () => undefined),
  String
)

/** Where something answers over HTTP, without what a path is appended to having a slash at its end. */
export const url: FromText<string> = fromText(
  "an http or https URL without a query, such as http://127.0.0.1:4318",
  (text) => {
    if (!URL.canParse(text)) return undefined
    const { hash, hostname, password, protocol, search, username } = new URL(text)
    const plain = `${hash}${search}${username}${password}` === "" && hostname !== ""
    return plain && /^https?:$/.test(protocol) ? text.replace(/\/+$/, "") : undefined
  },
  (url) => url
)

/** A header of a request; its value is never shown again. */
export const header: FromText<Header> = fromText(
  "name=value, where the name is that of an HTTP header",
  (text) => {
    const match = /^([!#$%&'*+.^_`|~0-9a-zA-Z-]+)\s*=\s*([\x20-\x7e]+)$/.exec(text)
    return match === null ? undefined : { name: match[1]!.toLowerCase(), value: Redacted.make(match[2]!) }
  },
  ({ name, value }) => `${name}=${Redacted.value(value)}`
)

/** A text that is never shown again. */
export const secret: FromText<Redacted.Redacted> = fromText(
  "a text that is not empty",
  (text) => (text === "" ? undefined : Redacted.make(text)),
  Redacted.value
)

export const address = AddressFromString
