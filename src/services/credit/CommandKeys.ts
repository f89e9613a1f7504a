/**
 * Commands under a key of the user's own: done once, however often they are given.
 *
 * The row is written in the transaction of the command, so that a command that was refused can be given again under its key.
 */
import { Clock, Effect, Result, Schema } from "effect"
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

/** A command and the key that its user has given it. */
export interface Keyed {
  readonly command: Command
  readonly key: string
}

/**
 * What came of the commands that the user has given under these keys, if it was these; nobody else gives one under them meanwhile. No two
 * have one key.
 */
export const answeredAll = Effect.fnUntraced(function* (user: Cuid, all: ReadonlyArray<Keyed>) {
  const records = yield* Records
  const keys = all.map(({ key }) => key)
  // In one order, so that two transactions do not wait for each other.
  for (const key of keys.toSorted()) yield* records.claim(`credit command ${user} ${key}`)
  const rows = yield* records.getAll(
    Tables.commands,
    keys.map((key) => [user, key] as const)
  )
  const now = yield* Clock.currentTimeMillis
  const known = new Map(rows.flatMap((row) => (row.at <= now - keptMillis ? [] : [[row.key, row] as const])))
  const answers = new Map<string, Result.Result<Done, CommandKeyTaken>>()
  for (const { command, key } of all) {
    const row = known.get(key)
    if (row === undefined) continue
    const isSame = row.digest === digest(command)
    answers.set(key, isSame ? Result.succeed(read(row.answer)) : Result.fail(new CommandKeyTaken({ key })))
  }
  return answers
})

/** The same of one command. */
export const answered = Effect.fnUntraced(function* (user: Cuid, key: string, command: Command) {
  const answer = (yield* answeredAll(user, [{ command, key }])).get(key)
  return answer === undefined ? undefined : yield* Effect.fromResult(answer)
})

/** Forgets some of those whose time is over: more than come, so that they do not add up. */
const forget = Effect.fnUntraced(function* (now: number, coming: number) {
  const records = yield* Records
  const isOver = ({ at }: Tables.Command) => at <= now - keptMillis
  const first = yield* records.page(Tables.commands, "at", { limit: 1 })
  if (!first.some(isOver)) return
  const oldest = yield* records.page(Tables.commands, "at", { limit: mostForgotten * coming })
  for (const { key, user } of oldest.filter(isOver)) yield* records.remove(Tables.commands, [user, key])
})

/** Remembers what came of them. */
export const rememberAll = Effect.fnUntraced(function* (
  user: Cuid,
  all: ReadonlyArray<Keyed & { readonly done: Done }>
) {
  if (all.length === 0) return
  const at = yield* Clock.currentTimeMillis
  yield* forget(at, all.length)
  yield* (yield* Records).putAll(
    Tables.commands,
    all.map(({ command, done, key }) => ({ user, key, digest: digest(command), answer: write(done), at }))
  )
})
