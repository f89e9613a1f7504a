/**
 * Lists that are shown page by page, of all peers or of one: their flags, and the command that shows the next page.
 */
import { Effect, Option } from "effect"
import { Flag } from "effect/cli"
import { peerOf } from "./Client.ts"
import * as Given from "./Given.ts"
import { dim } from "./Style.ts"

/** Rows that are shown unless another number is asked for. */
export const standardLimit = 100

export const limit = Given.limit("How many to show", standardLimit)

/** A flag that names a peer by its key or the beginning of it. */
export const peer = (about: string) =>
  Flag.String("peer").pipe(
    Flag.withMetavar("<peer>"),
    Flag.withDescription(`${about}; its key, or the beginning of it`),
    Flag.withSchema(Given.peerText),
    Flag.optional
  )

/** What a request says of the peer that was given. */
export const chosen = Effect.fnUntraced(function* (given: Option.Option<string>) {
  return Option.isSome(given) ? { peer: yield* peerOf(given.value) } : {}
})

/** The last line of a page that is not the last, with the filters that made it. */
export const more = (
  command: string,
  given: { readonly peer: Option.Option<string>; readonly limit: number },
  next: string | undefined
): string => {
  if (next === undefined) return ""
  const peer = Option.isSome(given.peer) ? ` --peer ${given.peer.value}` : ""
  const limit = given.limit === standardLimit ? "" : ` --limit ${given.limit}`
  return `\n${dim(`There is more: ${command}${peer}${limit} --after ${next}`)}`
}
