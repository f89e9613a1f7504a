/**
 * PostgreSQL as the database of a node.
 *
 * `layer` proves at start that the server can be reached and that its commits survive a crash, and fails with a
 * message that says what to do otherwise. A server that is lost later is not an error of the layer: statements fail
 * with a retryable `SqlError` while it is away, and the pool opens new connections as soon as it is back.
 *
 * `make` is the client over the driver's pool, which the embedded database shares; `over` is the same client over
 * sessions that come from elsewhere.
 */
import { PgClient, PgPool } from "@effect/sql-pg"
import { Config, Effect, Layer, Option, type Redacted, type Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, Statement } from "effect/sql"
import { SqlError } from "effect/sql/SqlError"
import { DatabaseNotDurable, DatabaseUnreachable, type DatabaseUrlInvalid } from "./DatabaseErrors.ts"
import * as LostCommit from "./LostCommit.ts"
import { planning } from "./Planning.ts"
import { Connection, type Session } from "./PostgresConnection.ts"
import * as PostgresTarget from "./PostgresTarget.ts"
import * as SqlFailure from "./SqlFailure.ts"
import { limited } from "./TransactionLimit.ts"

/** Where and how to connect. */
export interface Options {
  /** `postgres://user:password@host:port/database`, with libpq's query parameters. */
  readonly url: Redacted.Redacted
  /** Upper bound of open connections, 10 by default. A listener and an open transaction each hold one. */
  readonly maxConnections?: number | undefined
  /**
   * Connections that are opened at the start and stay open while they idle, at most `maxConnections`; none by default. Whoever asks
   * first waits for no handshake then, in which this process computes for milliseconds. Those above them close after a minute.
   */
  readonly minConnections?: number | undefined
  /** What the server's activity view shows, `holdfast` by default. */
  readonly applicationName?: string | undefined
  /** Accept a server whose commits a crash can undo. */
  readonly allowDataLoss?: boolean | undefined
}

/** The driver's settings, and which database stands behind the wire protocol. */
export interface ClientOptions extends Omit<
  PgClient.PgPoolConfig,
  "transformResultNames" | "transformQueryNames" | "transformJson"
> {
  readonly driver: "pg" | "pglite"
}

/** Where the client gets its sessions: for one effect, until a scope closes, or likewise with nobody else on it. */
export interface Sessions {
  readonly use: <A, E, R>(f: (session: Session) => Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError, R>
  readonly get: Effect.Effect<Session, SqlError, Scope.Scope>
  readonly reserve: Effect.Effect<Session, SqlError, Scope.Scope>
}

const json = Statement.custom<Statement.Custom<"PgJson", unknown>>("PgJson")

/** Whether the fiber is inside a transaction of the client. */
const inTransaction = (client: SqlClient.SqlClient): Effect.Effect<boolean> =>
  Effect.map(Effect.serviceOption(client.transactionService), Option.isSome)

/** What follows when a session was lost during COMMIT. */
type OnLostCommit = (lost: LostCommit.Lost) => Effect.Effect<void, SqlError>

/**
 * The SQL client of PostgreSQL over whatever sessions there are.
 *
 * It differs from the driver's own in three points: failures that pass are retryable (see `SqlFailure`), a session lost
 * inside a transaction is such a failure and not a defect, and transactions are bounded by `TransactionLimit`.
 */
export const over = Effect.fnUntraced(function* (
  { get, reserve, use }: Sessions,
  driver: string,
  onLostCommit: OnLostCommit = ({ error }) => Effect.fail(error)
): Effect.fn.Return<SqlClient.SqlClient, never, Reactivity.Reactivity> {
  const wrap = (session: Session) => new Connection(session)
  const commit = (connection: SqlConnection.Connection): Effect.Effect<void, SqlError> => {
    if (!(connection instanceof Connection)) return Effect.die("foreign connection")
    const { processId }: Session = connection.session
    return Effect.catch(connection.commit, (error) =>
      connection.committing !== undefined && SqlFailure.lostSession(error)
        ? onLostCommit({ connection, process: processId, error, ...connection.committing })
        : Effect.fail(error)
    )
  }
  const client = yield* SqlClient.make({
    driver,
    acquirer: Effect.mapBoth(get, { onFailure: SqlFailure.classify, onSuccess: wrap }),
    borrower: (f) =>
      Effect.mapError(
        use((session) => f(wrap(session))),
        (error) => (error instanceof SqlError ? SqlFailure.classify(error) : error)
      ),
    transactionAcquirer: Effect.mapBoth(reserve, { onFailure: SqlFailure.classify, onSuccess: wrap }),
    compiler: PgClient.makeCompiler(),
    prepareTransactionControls: true,
    commit,
    releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
    spanAttributes: [["db.system.name", "postgresql"]]
  })
  const { withTransaction } = client
  const bounded: SqlClient.SqlClient["withTransaction"] = (self) =>
    Effect.flatMap(inTransaction(client), (open) => withTransaction(open ? self : limited(self)))
  return Object.assign(client, { withTransaction: bounded })
})

/**
 * The SQL client over the driver's connection pool.
 *
 * To `over` it adds what became of a transaction whose COMMIT was not answered (`LostCommit`), a `notify` that joins an open transaction, and a defect that says so instead of a deadlock when a
 * second connection is asked for from inside a transaction of a pool of one.
 */
export const make = Effect.fnUntraced(function* (
  options: ClientOptions
): Effect.fn.Return<PgClient.PgClient, SqlError, Scope.Scope | Reactivity.Reactivity> {
  const pool = yield* PgPool.make(options)
  const client = yield* options.driver === "pg"
    ? over(pool, options.driver, (lost) => LostCommit.resolve(pool.use, lost))
    : over(pool, options.driver)
  const single = options.maxConnections === 1
  /** Asking for a second connection of one, while holding it, would wait for ever. */
  const outside = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    single
      ? Effect.flatMap(inTransaction(client), (open) =>
          open
            ? Effect.die(new Error(`${what} inside a transaction needs a second connection, and the database has one`))
            : effect
        )
      : effect

  return Object.assign(client, {
    [PgClient.TypeId]: PgClient.TypeId,
    config: options,
    reserve: outside("reserve", client.reserve),
    json: (value: unknown) => Statement.fragment([json(value)]),
    listen: (channel: string) =>
      outside(
        "listen",
        Effect.mapError(
          Effect.flatMap(pool.reserve, (it) => it.listen(channel)),
          SqlFailure.classify
        )
      ),
    notify: (channel: string, payload: string) => Effect.asVoid(client`SELECT pg_notify(${channel}, ${payload})`)
  })
})

/**
 * Refuses a database whose commits do not survive a crash: `fsync`, `synchronous_commit` or `full_page_writes` off.
 *
 * Asks the session it runs in, so settings of the role, the database and the URL count as they apply.
 */
export const checkDurable: Effect.Effect<void, DatabaseNotDurable | SqlError, SqlClient.SqlClient> = Effect.gen(
  function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ readonly name: string; readonly setting: string }>`
      SELECT name, setting FROM pg_settings
      WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting = 'off' ORDER BY name LIMIT 1`
    const off = rows[0]
    if (off !== undefined) return yield* new DatabaseNotDurable({ setting: off.name, value: off.setting })
  }
)

const connect = Effect.fnUntraced(function* (options: Options) {
  const at = yield* Effect.fromResult(PostgresTarget.target(options.url))
  const maxConnections = options.maxConnections ?? 10
  const client = yield* make({
    driver: "pg",
    url: options.url,
    maxConnections,
    minConnections: Math.min(options.minConnections ?? 0, maxConnections),
    applicationName: options.applicationName ?? "holdfast",
    connectTimeout: "5 seconds",
    // A session that is lost without a word (power, a dropped NAT entry) is noticed while it idles.
    keepAlive: "30 seconds",
    startupParameters: {
      // An owner that is frozen inside a transaction must not hold its row locks for ever.
      idle_in_transaction_session_timeout: "60000",
      // The server notices within half a minute that this machine has lost power, and gives the node's lock back.
      tcp_keepalives_idle: "10",
      tcp_keepalives_interval: "5",
      tcp_keepalives_count: "3",
      ...planning
    }
  })
  const unreachable = (error: SqlError): DatabaseUnreachable =>
    new DatabaseUnreachable({ ...at, hint: PostgresTarget.hint(at, error), cause: error.reason.cause })
  yield* Effect.mapError(client`SELECT 1`, unreachable)
  yield* checkDurable.pipe(
    Effect.provideService(SqlClient.SqlClient, client),
    Effect.catchTag("SqlError", (error) => Effect.fail(unreachable(error))),
    Effect.catchTag("DatabaseNotDurable", (error) =>
      options.allowDataLoss === true
        ? Effect.logWarning("The database may lose committed transactions, which --allow-data-loss accepts").pipe(
            Effect.annotateLogs({ setting: error.setting, value: error.value })
          )
        : Effect.fail(error)
    )
  )
  return client
})

/** Connects, proves reachability and durability, and provides the client; closes every connection with its scope. */
export const layer = (
  options: Options
): Layer.Layer<
  PgClient.PgClient | SqlClient.SqlClient,
  DatabaseUnreachable | DatabaseUrlInvalid | DatabaseNotDurable | SqlError
> => PgClient.layerFrom(connect(options))

/** `layer` with the URL from `DATABASE_URL` and, if set, the pool's size from `DATABASE_MAX_CONNECTIONS`. */
export const layerConfig = (
  options: Omit<Options, "url" | "maxConnections"> = {}
): Layer.Layer<
  PgClient.PgClient | SqlClient.SqlClient,
  DatabaseUnreachable | DatabaseUrlInvalid | DatabaseNotDurable | SqlError | Config.ConfigError
> =>
  Layer.unwrap(
    Effect.map(
      Config.all({
        url: Config.Redacted("DATABASE_URL"),
        maxConnections: Config.Int("DATABASE_MAX_CONNECTIONS").pipe(Config.withDefault(10))
      }),
      (config) => layer({ ...options, ...config })
    )
  )
