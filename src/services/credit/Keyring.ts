/**
 * The signing keys of users who leave that to their node: each follows from one secret of the node and the user's id, so that there is
 * one thing to keep, and nothing to write when somebody joins.
 *
 * Users who keep their keys themselves are not known here: they bring signatures instead. Secrets stay inside.
 */
import { Context, Layer, Redacted } from "effect"
import sodium from "sodium-native"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { UserKey } from "../../protocol/credit/Signature.ts"
import * as NodeSecret from "../../protocol/NodeSecret.ts"

/** Bytes of the secret that all keys grow from. */
export const seedSize = 32
/** Users whose keys are kept at hand; those of others are grown again. */
const mostKept = 1_024

const utf8 = new TextEncoder()

export class Keyring extends Context.Service<
  Keyring,
  {
    readonly keyOf: (user: Cuid) => UserKey
    /** The 64-byte Ed25519 signature of a message by a user. */
    readonly sign: (user: Cuid, message: Uint8Array) => Uint8Array
  }
>()("holdfast/services/credit/Keyring") {
  /** The keys of a secret of 32 bytes; one of another length is a defect. */
  static readonly layer = (seed: Redacted.Redacted<Uint8Array>): Layer.Layer<Keyring> =>
    Layer.sync(Keyring, () => make(seed))
}

const make = (seed: Redacted.Redacted<Uint8Array>): Keyring["Service"] => {
  const root = Redacted.value(seed)
  if (root.length !== seedSize) throw new RangeError(`a keyring grows from ${seedSize} bytes, not ${root.length}`)
  const kept = new Map<Cuid, NodeSecret.NodeSecret>()
  const secretOf = (user: Cuid): NodeSecret.NodeSecret => {
    const known = kept.get(user)
    if (known !== undefined) return known
    const grown = new Uint8Array(NodeSecret.seedSize)
    sodium.crypto_generichash(grown, utf8.encode(`holdfast-credit user ${user}`), root)
    const secret = NodeSecret.fromSeed(grown)
    if (kept.size === mostKept) kept.clear()
    kept.set(user, secret)
    return secret
  }
  return Keyring.of({
    keyOf: (user) => secretOf(user).key,
    sign: (user, message) => NodeSecret.sign(secretOf(user), message)
  })
}
