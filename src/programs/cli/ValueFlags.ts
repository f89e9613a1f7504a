/**
 * Flags that take a number or a duration, within bounds that their errors tell.
 */
import { Option } from "effect"
import { Flag } from "effect/cli"
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

export const optionally = <A>(flag: Flag.Flag<A>): Flag.Flag<A | undefined> =>
  flag.pipe(Flag.optional, Flag.map(Option.getOrUndefined))
