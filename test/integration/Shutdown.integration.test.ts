/**
 * A node that stops does so within its bound whatever its peers do, tells them, and leaves nothing open.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import * as DeliveryFrame from "../../src/protocol/delivery/DeliveryFrame.ts"
import { Kind } from "../../src/protocol/link/Frame.ts"
import * as HostilePeer from "../support/HostilePeer.ts"
import { arbiter, follower, keyOf } from "../support/LinkNode.ts"
import * as MemoryNode from "../support/MemoryNode.ts"
import * as RawPeer from "../support/RawPeer.ts"
import { milliseconds } from "../support/Stopwatch.ts"

const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n)
/** What a node promises, in milliseconds. */
const bound = 5_000

describe("a node that stops", () => {
  it.live("says GOODBYE, closes its port, and is gone within its bound", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const node = yield* MemoryNode.startIn(scope, { seed: seed(1) })
      const friend = yield* MemoryNode.start({ seed: seed(2) })
      yield* friend.node.connect(node.address)
      yield* friend.say(node.key, "hello")
      yield* node.hears("hello")
      const took = yield* milliseconds(Scope.close(scope, Exit.void))
      assert.isBelow(took, bound)
      const line = yield* friend.logs(({ message }) => message === "Connection closed")
      assert.deepStrictEqual(
        [line.data["reason"], line.data["detail"], line.data["peer"]],
        ["goodbye", "shutdown: this node stops", node.key.slice(0, 8)]
      )
      const failed = yield* Effect.flip(Effect.scoped(friend.transport.dial(node.address.endpoint)))
      assert.strictEqual(failed.reason, "refused")
    })
  )

  it.live("does not wait for peers that never read, never close, or never say a word", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const node = yield* MemoryNode.startIn(scope, {
        seed: seed(arbiter),
        delivery: { window: { messages: 100, bytes: 64 * 1024 * 1024 } }
      })
      const text = "x".repeat(1_000_000)
      const reader = yield* HostilePeer.dial(node.transport, node.address.endpoint, { seed: seed(follower) })
      yield* Effect.forEach(Array.from({ length: 16 }), () => node.say(keyOf(follower), text), {
        concurrency: 8
      })
      yield* reader.hello()
      yield* reader.take(Kind.Commit)
      yield* reader.send(Kind.Resume, DeliveryFrame.resume.encode(HostilePeer.resuming))
      const greeted = yield* HostilePeer.dial(node.transport, node.address.endpoint, { seed: seed(3) })
      const mute = yield* Effect.forEach([1, 2, 3], () => RawPeer.dial(node.address.endpoint))
      const closed = yield* Effect.forkChild(
        Effect.forEach(mute, (peer) => peer.reply, { concurrency: "unbounded", discard: true })
      )
      const took = yield* milliseconds(Scope.close(scope, Exit.void))
      assert.isBelow(took, bound)
      yield* Fiber.join(closed)
      const { word } = yield* greeted.farewell
      assert.strictEqual(word?._tag === "Reject" ? word.reject.reason : word, "shutdown")
      const other = yield* MemoryNode.start()
      const failed = yield* Effect.flip(Effect.scoped(other.transport.dial(node.address.endpoint)))
      assert.strictEqual(failed.reason, "refused")
    })
  )
})
