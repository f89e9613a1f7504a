/**
 * Who has something new to send to whom: connects a commit with the pump of the link, in one process, in memory. A
 * process that sends and runs no node has `WakesSql` in its place, whose wake-ups `WakeListening` hears.
 *
 * A wake-up is a hint. Nothing depends on it but latency: pumps look again by themselves.
 */
import { Context, Effect, Layer, PubSub, type Scope, Stream } from "effect"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Buggify } from "../Buggify.ts"
import { Look } from "./Look.ts"

export class Wakes extends Context.Service<
  Wakes,
  {
    /** Something for this peer was committed, or became due. */
    readonly wake: (peer: NodeKey) => Effect.Effect<void>
    /** Something for anybody may have been: every pump looks, and so does whoever follows `everybody`. */
    readonly wakeAll: Effect.Effect<void>
    /** What every `wake` of this peer wakes, while the scope lives. One pump a peer. */
    readonly attach: (peer: NodeKey) => Effect.Effect<Look, never, Scope.Scope>
    /** Peers that were woken while no pump was attached. */
    readonly unattended: Stream.Stream<NodeKey>
    /** Each `wakeAll`; several at once may be one. */
    readonly everybody: Stream.Stream<void>
  }
>()("holdfast/services/delivery/Wakes") {
  static readonly layer: Layer.Layer<Wakes> = Layer.effect(
    Wakes,
    Effect.gen(function* () {
      const buggify = yield* Buggify
      const looks = new Map<NodeKey, Look>()
      // Sliding: a hint that is lost here is found by the sweep over what is owed.
      const unattended = yield* PubSub.sliding<NodeKey>(1_024)
      const everybody = yield* PubSub.sliding<void>(1)
      return Wakes.of({
        wake: (peer) =>
          Effect.suspend(() => {
            if (buggify.fires("delivery.wake-up-lost")) return Effect.void
            const look = looks.get(peer)
            if (look === undefined) return Effect.asVoid(PubSub.publish(unattended, peer))
            look.wake()
            return Effect.void
          }),
        wakeAll: Effect.suspend(() => {
          for (const look of looks.values()) look.wake()
          return Effect.asVoid(PubSub.publish(everybody, undefined))
        }),
        attach: (peer) =>
          Effect.acquireRelease(
            Effect.sync(() => {
              const look = new Look()
              looks.set(peer, look)
              return look
            }),
            (look) => Effect.sync(() => (looks.get(peer) === look ? looks.delete(peer) : false))
          ),
        unattended: Stream.fromPubSub(unattended),
        everybody: Stream.fromPubSub(everybody)
      })
    })
  )
}
