/**
 * Payments of one user on one tally that share a transaction. What is refused has changed nothing, and the others are done.
 */
import { Effect, Exit, Result } from "effect"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { TallyId } from "../../protocol/credit/TallyDocument.ts"
import type * as SharedCommits from "../SharedCommits.ts"
import { type CommandKeyTaken, CreditRefused, type Done } from "./Command.ts"
import * as CommandDesk from "./CommandDesk.ts"
import * as CommandKeys from "./CommandKeys.ts"
import * as CreditProtocol from "./CreditProtocol.ts"

/** A payment as its user gives it, with a key that fits if there is one. */
export interface Given {
  readonly user: Cuid
  readonly command: CommandDesk.Payment
  readonly key: string | undefined
}

type Paid = Result.Result<Done, CreditRefused | CommandKeyTaken>

const keyed = ({ command, key }: Given): ReadonlyArray<CommandKeys.Keyed> =>
  key === undefined ? [] : [{ command, key }]

/** Payments that have not been done before: what became of each. */
const payAll = Effect.fnUntraced(function* (user: Cuid, tally: TallyId, all: ReadonlyArray<Given>) {
  if (all.length === 0) return []
  const commands = all.map(({ command }) => command)
  const { answer, outcomes } = yield* CommandDesk.payAll(user, tally, commands)
  yield* CreditProtocol.perform(answer)
  yield* CommandKeys.rememberAll(
    user,
    outcomes.flatMap((outcome, at) => {
      const given = all[at]
      return given === undefined || Result.isFailure(outcome)
        ? []
        : keyed(given).map((one) => ({ ...one, done: outcome.success }))
    })
  )
  return outcomes.map(Result.mapError(CreditRefused.of))
})

const pay = Effect.fnUntraced(function* (all: ReadonlyArray<Given>) {
  const [first] = all
  if (first === undefined) return []
  const { command, user } = first
  const answers = yield* CommandKeys.answeredAll(user, all.flatMap(keyed))
  const isDone = ({ key }: Given): boolean => key !== undefined && answers.has(key)
  const fresh = all.filter((given) => !isDone(given))
  const paid = yield* payAll(user, command.tally, fresh)
  const found = new Map<Given, Paid>()
  for (const [at, given] of fresh.entries()) {
    const outcome = paid[at]
    if (outcome !== undefined) found.set(given, outcome)
  }
  return all.map((given): Exit.Exit<Done, CreditRefused | CommandKeyTaken> => {
    const before = given.key === undefined ? undefined : answers.get(given.key)
    const outcome = before ?? found.get(given)
    if (outcome === undefined) return Exit.die(new Error("a payment has no outcome"))
    return Result.isSuccess(outcome) ? Exit.succeed(outcome.success) : Exit.fail(outcome.failure)
  })
})

/** As many as foil can tell of in one message. */
const most = 32

export const work: SharedCommits.Work<Given, Done, CreditRefused | CommandKeyTaken, CreditProtocol.Services> = {
  most,
  nameOf: ({ key }) => key,
  work: pay
}

/** Where a payment waits for its turn. */
export const placeOf = ({ command, user }: Given): string => `${user} ${command.tally}`
