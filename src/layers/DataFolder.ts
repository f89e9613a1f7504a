/**
 * The folder that belongs to one node: its identity, its embedded database, its API token. One process at a time has
 * it.
 *
 * The lock is kept by the operating system on an open file (through SQLite, which knows how on every system). It ends
 * with its process, however that ends, so nothing is ever stale: a killed owner does not block the next start, process
 * ids that are used again cannot deceive it, and of two that start at once exactly one gets it, also from within two
 * containers. The file `pid` beside it only serves the message of the one that does not.
 */
import { Context, Effect, FileSystem, Layer, Option, Path, type PlatformError, Redacted, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { Base64Url, Hex } from "effect/encoding"
import type { DatabaseSync } from "node:sqlite"

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : "unknown reason")

/** Another process runs a node in this folder. */
export class DataFolderLocked extends Schema.TaggedError<DataFolderLocked>()("DataFolderLocked", {
  path: Schema.String,
  /** The other process, if it has got as far as saying so. */
  pid: Schema.optionalKey(Schema.Int)
}) {
  override get message(): string {
    const who = this.pid === undefined ? "another node" : `another node (process ${this.pid})`
    return (
      `The data folder ${this.path} is in use by ${who}. ` +
      `Stop it, or start this one with a folder of its own: --data <folder>.`
    )
  }
}

/** The folder cannot be made, or not be written to. */
export class DataFolderNotWritable extends Schema.TaggedError<DataFolderNotWritable>()("DataFolderNotWritable", {
  path: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    return (
      `The data folder ${this.path} cannot be written to: ${reasonOf(this.cause)}. ` +
      `Let this user write there, or name another folder: --data <folder>.`
    )
  }
}

/** A token's file can neither be used nor be made. */
export class TokenUnusable extends Schema.TaggedError<TokenUnusable>()("TokenUnusable", {
  path: Schema.String,
  problem: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    const reason = this.cause === undefined ? "" : `: ${reasonOf(this.cause)}`
    return `The token in ${this.path} ${this.problem}${reason}. Remove the file to have a new one made.`
  }
}

export class DataFolder extends Context.Service<
  DataFolder,
  {
    /** Absolute. */
    readonly path: string
    /** A name inside the folder, absolute. */
    readonly file: (name: string) => string
    /**
     * The secret in the file of that name, 32 random bytes in base64url, which is made on first use.
     *
     * Only the owner may read the file; one that others can read is refused, because it may be known.
     */
    readonly token: (name: string) => Effect.Effect<Redacted.Redacted, TokenUnusable>
  }
>()("holdfast/layers/DataFolder") {}

const lockFile = "lock"
const pidFile = "pid"

/** SQLite's code for a lock that another connection holds. */
const busy = 5
const isBusy = (cause: unknown): boolean => cause instanceof Error && "errcode" in cause && cause.errcode === busy

/** Loads SQLite without the warning that it is young, which some versions of Node print and no operator can act on. */
const loadSqlite = async (): Promise<typeof import("node:sqlite")> => {
  const { emitWarning } = process
  process.emitWarning = () => undefined
  try {
    return await import("node:sqlite")
  } finally {
    process.emitWarning = emitWarning
  }
}

/**
 * The lock of one who is about to write, which the system gives to one at a time, in one step. To take SQLite's exclusive
 * lock is several steps: of two that start at once each can find the other one half-way, and neither gets it.
 */
const take = (sqlite: typeof import("node:sqlite"), file: string): DatabaseSync => {
  const held = new sqlite.DatabaseSync(file)
  try {
    held.exec("BEGIN IMMEDIATE")
    return held
  } catch (cause) {
    held.close()
    throw cause
  }
}

/** Holds the lock of a folder until the scope closes. The folder exists and is absolute. */
const lock = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const sqlite = yield* Effect.promise(loadSqlite)
  /** Who has it, if they have got as far as saying so. */
  const holder = Effect.gen(function* () {
    const text = yield* Effect.orElseSucceed(fs.readFileString(path.join(folder, pidFile)), () => "")
    return yield* new DataFolderLocked({ path: folder, ...(/^\d+\n$/.test(text) ? { pid: Number(text) } : {}) })
  })
  const attempt = Effect.try({
    try: () => take(sqlite, path.join(folder, lockFile)),
    catch: (cause) =>
      isBusy(cause) ? new DataFolderLocked({ path: folder }) : new DataFolderNotWritable({ path: folder, cause })
  }).pipe(Effect.catchTag("DataFolderLocked", () => holder))
  yield* Effect.acquireRelease(attempt, (held) => Effect.sync(() => held.close()))
  yield* Effect.acquireRelease(fs.writeFileString(path.join(folder, pidFile), `${process.pid}\n`), () =>
    Effect.ignore(fs.remove(path.join(folder, pidFile), { force: true }))
  )
})

/**
 * Makes a folder and what is missing above it. Not by the platform's recursive way, which never comes back from file
 * systems that refuse new folders as "not found".
 */
const makeFolder = (
  folder: string
): Effect.Effect<void, PlatformError.PlatformError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const parent = (yield* Path.Path).dirname(folder)
    const make = fs
      .makeDirectory(folder, { mode: 0o700 })
      .pipe(
        Effect.catch((error) =>
          error.reason._tag === "AlreadyExists"
            ? Effect.flatMap(fs.stat(folder), (it) => (it.type === "Directory" ? Effect.void : Effect.fail(error)))
            : Effect.fail(error)
        )
      )
    yield* Effect.catch(make, (error) =>
      error.reason._tag === "NotFound" && parent !== folder
        ? Effect.andThen(makeFolder(parent), make)
        : Effect.fail(error)
    )
  })

const tokenBytes = 32
const tokenPattern = /^[A-Za-z0-9_-]{43}$/

const makeToken = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const random = yield* SecureRandom.SecureRandom
  const text = Base64Url.encode(yield* random.randomBytes(tokenBytes))
  // Written beside it and renamed, so that the file never exists without its content.
  const beside = `${file}.${Hex.encode(yield* random.randomBytes(8))}.new`
  const write = Effect.scoped(
    Effect.gen(function* () {
      const handle = yield* fs.open(beside, { flag: "wx", mode: 0o600 })
      yield* handle.writeAll(new TextEncoder().encode(`${text}\n`))
      yield* handle.sync
    })
  )
  yield* write.pipe(
    Effect.andThen(fs.rename(beside, file)),
    Effect.onError(() => Effect.ignore(fs.remove(beside, { force: true })))
  )
  return text
})

const readToken = Effect.fnUntraced(
  function* (file: string) {
    const fs = yield* FileSystem.FileSystem
    const info = yield* fs.stat(file)
    if ((info.mode & 0o077) !== 0) return yield* new TokenUnusable({ path: file, problem: "can be read by others" })
    const text = (yield* fs.readFileString(file)).trimEnd()
    if (!tokenPattern.test(text)) {
      return yield* new TokenUnusable({ path: file, problem: "is not one of Holdfast's, or damaged" })
    }
    return Option.some(text)
  },
  Effect.catchTag("PlatformError", (error) =>
    error.reason._tag === "NotFound" ? Effect.succeed(Option.none<string>()) : Effect.fail(error)
  )
)

/** Makes the folder, for its owner alone, if there is none, and has it until the scope closes. */
export const layer = (
  folder: string
): Layer.Layer<
  DataFolder,
  DataFolderLocked | DataFolderNotWritable,
  FileSystem.FileSystem | Path.Path | SecureRandom.SecureRandom
> =>
  Layer.effect(
    DataFolder,
    Effect.gen(function* () {
      const path = yield* Path.Path
      const fs = yield* FileSystem.FileSystem
      const context = yield* Effect.context<FileSystem.FileSystem | SecureRandom.SecureRandom>()
      const absolute = path.resolve(folder)
      yield* makeFolder(absolute).pipe(
        Effect.andThen(fs.access(absolute, { writable: true })),
        Effect.andThen(lock(absolute)),
        Effect.catchTag("PlatformError", (cause) => Effect.fail(new DataFolderNotWritable({ path: absolute, cause })))
      )
      const file = (name: string): string => path.join(absolute, name)
      const token = Effect.fn("DataFolder.token")(function* (name: string) {
        const at = file(name)
        return yield* readToken(at).pipe(
          Effect.flatMap((found) => (Option.isSome(found) ? Effect.succeed(found.value) : makeToken(at))),
          Effect.map((text) => Redacted.make(text)),
          Effect.catchTag("PlatformError", (cause) =>
            Effect.fail(new TokenUnusable({ path: at, problem: "cannot be read or made", cause }))
          ),
          Effect.provideContext(context)
        )
      })
      return DataFolder.of({ path: absolute, file, token })
    })
  )
