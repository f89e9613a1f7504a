/**
 * Which database failures pass by themselves.
 *
 * The driver knows lost connections, deadlocks, serialization failures and time-outs, and calls the rest unknown and
 * final. A server that shuts down, starts up, is out of disk, memory or connections, or has been demoted to a
 * stand-by answers with codes of that rest, although the same statement succeeds later. Here they become connection
 * errors, so that `SqlError.isRetryable` is the one thing retry policies have to read.
 */
import { ConnectionError, SqlError } from "effect/sql/SqlError"

/**
 * SQLSTATEs that say "not now": 53 insufficient resources, 58 system error outside of PostgreSQL, 57P01-57P05
 * shutdown, crash of another session, start-up, dropped or idle session, 25P03 and 25P04 session or transaction ended
 * by a time limit, 25006 the server has become read-only, 40003 outcome of the statement unknown.
 */
const passing = /^(?:53...|58...|57P0[1235]|25P0[34]|25006|40003)$/

const sqlState = (cause: unknown): string | undefined =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined

/** The SQLSTATE of a failure that the server reported, if it reported one. */
export const code = (error: SqlError): string | undefined => sqlState(error.reason.cause)

/** The same failure, with a passing one told apart from a final one. */
export const classify = (error: SqlError): SqlError => {
  const reason = error.reason
  if (reason._tag !== "UnknownError") return error
  const state = sqlState(reason.cause)
  if (state === undefined || !passing.test(state)) return error
  return new SqlError({
    reason: new ConnectionError({
      cause: reason.cause,
      ...(reason.message === undefined ? {} : { message: reason.message }),
      ...(reason.operation === undefined ? {} : { operation: reason.operation })
    })
  })
}

/**
 * Whether the failure means that the session is gone, and its open transaction with it. A server that reports an error
 * and goes on (severity ERROR) keeps both.
 */
export const lostSession = (error: SqlError): boolean => {
  const { _tag, cause } = error.reason
  const reported = typeof cause === "object" && cause !== null && "severity" in cause ? cause.severity : undefined
  return _tag === "ConnectionError" && reported !== "ERROR"
}
