/**
 * Flags that the demos have in common.
 */
import { Schema } from "effect"
import { Flag } from "effect/cli"

export const deadline = (about: string, seconds: number) =>
  Flag.Int("deadline").pipe(
    Flag.withDescription(about),
    Flag.withSchema(Schema.Int.check(Schema.isGreaterThan(0))),
    Flag.withDefault(seconds)
  )

/** `many`: how many databases, as a word. */
export const databaseUrl = (many: string) =>
  Flag.Redacted("database-url").pipe(
    Flag.withDescription(
      `A PostgreSQL server, as postgres://user@host:port/database, to make ${many} databases on (they are dropped ` +
        "afterwards); embedded ones in temporary folders otherwise"
    ),
    Flag.optional
  )

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print the result as JSON on standard output, and the progress on standard error"),
  Flag.withDefault(false)
)
