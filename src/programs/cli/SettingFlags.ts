/**
 * A flag for every setting, with its bounds checked later, where the other sources are checked as well.
 */
import { Option, Schema } from "effect"
import { Flag } from "effect/cli"
import type { Raw } from "../Config.ts"
import { each, type Key, type Setting, settings } from "../Settings.ts"

/** The default as one would write it. */
const standardOf = ({ default: standard, schema }: Setting<unknown>): string =>
  standard === undefined || standard === "false" || standard === "default"
    ? ""
    : ` (default ${Schema.encodeSync(schema)(Schema.decodeSync(schema)(standard))})`

const flagOf = (key: Key): Flag.Flag<Raw | undefined> => {
  const setting: Setting<unknown> = settings[key]
  const about = `${setting.about}${standardOf(setting)} [${setting.env.join(", ")}]`
  if (setting.metavar === "") {
    return Flag.Boolean(setting.flag).pipe(
      Flag.withDescription(about),
      Flag.optional,
      Flag.map((given) => (Option.isSome(given) ? String(given.value) : undefined))
    )
  }
  const text = Flag.String(setting.flag).pipe(Flag.withMetavar(setting.metavar), Flag.withDescription(about))
  return setting.many === true
    ? text.pipe(
        Flag.atLeast(0),
        Flag.map((given) => (given.length === 0 ? undefined : given))
      )
    : text.pipe(Flag.optional, Flag.map(Option.getOrUndefined))
}

export const settingFlags = each(flagOf)
