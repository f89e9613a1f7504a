/**
 * What becomes of an address that a node has announced: it is a place to try, no more.
 *
 * Whoever learns must not put it above an address that was configured or that a connection has proven.
 */
import { Context, Effect, Layer, PubSub, Stream } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { PeerBook } from "../link/PeerBook.ts"

/** Nodes that a reader may be behind. */
const keptUnread = 1_024

export class Discovery extends Context.Service<
  Discovery,
  {
    /** The node says, signed, that it can be dialled there. Called one at a time. */
    readonly learn: (key: NodeKey, endpoint: Endpoint) => Effect.Effect<void>
    /** The nodes that have been heard of from now on. A reader that falls behind misses the oldest. */
    readonly heardOf: Stream.Stream<NodeKey>
  }
>()("holdfast/services/gossip/Discovery") {
  /** Notes it in the peer book as what the peer itself would say in a HELLO. Dials nobody. */
  static readonly layer: Layer.Layer<Discovery, never, PeerBook> = Layer.effect(
    Discovery,
    Effect.gen(function* () {
      const book = yield* PeerBook
      const heard = yield* PubSub.sliding<NodeKey>(keptUnread)
      return Discovery.of({
        learn: (key, endpoint) =>
          Effect.catch(Effect.andThen(book.learn(key, endpoint, "advertised"), PubSub.publish(heard, key)), (error) =>
            Effect.logWarning("An announced address cannot be noted", error)
          ),
        heardOf: Stream.fromPubSub(heard)
      })
    })
  )
}
