/**
 * What becomes of an address that a node has announced: it is a place to try, no more.
 *
 * Whoever learns must not put it above an address that was configured or that a connection has proven.
 */
import { Context, Effect, Layer } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { PeerBook } from "../link/PeerBook.ts"

export class Discovery extends Context.Service<
  Discovery,
  {
    /** The node says, signed, that it can be dialled there. Called one at a time. */
    readonly learn: (key: NodeKey, endpoint: Endpoint) => Effect.Effect<void>
  }
>()("holdfast/services/gossip/Discovery") {
  /** Notes it in the peer book as what the peer itself would say in a HELLO. Dials nobody. */
  static readonly layer: Layer.Layer<Discovery, never, PeerBook> = Layer.effect(
    Discovery,
    Effect.map(PeerBook, (book) =>
      Discovery.of({
        learn: (key, endpoint) =>
          Effect.catch(book.learn(key, endpoint, "advertised"), (error) =>
            Effect.logWarning("An announced address cannot be noted", error)
          )
      })
    )
  )
}
