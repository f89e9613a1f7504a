/**
 * What somebody who wants a tally hands to the other party, by whatever way: a ticket's token, where to show it, and until when.
 *
 * As text it is one line of JSON to copy, `{"token":…,"chad":…,"expires":…}`, the address as text and the time in ISO 8601, UTC.
 * Nothing in it is signed or secret but the token: it is as trustworthy as the way that it came by.
 */
import { DateTime, Option, Result, Schema } from "effect"
import * as Chad from "./Chad.ts"
import { Instant } from "./Instant.ts"
import { Token } from "./Token.ts"

export const Invitation = Schema.Struct({ token: Token, chad: Chad.Chad, expires: Instant })
export type Invitation = typeof Invitation.Type

/** Characters of an invitation's text, at most. */
export const longest = 1_024

/** A text that is no invitation. The text is not in it, since there might be a token in that. */
export class InvitationInvalid extends Schema.TaggedError<InvitationInvalid>()("InvitationInvalid", {
  problem: Schema.String
}) {
  override get message(): string {
    return `this is no invitation: ${this.problem}; expected {"token":"…","chad":"cuid:agent@host:port","expires":"…"}`
  }
}

const Line = Schema.Struct({ token: Schema.String, chad: Schema.String, expires: Schema.String })

const decodeLine = Schema.decodeUnknownOption(Schema.fromJsonString(Line))
const decodeToken = Schema.decodeUnknownOption(Token)
const decodeInstant = Schema.decodeUnknownOption(Instant)

const isoPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/

const parseTime = (text: string): Option.Option<number> => {
  if (!isoPattern.test(text)) return Option.none()
  return Option.flatMap(DateTime.make(text), (time) => decodeInstant(DateTime.toEpochMillis(time)))
}

/** The text of an invitation, without a line's end. */
export const print = ({ chad, expires, token }: Invitation): string =>
  JSON.stringify({ token, chad: Chad.format(chad), expires: DateTime.formatIso(DateTime.makeUnsafe(expires)) })

export const parse = (text: string): Result.Result<Invitation, InvitationInvalid> => {
  const invalid = (problem: string) => Result.fail(new InvitationInvalid({ problem }))
  const line = text.trim()
  if (line.length > longest) return invalid(`it has more than ${longest} characters`)
  const read = decodeLine(line)
  if (Option.isNone(read)) return invalid("it is not JSON with the texts token, chad and expires")
  const token = decodeToken(read.value.token)
  if (Option.isNone(token)) return invalid("its token is not 32 lower-case hex digits")
  const chad = Chad.parse(read.value.chad)
  if (Result.isFailure(chad)) return invalid(chad.failure.message)
  const expires = parseTime(read.value.expires)
  if (Option.isNone(expires)) return invalid("its time is not like 2026-01-31T12:00:00.000Z")
  return Result.succeed({ token: token.value, chad: chad.success, expires: expires.value })
}
