/**
 * An identity that lives as long as the process: for tests, simulations and nodes that need no lasting name.
 */
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import * as NodeSecret from "../protocol/NodeSecret.ts"
import { fromSecret, Identity } from "../services/link/Identity.ts"

/** A new identity each time the layer is built. */
export const layer: Layer.Layer<Identity, never, SecureRandom.SecureRandom> = Layer.effect(
  Identity,
  Effect.gen(function* () {
    const random = yield* SecureRandom.SecureRandom
    return fromSecret(NodeSecret.fromSeed(yield* random.randomBytes(NodeSecret.seedSize)))
  })
)

/** The identity of a 32-byte seed, always the same one. A seed of another length is a defect. */
export const layerFromSeed = (seed: Uint8Array): Layer.Layer<Identity> =>
  Layer.sync(Identity, () => fromSecret(NodeSecret.fromSeed(seed)))
