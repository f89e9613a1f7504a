/**
 * An identity kept in a file, made at the first start and read ever after (`SecretFile`).
 *
 * One that others can read, or that does not add up, is refused with the command that mends it, never replaced: a new key would be a new
 * node, and every promise of the old one would be lost.
 */
import { Effect, type FileSystem, Layer, Option, Result, Schema } from "effect"
import type { SecureRandom } from "effect/crypto"
import { Hex } from "effect/encoding"
import { NodeKey } from "../protocol/NodeKey.ts"
import * as NodeSecret from "../protocol/NodeSecret.ts"
import { fromSecret, Identity } from "../services/link/Identity.ts"
import * as SecretFile from "./SecretFile.ts"

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

export type Options = SecretFile.Options

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

const kind: SecretFile.Kind<NodeSecret.NodeSecret, IdentityFailed> = {
  read: (text) => {
    // Nothing that the decoder says is passed on: it might quote the secret.
    const contents = decode(text)
    if (Option.isNone(contents)) return Result.fail("it is not a Holdfast identity of version 1")
    const secret = NodeSecret.fromSeed(Result.getOrThrow(Hex.decode(contents.value.seed)))
    return secret.key === contents.value.key
      ? Result.succeed(secret)
      : Result.fail("its key does not belong to its seed")
  },
  fresh: (random) =>
    Effect.map(random.randomBytes(NodeSecret.seedSize), (seed) =>
      encode({ holdfast: "identity", version: 1, key: NodeSecret.fromSeed(seed).key, seed: Hex.encode(seed) })
    ),
  exposed: (path, mode) => new IdentityExposed({ path, mode }),
  malformed: (path, detail) => new IdentityMalformed({ path, detail }),
  inaccessible: (path, action, cause) => new IdentityInaccessible({ path, action, cause }),
  made: (path, { key }) => Effect.annotateLogs(Effect.logInfo("Created a node identity"), { node: key, path })
}

/** The identity in the file at `path`, which is created if there is none. */
export const layer = (
  path: string,
  options?: Options
): Layer.Layer<Identity, IdentityFailed, FileSystem.FileSystem | SecureRandom.SecureRandom> =>
  Layer.effect(Identity, Effect.map(SecretFile.keep(path, kind, options), fromSecret))
