/**
 * The secret that the keys of a node's users grow from, kept in a file (`SecretFile`), made at the first start and read ever after.
 *
 * Without it nobody can sign for those users again. So a database whose users sign with other keys than this file gives is refused.
 */
import { Effect, type FileSystem, Layer, Option, Redacted, Result, Schema } from "effect"
import type { SecureRandom } from "effect/crypto"
import { Hex } from "effect/encoding"
import type { SqlError } from "effect/sql/SqlError"
import * as Tables from "../services/credit/CreditTables.ts"
import { Keyring, seedSize } from "../services/credit/Keyring.ts"
import { maxPage } from "../services/RecordTable.ts"
import { Records } from "../services/Records.ts"
import * as SecretFile from "./SecretFile.ts"

/** The file cannot be used. */
export class KeyringUnusable extends Schema.TaggedError<KeyringUnusable>()("KeyringUnusable", {
  path: Schema.String,
  problem: Schema.String,
  fix: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    return `The secret of the users' keys in ${this.path} ${this.problem}. ${this.fix}`
  }
}

/** The users of the database do not sign with the keys of this file: their secret is another one, or lost. */
export class KeyringLost extends Schema.TaggedError<KeyringLost>()("KeyringLost", {
  path: Schema.String,
  user: Schema.String
}) {
  override get message(): string {
    return (
      `The secret in ${this.path} is not that of this node's users: ${this.user} signs with another key. ` +
      `Restore the file from a backup; nobody can sign for the users without it. To run the node without credit meanwhile: --no-credit.`
    )
  }
}

const Contents = Schema.fromJsonString(
  Schema.Struct({
    holdfast: Schema.Literal("keyring"),
    version: Schema.Literal(1),
    seed: Schema.String.check(Schema.isPattern(new RegExp(`^[0-9a-f]{${2 * seedSize}}$`)))
  })
)
const decode = Schema.decodeUnknownOption(Contents)
const encode = Schema.encodeSync(Contents)

const restore = "Restore it from a backup: nobody can sign for the users of this node without it"

const kind: SecretFile.Kind<Redacted.Redacted<Uint8Array>, KeyringUnusable> = {
  read: (text) => {
    // Nothing that the decoder says is passed on: it might quote the secret.
    const contents = decode(text)
    if (Option.isNone(contents)) return Result.fail("is no keyring of version 1")
    return Result.map(
      Result.orElse(Hex.decode(contents.value.seed), () => Result.fail("has a seed that is none")),
      Redacted.make
    )
  },
  fresh: (random) =>
    Effect.map(random.randomBytes(seedSize), (seed) =>
      encode({ holdfast: "keyring", version: 1, seed: Hex.encode(seed) })
    ),
  exposed: (path, mode) =>
    new KeyringUnusable({
      path,
      problem: `can be read by others (mode ${mode.toString(8).padStart(3, "0")})`,
      fix: `Run: chmod 600 "${path}"`
    }),
  malformed: (path, detail) => new KeyringUnusable({ path, problem: detail, fix: restore }),
  inaccessible: (path, action, cause) =>
    new KeyringUnusable({
      path,
      problem: `cannot be ${action === "read" ? "read" : "made"}: ${cause instanceof Error ? cause.message : "unknown reason"}`,
      fix: "Check that its folder exists and that this user owns what is in it",
      cause
    }),
  made: (path) => Effect.annotateLogs(Effect.logInfo("Created the secret of the users' keys: keep a backup"), { path })
}

/** The keyring of the file at `path`, which is created if there is none. */
export const layer = (
  path: string,
  options?: SecretFile.Options
): Layer.Layer<Keyring, KeyringUnusable, FileSystem.FileSystem | SecureRandom.SecureRandom> =>
  Layer.unwrap(Effect.map(SecretFile.keep(path, kind, options), Keyring.layer))

/** Fails where the users of the database do not sign with the keys of this keyring, which are all of one secret: one user says it. */
export const check = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<void, KeyringLost | SqlError, Keyring | Records> {
  const { keyOf } = yield* Keyring
  const users = yield* (yield* Records).page(Tables.users, "key", { prefix: [], limit: maxPage })
  const known = users.find(({ isKept }) => isKept)?.certificate
  if (known === undefined || keyOf(known.chad.cuid) === known.public) return
  return yield* new KeyringLost({ path, user: known.chad.cuid })
})
