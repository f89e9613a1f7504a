/**
 * A secret kept in a file, made once and read ever after.
 *
 * The file appears whole or not at all (written beside it, synced, then linked into place), readable by its owner alone. One that others
 * can read, or that does not add up, is refused and never replaced.
 */
import { Effect, FileSystem, Option, type PlatformError, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import { Hex } from "effect/encoding"

export interface Options {
  /** Default true. False only on file systems that know no owners, where every file looks open to all. */
  readonly checkPermissions?: boolean | undefined
}

/** What a file holds, and how what is wrong with it is said. */
export interface Kind<A, E> {
  /** The secret of a file's text, or what is wrong with that, in words that do not quote it. */
  readonly read: (text: string) => Result.Result<A, string>
  /** The text of a new file, of random bytes. */
  readonly fresh: (random: SecureRandom.SecureRandom["Service"]) => Effect.Effect<string>
  readonly exposed: (path: string, mode: number) => E
  readonly malformed: (path: string, detail: string) => E
  readonly inaccessible: (path: string, action: "read" | "create", cause?: unknown) => E
  /** Runs once a file was made. */
  readonly made: (path: string, secret: A) => Effect.Effect<void>
}

/** Far above the size of any such file, far below what could hurt. */
const maxSize = 4_096

/** The secret in the file at `path`, which is created if there is none. */
export const keep = Effect.fnUntraced(function* <A, E>(
  path: string,
  kind: Kind<A, E>,
  options?: Options
): Effect.fn.Return<A, E, FileSystem.FileSystem | SecureRandom.SecureRandom> {
  const found = yield* read(path, kind, options)
  if (Option.isSome(found)) return found.value
  yield* create(path, kind)
  // Read back what is there now: another process may have been first, and then its secret counts.
  const made = yield* read(path, kind, options)
  if (Option.isNone(made)) return yield* Effect.fail(kind.inaccessible(path, "create"))
  yield* kind.made(path, made.value)
  return made.value
})

const hasTag = (error: PlatformError.PlatformError, tag: PlatformError.SystemErrorTag): boolean =>
  error.reason._tag === tag

const opening = Effect.fnUntraced(function* (path: string, fs: FileSystem.FileSystem) {
  // One handle for all, so that what was checked is what is read.
  const opened = yield* fs.open(path, { flag: "r" }).pipe(
    Effect.map(Option.some),
    Effect.catch((error) => (hasTag(error, "NotFound") ? Effect.succeed(Option.none()) : Effect.fail(error)))
  )
  if (Option.isNone(opened)) return undefined
  const { mode, type } = yield* opened.value.stat
  if (type !== "File") return { mode: 0, text: undefined }
  const bytes = Option.getOrElse(yield* opened.value.readAlloc(maxSize), () => new Uint8Array(0))
  return { mode: mode & 0o777, text: new TextDecoder().decode(bytes) }
}, Effect.scoped)

const read = Effect.fnUntraced(function* <A, E>(
  path: string,
  kind: Kind<A, E>,
  options: Options | undefined
): Effect.fn.Return<Option.Option<A>, E, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const found = yield* Effect.mapError(opening(path, fs), (cause) => kind.inaccessible(path, "read", cause))
  if (found === undefined) return Option.none()
  const { mode, text } = found
  if (text === undefined) return yield* Effect.fail(kind.malformed(path, "it is not a regular file"))
  if (options?.checkPermissions !== false && (mode & 0o077) !== 0) return yield* Effect.fail(kind.exposed(path, mode))
  const secret = kind.read(text)
  return Result.isFailure(secret)
    ? yield* Effect.fail(kind.malformed(path, secret.failure))
    : Option.some(secret.success)
})

const writing = Effect.fnUntraced(function* (path: string, text: string, beside: string, fs: FileSystem.FileSystem) {
  const written = Effect.scoped(
    Effect.gen(function* () {
      const file = yield* fs.open(beside, { flag: "wx", mode: 0o600 })
      yield* file.writeAll(new TextEncoder().encode(`${text}\n`))
      yield* file.sync
    })
  )
  // A link never replaces what is there, unlike a rename, which is left for file systems without links.
  const published = fs
    .link(beside, path)
    .pipe(Effect.catch((error) => (hasTag(error, "AlreadyExists") ? Effect.void : fs.rename(beside, path))))
  yield* written.pipe(Effect.andThen(published), Effect.ensuring(Effect.ignore(fs.remove(beside, { force: true }))))
  yield* syncFolder(fs, path)
})

const create = Effect.fnUntraced(function* <A, E>(
  path: string,
  kind: Kind<A, E>
): Effect.fn.Return<void, E, FileSystem.FileSystem | SecureRandom.SecureRandom> {
  const fs = yield* FileSystem.FileSystem
  const random = yield* SecureRandom.SecureRandom
  const beside = `${path}.${Hex.encode(yield* random.randomBytes(8))}.new`
  const text = yield* kind.fresh(random)
  yield* Effect.mapError(writing(path, text, beside, fs), (cause) => kind.inaccessible(path, "create", cause))
})

/** Makes the new name survive a power cut, where folders can be synced; elsewhere the file system has to see to it. */
const syncFolder = (fs: FileSystem.FileSystem, path: string): Effect.Effect<void> =>
  fs.open(path.replace(/[^/\\]*$/, "") || ".", { flag: "r" }).pipe(
    Effect.flatMap((folder) => folder.sync),
    Effect.scoped,
    Effect.ignore
  )
