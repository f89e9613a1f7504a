/**
 * Commands under a key of the user's own: done once, however often they are given.
 *
 * The row is written in the transaction of the command, so that a command that was refused can be given again under its key.
 */
import { Clock, Effect, Schema } from "effect"
import { digestBy } from "../../protocol/credit/Canonical.ts"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import { Records } from "../Records.ts"
import { Command, CommandKeyTaken, Done } from "./Command.ts"
import * as Tables from "./CreditTables.ts"

/** How long a command is remembered, in milliseconds: seven days. */
export const keptMillis = 7 * 86_400_000
/** Commands that are forgotten with each new one, at most. */
const mostForgotten = 8

const digest = digestBy(Command)
const Answer = Schema.fromJsonString(Schema.toCodecJson(Done))
const write = Schema.encodeSync(Answer)
const read = Schema.decodeSync(Answer)

/** Whether a text may be the key of a command. */
export const isKey = Schema.is(Tables.Command.fields.key.check(Schema.isMinLength(1)))

/** What came of the command that the user has given under this key, if it was this one; nobody else gives one under it meanwhile. */
export const answered = Effect.fnUntraced(function* (user: Cuid, key: string, command: Command) {
  const records = yield* Records
  yield* records.claim(`credit command ${user} ${key}`)
  const row = yield* records.get(Tables.commands, [user, key])
  const now = yield* Clock.currentTimeMillis
  if (row === undefined || row.at <= now - keptMillis) return undefined
  return row.digest === digest(command) ? read(row.answer) : yield* new CommandKeyTaken({ key })
})

/** Forgets some of those whose time is over: more than come, so that they do not add up. */
const forget = Effect.fnUntraced(function* (now: number) {
  const records = yield* Records
  const oldest = yield* records.page(Tables.commands, "at", { limit: mostForgotten })
  for (const { at, key, user } of oldest) {
    if (at <= now - keptMillis) yield* records.remove(Tables.commands, [user, key])
  }
})

/** Remembers what came of it. */
export const remember = Effect.fnUntraced(function* (user: Cuid, key: string, command: Command, done: Done) {
  const at = yield* Clock.currentTimeMillis
  yield* forget(at)
  const row: Tables.Command = { user, key, digest: digest(command), answer: write(done), at }
  yield* (yield* Records).put(Tables.commands, row)
})
