/**
 * An identity kept in a file, made at the first start and read ever after.
 *
 * The file appears whole or not at all (written beside it, synced, then linked into place), readable by its owner
 * alone. One that others can read, or that does not add up, is refused with the command that mends it, never
 * replaced: a new key would be a new node, and every promise of the old one would be lost.
 */
import { Effect, FileSystem, Layer, Option, type PlatformError, Result, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { Hex } from "effect/encoding"
import { NodeKey } from "../protocol/NodeKey.ts"
import * as NodeSecret from "../protocol/NodeSecret.ts"
import { fromSecret, Identity } from "../services/link/Identity.ts"

/** Others than the owner can read or change the file, so the secret may be known already. */
export class IdentityExposed extends Schema.TaggedError<IdentityExposed>()("IdentityExposed", {
  path: Schema.String,
  /** The permission bits found. */
  mode: Schema.Natural
}) {
  override get message(): string {
    const mode = this.mode.toString(8).padStart(3, "0")
    return (
      `others can read the node's secret in ${this.path} (mode ${mode}). Run: chmod 600 "${this.path}"` +
      " - and if somebody may have read it, start as a new node instead"
    )
  }
}

/** The file is not an identity, or is damaged. */
export class IdentityMalformed extends Schema.TaggedError<IdentityMalformed>()("IdentityMalformed", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return (
      `${this.path} holds no usable node identity: ${this.detail}. Restore it from a backup;` +
      " or move it away to start as a new node, which peers will not know"
    )
  }
}

/** The file can be neither read nor made. */
export class IdentityInaccessible extends Schema.TaggedError<IdentityInaccessible>()("IdentityInaccessible", {
  path: Schema.String,
  action: Schema.Literals(["read", "create"]),
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    const reason = this.cause instanceof Error ? this.cause.message : "unknown reason"
    const fix =
      this.action === "read"
        ? "Check who owns the file"
        : "Check that its folder exists and that this user may write there"
    return `cannot ${this.action} the node identity ${this.path}: ${reason}. ${fix}`
  }
}

export type IdentityFailed = IdentityExposed | IdentityMalformed | IdentityInaccessible

export interface Options {
  /** Default true. False only on file systems that know no owners, where every file looks open to all. */
  readonly checkPermissions?: boolean | undefined
}

/** Far above the size of any identity file, far below what could hurt. */
const maxSize = 4096

const Contents = Schema.fromJsonString(
  Schema.Struct({
    holdfast: Schema.Literal("identity"),
    version: Schema.Literal(1),
    key: NodeKey,
    seed: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))
  })
)
const decode = Schema.decodeUnknownOption(Contents)
const encode = Schema.encodeSync(Contents)

/** The identity in the file at `path`, which is created if there is none. */
export const layer = (
  path: string,
  options?: Options
): Layer.Layer<Identity, IdentityFailed, FileSystem.FileSystem | SecureRandom.SecureRandom> =>
  Layer.effect(
    Identity,
    Effect.gen(function* () {
      const found = yield* read(path, options)
      if (Option.isSome(found)) return fromSecret(found.value)
      yield* create(path)
      // Read back what is there now: another process may have been first, and then its key counts.
      const made = yield* read(path, options)
      if (Option.isSome(made)) return fromSecret(made.value)
      return yield* new IdentityInaccessible({ path, action: "create" })
    })
  )

const hasTag = (error: PlatformError.PlatformError, tag: PlatformError.SystemErrorTag): boolean =>
  error.reason._tag === tag

const read = Effect.fnUntraced(
  function* (path: string, options: Options | undefined) {
    const fs = yield* FileSystem.FileSystem
    // One handle for all, so that what was checked is what is read.
    const opened = yield* fs.open(path, { flag: "r" }).pipe(
      Effect.map(Option.some),
      Effect.catch((error) => (hasTag(error, "NotFound") ? Effect.succeed(Option.none()) : Effect.fail(error)))
    )
    if (Option.isNone(opened)) return Option.none<NodeSecret.NodeSecret>()
    const file = opened.value
    const info = yield* file.stat
    if (info.type !== "File") return yield* new IdentityMalformed({ path, detail: "it is not a regular file" })
    const mode = info.mode & 0o777
    if (options?.checkPermissions !== false && (mode & 0o077) !== 0) return yield* new IdentityExposed({ path, mode })
    const bytes = Option.getOrElse(yield* file.readAlloc(maxSize), () => new Uint8Array(0))
    // Nothing that the decoder says is passed on: it might quote the secret.
    const contents = decode(new TextDecoder().decode(bytes))
    if (Option.isNone(contents)) {
      return yield* new IdentityMalformed({ path, detail: "it is not a Holdfast identity of version 1" })
    }
    const secret = NodeSecret.fromSeed(Result.getOrThrow(Hex.decode(contents.value.seed)))
    if (secret.key !== contents.value.key) {
      return yield* new IdentityMalformed({ path, detail: "its key does not belong to its seed" })
    }
    return Option.some(secret)
  },
  Effect.scoped,
  (effect, path) =>
    Effect.catchTag(effect, "PlatformError", (cause) =>
      Effect.fail(new IdentityInaccessible({ path, action: "read", cause }))
    )
)

const create = Effect.fnUntraced(
  function* (path: string) {
    const fs = yield* FileSystem.FileSystem
    const random = yield* SecureRandom.SecureRandom
    const seed = yield* random.randomBytes(NodeSecret.seedSize)
    const { key } = NodeSecret.fromSeed(seed)
    const text = encode({ holdfast: "identity", version: 1, key, seed: Hex.encode(seed) })
    const beside = `${path}.${Hex.encode(yield* random.randomBytes(8))}.new`
    const written = Effect.scoped(
      Effect.gen(function* () {
        const file = yield* fs.open(beside, { flag: "wx", mode: 0o600 })
        yield* file.writeAll(new TextEncoder().encode(text + "\n"))
        yield* file.sync
      })
    )
    // A link never replaces what is there, unlike a rename, which is left for file systems without links.
    const published = fs
      .link(beside, path)
      .pipe(Effect.catch((error) => (hasTag(error, "AlreadyExists") ? Effect.void : fs.rename(beside, path))))
    yield* written.pipe(Effect.andThen(published), Effect.ensuring(Effect.ignore(fs.remove(beside, { force: true }))))
    yield* syncFolder(fs, path)
    yield* Effect.logInfo("Created a node identity").pipe(Effect.annotateLogs({ node: key, path }))
  },
  (effect, path) =>
    Effect.catchTag(effect, "PlatformError", (cause) =>
      Effect.fail(new IdentityInaccessible({ path, action: "create", cause }))
    )
)

/** Makes the new name survive a power cut, where folders can be synced; elsewhere the file system has to see to it. */
const syncFolder = (fs: FileSystem.FileSystem, path: string): Effect.Effect<void> =>
  fs.open(path.replace(/[^/\\]*$/, "") || ".", { flag: "r" }).pipe(
    Effect.flatMap((folder) => folder.sync),
    Effect.scoped,
    Effect.ignore
  )
