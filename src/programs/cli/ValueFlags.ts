/**
 * Flags that take a number, a duration or a place, within bounds that their errors tell.
 */
import { Option } from "effect"
import { Flag } from "effect/cli"
import type { Endpoint } from "../../protocol/Address.ts"
import * as SettingValue from "../SettingValue.ts"

const day = 86_400_000

export const duration = (name: string, what: string, least = 100) =>
  Flag.String(name).pipe(
    Flag.withMetavar("<duration>"),
    Flag.withDescription(what),
    Flag.withSchema(SettingValue.duration(least, day))
  )

/** How long something may take, in milliseconds. */
export const timeout = (what: string, standard: number): Flag.Flag<number> =>
  Flag.withDefault(duration("timeout", what), standard)

export const count = (name: string, what: string, minimum: number, maximum: number) =>
  Flag.String(name).pipe(
    Flag.withMetavar("<n>"),
    Flag.withDescription(what),
    Flag.withSchema(SettingValue.count(minimum, maximum))
  )

/** Where to listen, if it is to. */
export const listen = (what: string): Flag.Flag<Endpoint | undefined> =>
  optionally(
    Flag.String("listen").pipe(
      Flag.withMetavar("<host:port>"),
      Flag.withDescription(what),
      Flag.withSchema(SettingValue.endpoint)
    )
  )

/** Where to tell metrics, if they are to be told. */
export const metrics: Flag.Flag<Endpoint | undefined> = Flag.String("metrics").pipe(
  Flag.withMetavar("<host:port>"),
  Flag.withDescription("Tell metrics of the peers there, at /metrics, to whoever asks"),
  Flag.withSchema(SettingValue.endpoint),
  Flag.optional,
  Flag.map(Option.getOrUndefined)
)

export const optionally = <A>(flag: Flag.Flag<A>): Flag.Flag<A | undefined> =>
  flag.pipe(Flag.optional, Flag.map(Option.getOrUndefined))
