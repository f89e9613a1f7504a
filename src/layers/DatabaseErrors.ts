/**
 * What can keep a database from being used at start, each with the way out in its message.
 *
 * None of these carries a password: a connection URL is taken apart before anything is reported.
 */
import { Schema } from "effect"

/** One line of reason. A host with several addresses fails with one error per address and no message of its own. */
const because = (cause: unknown): string => {
  if (cause instanceof AggregateError && cause.message === "") return cause.errors.map(because).join(", ")
  return cause instanceof Error ? cause.message : ""
}

/** The connection URL cannot be read. The URL itself is not repeated, because it may hold a password. */
export class DatabaseUrlInvalid extends Schema.TaggedError<DatabaseUrlInvalid>()("DatabaseUrlInvalid", {
  problem: Schema.String
}) {
  override get message(): string {
    return (
      `DATABASE_URL cannot be used: ${this.problem}. ` +
      `It looks like postgres://user:password@host:5432/database; leave it out to use the embedded database.`
    )
  }
}

/**
 * No session could be opened with PostgreSQL at start.
 *
 * `hint` says what to do about this refusal: start the server, create the database, correct the password.
 */
export class DatabaseUnreachable extends Schema.TaggedError<DatabaseUnreachable>()("DatabaseUnreachable", {
  host: Schema.String,
  port: Schema.Int,
  database: Schema.String,
  user: Schema.String,
  hint: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    const reason = because(this.cause)
    return (
      `No connection to database "${this.database}" on ${this.host}, port ${this.port}, as "${this.user}"` +
      `${reason === "" ? "" : ` (${reason})`}. ${this.hint}`
    )
  }
}

/** The database acknowledges commits that a crash can undo; delivery cannot be promised on it. */
export class DatabaseNotDurable extends Schema.TaggedError<DatabaseNotDurable>()("DatabaseNotDurable", {
  setting: Schema.String,
  value: Schema.String
}) {
  override get message(): string {
    return (
      `The database runs with ${this.setting}=${this.value}: a crash can undo committed transactions, ` +
      `messages would be lost or repeated. Set ${this.setting}=on, or start with --allow-data-loss to accept it.`
    )
  }
}

/** The embedded database in a folder could not be opened or made. */
export class EmbeddedDatabaseUnusable extends Schema.TaggedError<EmbeddedDatabaseUnusable>()(
  "EmbeddedDatabaseUnusable",
  {
    dataDir: Schema.String,
    problem: Schema.String,
    fix: Schema.String,
    cause: Schema.optional(Schema.Defect())
  }
) {
  override get message(): string {
    const reason = because(this.cause)
    return `The embedded database in ${this.dataDir} ${this.problem}${reason === "" ? "" : ` (${reason})`}. ${this.fix}`
  }
}
