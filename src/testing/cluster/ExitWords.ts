/**
 * What the end of a program says when it was none in good order, for verdicts and traces.
 */
import { Cause, Exit, Option } from "effect"

/** The first failure of an exit, in words, down to what caused it; `undefined` of a success. */
export const failureOf = (exit: Exit.Exit<unknown, unknown>): string | undefined =>
  Exit.isSuccess(exit)
    ? undefined
    : Option.match(Cause.findErrorOption(exit.cause), { onNone: () => Cause.pretty(exit.cause), onSome: reasons })

const reasons = (error: unknown): string =>
  error instanceof Error && error.cause !== undefined ? `${error}: ${reasons(error.cause)}` : String(error)
