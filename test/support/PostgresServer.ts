/**
 * A real PostgreSQL server for tests: started from the npm package of the platform, on loopback and a free port, with
 * `fsync` on, and gone with the process that started it. `DATABASE_URL` names another server to use instead.
 */
import { PgConnection } from "@effect/sql-pg"
import { Context, Effect, Layer, Redacted } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { freePort } from "./FreePort.ts"
import { giveTo, prepare } from "./PostgresBinaries.ts"
import type { Answer, Assignment, Request } from "./PostgresGuard.ts"

/** A running server. Those that `DATABASE_URL` names can neither be stopped nor restarted. */
export interface Server {
  /** Whether this run has started it, so that it goes away with all its databases. */
  readonly own: boolean
  /** Of its database `postgres`, or what `DATABASE_URL` says. */
  readonly url: string
  /** The server's process; `undefined` while it is stopped or when it is not ours. */
  readonly pid: () => number | undefined
  /** Makes a database and returns its URL. */
  readonly createDatabase: () => Promise<string>
  /** Ends sessions and stops; `immediate` leaves the recovery to the next start. */
  readonly halt: (mode?: "fast" | "immediate") => Promise<void>
  /** SIGKILL for the server and all its processes. */
  readonly kill: () => Promise<void>
  /** Starts again after `halt` or `kill`, on the same port. */
  readonly resume: () => Promise<void>
  /** `halt` and `resume`. */
  readonly restart: (mode?: "fast" | "immediate") => Promise<void>
  /** Stops for good and deletes the cluster. */
  readonly stop: () => Promise<void>
}

/** A server of one's own is a cluster nobody else uses, also if `DATABASE_URL` is set: tests that restart it need it. */
export interface Options {
  readonly own?: boolean
  /** Further settings, such as `{ synchronous_commit: "off" }`. */
  readonly settings?: Readonly<Record<string, string>>
}

const statement = (url: string, sql: string): Promise<void> =>
  PgConnection.make({ url: Redacted.make(url), connectTimeout: "2 minutes" }).pipe(
    Effect.flatMap((connection) => connection.query(sql)),
    Effect.scoped,
    Effect.asVoid,
    Effect.runPromise
  )

const withDatabase = (url: string, name: string): string => {
  const target = new URL(url)
  target.pathname = `/${name}`
  return target.toString()
}

/** Makes an empty database on a server and returns its URL. */
export const createDatabase = async (serverUrl: string): Promise<string> => {
  const name = `test_${randomBytes(8).toString("hex")}`
  await statement(serverUrl, `CREATE DATABASE ${name}`)
  return withDatabase(serverUrl, name)
}

/** Removes a database that `createDatabase` has made, whoever is still connected to it. */
export const dropDatabase = (serverUrl: string, url: string): Promise<void> =>
  statement(serverUrl, `DROP DATABASE IF EXISTS ${new URL(url).pathname.slice(1)} WITH (FORCE)`)

const settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  jit: "off"
}

const foreign = (url: string): Server => {
  const refuse = () => Promise.reject(new Error("DATABASE_URL names a server that the tests cannot stop"))
  return {
    own: false,
    url,
    pid: () => undefined,
    createDatabase: () => createDatabase(url),
    halt: refuse,
    kill: refuse,
    resume: refuse,
    restart: refuse,
    stop: () => Promise.resolve()
  }
}

const ask = async (guard: ChildProcess, request: Request): Promise<Answer> => {
  if (!guard.connected) throw new Error("the guard of the PostgreSQL server has ended")
  const aborter = new AbortController()
  const answered: Promise<ReadonlyArray<Answer>> = once(guard, "message", { signal: aborter.signal })
  const gone = once(guard, "exit", { signal: aborter.signal }).then(() => {
    throw new Error("the guard of the PostgreSQL server has ended")
  })
  guard.send(request)
  try {
    const [answer] = await Promise.race([answered, gone])
    return answer ?? {}
  } finally {
    aborter.abort()
    gone.catch(() => {})
    answered.catch(() => {})
  }
}

const launch = async (options: Options): Promise<Server> => {
  const binaries = await prepare()
  const folder = path.join(binaries.clusters, `${process.pid}-${randomBytes(4).toString("hex")}`)
  const data = path.join(folder, "data")
  await fs.mkdir(folder, { mode: 0o755 })
  await fs.cp(binaries.template, data, { recursive: true, mode: fs.constants.COPYFILE_FICLONE })
  await fs.chmod(data, 0o700)
  await giveTo(binaries.user, folder)
  const port = await freePort()
  const all: Record<string, string> = { ...settings, ...options.settings, port: String(port) }
  const assignment: Assignment = {
    program: path.join(binaries.bin, process.platform === "win32" ? "postgres.exe" : "postgres"),
    args: ["-D", data, ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    user: binaries.user,
    folder
  }
  const guard = fork(fileURLToPath(new URL("PostgresGuard.ts", import.meta.url)), [JSON.stringify(assignment)], {
    detached: true,
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"]
  })
  let pid: number | undefined
  const request = async (what: Request): Promise<void> => {
    const answer = await ask(guard, what)
    if (answer.error !== undefined) throw new Error(answer.error)
    pid = answer.pid
  }
  // If the guard is killed, nobody else would end the server.
  guard.on("exit", () => {
    try {
      if (pid !== undefined) process.kill(pid, "SIGQUIT")
    } catch {
      // It has ended as well.
    }
  })
  const stop = async (): Promise<void> => {
    if (guard.exitCode !== null || guard.signalCode !== null) return
    const over = once(guard, "exit")
    await request("stop fast")
    guard.disconnect()
    await over
  }
  const url = `postgres://postgres:${binaries.password}@127.0.0.1:${port}/postgres`
  const server: Server = {
    own: true,
    url,
    pid: () => pid,
    createDatabase: () => createDatabase(url),
    halt: (mode = "fast") => request(`stop ${mode}`),
    kill: () => request("kill"),
    resume: () => request("start"),
    restart: async (mode = "fast") => {
      await request(`stop ${mode}`)
      await request("start")
    },
    stop
  }
  try {
    await server.resume()
    return server
  } catch (cause) {
    await stop().catch(() => {})
    throw cause
  }
}

/** Another program may take the free port first, so a start is tried a few times. */
const attempts = 3

/** Starts a server, or hands out the one of `DATABASE_URL`. Rejects with `BinariesMissing` if there is none to start. */
export const start = async (options: Options = {}): Promise<Server> => {
  const given = process.env.DATABASE_URL
  if (given !== undefined && given !== "" && options.own !== true) return foreign(given)
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch(options)
    } catch (cause) {
      if (attempt === attempts || !(cause instanceof Error) || !cause.message.includes("Address already in use"))
        throw cause
    }
  }
}

/** The server of a test that stops, kills or restarts it. */
export class PostgresServer extends Context.Service<
  PostgresServer,
  {
    readonly url: Redacted.Redacted
    readonly createDatabase: Effect.Effect<Redacted.Redacted>
    readonly halt: (mode?: "fast" | "immediate") => Effect.Effect<void>
    readonly kill: Effect.Effect<void>
    readonly resume: Effect.Effect<void>
    readonly restart: (mode?: "fast" | "immediate") => Effect.Effect<void>
  }
>()("holdfast/test/PostgresServer") {
  /** A server of one's own, stopped and deleted with the scope. */
  static readonly layer = (options: Options = {}): Layer.Layer<PostgresServer> =>
    Layer.effect(
      PostgresServer,
      Effect.gen(function* () {
        const server = yield* Effect.acquireRelease(
          Effect.promise(() => start({ own: true, ...options })),
          (it) => Effect.promise(() => it.stop())
        )
        return PostgresServer.of({
          url: Redacted.make(server.url),
          createDatabase: Effect.promise(async () => Redacted.make(await server.createDatabase())),
          halt: (mode) => Effect.promise(() => server.halt(mode)),
          kill: Effect.promise(() => server.kill()),
          resume: Effect.promise(() => server.resume()),
          restart: (mode) => Effect.promise(() => server.restart(mode))
        })
      })
    )
}
