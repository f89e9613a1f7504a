/**
 * Times as credit's documents and messages hold them.
 */
import { Schema } from "effect"

/** The end of the year 9999, up to which a time has one text in ISO 8601. */
export const latest = 253_402_300_799_999

/** Milliseconds since 1970, 0 to `latest`, so that whoever shows one as a date can. */
export const Instant = Schema.Int.check(
  Schema.isBetween(
    { minimum: 0, maximum: latest },
    { message: "a time is milliseconds since 1970, up to the year 9999" }
  )
)
