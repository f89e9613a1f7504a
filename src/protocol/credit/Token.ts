/**
 * What a ticket is known by: 16 random bytes as 32 lower-case hex digits. Whoever has it can use the ticket.
 */
import { Schema } from "effect"

export const Token = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{32}$/, { message: "a token is 32 lower-case hex digits" })
).pipe(Schema.brand("Token"))
export type Token = typeof Token.Type
