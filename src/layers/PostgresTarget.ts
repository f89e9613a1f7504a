/**
 * Where a connection URL points, and what to do when nobody answers there: for checks and messages. The driver reads
 * the URL again by itself; a password never leaves it here.
 */
import { Redacted, Result } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { DatabaseUrlInvalid } from "./DatabaseErrors.ts"
import * as SqlFailure from "./SqlFailure.ts"

/** A database of a server, without the password. */
export interface PostgresTarget {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
}

const urlHint = "it is not a postgres:// or postgresql:// URL"

/** What a connection URL points at, with libpq's defaults, and its query before its parts as libpq has it. */
export const target = (url: Redacted.Redacted): Result.Result<PostgresTarget, DatabaseUrlInvalid> => {
  const text = Redacted.value(url)
  if (!/^postgres(ql)?:\/\//.test(text)) return Result.fail(new DatabaseUrlInvalid({ problem: urlHint }))
  const parsed = URL.parse(text)
  if (parsed === null) return Result.fail(new DatabaseUrlInvalid({ problem: "it is not a well-formed URL" }))
  const query = parsed.searchParams
  const decode = (part: string): string | undefined => Result.getOrUndefined(Result.try(() => decodeURIComponent(part)))
  const user = query.get("user") ?? decode(parsed.username)
  const path = query.get("dbname") ?? decode(parsed.pathname.replace(/^\//, ""))
  if (user === undefined || path === undefined || decode(parsed.password) === undefined) {
    return Result.fail(
      new DatabaseUrlInvalid({
        problem: "a percent sign in user, password or database is not followed by two hex digits"
      })
    )
  }
  if (user === "") return Result.fail(new DatabaseUrlInvalid({ problem: "it names no user" }))
  const port = Number(query.get("port") ?? (parsed.port === "" ? 5432 : parsed.port))
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    return Result.fail(new DatabaseUrlInvalid({ problem: "its port is not a number from 1 to 65535" }))
  }
  const host = query.get("host") ?? decode(parsed.hostname.replace(/^\[|\]$/g, "")) ?? ""
  return Result.succeed({ host: host === "" ? "localhost" : host, port, user, database: path === "" ? user : path })
}

/** What an operator does about a failure to connect. */
export const hint = (at: PostgresTarget, error: SqlError): string => {
  const code = SqlFailure.code(error)
  if (code === "3D000") return `Create it with: createdb -h ${at.host} -p ${at.port} -U ${at.user} ${at.database}`
  if (error.reason._tag === "AuthenticationError") return "Correct user and password in DATABASE_URL."
  if (code === "53300") return "The server has no connection left: raise max_connections, or close others."
  if (code === "57P03") return "The server is starting up or shutting down: try again when it accepts connections."
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "The host name is not known: correct DATABASE_URL."
  return "Start PostgreSQL there, correct DATABASE_URL, or leave it out to use the embedded database."
}
