import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { LinkTap } from "../../../src/services/link/LinkTap.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { arbiter, follower, keyOf, start } from "../../support/LinkNode.ts"
import { settle } from "../../support/VirtualTime.ts"

interface Seen {
  readonly peer: NodeKey | undefined
  readonly kind: string
  readonly bytes: number
}

/** A node, and what its tap has seen. */
const tapped = Effect.fnUntraced(function* (network: MemoryNetwork, seed: number) {
  const sent: Array<Seen> = []
  const received: Array<Seen> = []
  const note = (seen: Array<Seen>) => (peer: NodeKey | undefined, kind: number, bytes: number) =>
    void seen.push({ peer, kind: Frame.nameOf(kind), bytes })
  const node = yield* Effect.provideService(start({ network, seed }), LinkTap, {
    sent: note(sent),
    received: note(received)
  })
  return { node, sent, received }
})

const kinds = (seen: ReadonlyArray<Seen>) => seen.map(({ kind }) => kind)
const inOrder = (seen: ReadonlyArray<Seen>) => seen.map(({ bytes, kind }) => `${kind} ${bytes}`).toSorted()

describe("LinkTap", () => {
  it.effect("sees every frame at both ends, from HELLO to GOODBYE, with its peer, kind and size", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const low = yield* tapped(network, arbiter)
      const high = yield* tapped(network, follower)
      yield* low.node.want(high.node)
      yield* settle
      yield* low.node.sessions[0]!.send(Frame.Kind.Data, new Uint8Array(1_000))
      yield* high.node.sessions[0]!.send(Frame.Kind.Gossip, new Uint8Array(10))
      yield* settle
      yield* Effect.forkChild(low.node.stop())
      yield* settle
      assert.deepStrictEqual(kinds(low.sent), ["HELLO", "COMMIT", "PING", "PONG", "DATA", "GOODBYE"])
      assert.deepStrictEqual(kinds(high.sent), ["HELLO", "PING", "PONG", "GOSSIP"])
      assert.deepStrictEqual(inOrder(high.received), inOrder(low.sent))
      assert.deepStrictEqual(inOrder(low.received), inOrder(high.sent))
      assert.isTrue([...low.sent, ...low.received].every(({ peer }) => peer === keyOf(follower)))
      assert.isTrue([...high.sent, ...high.received].every(({ peer }) => peer === keyOf(arbiter)))
      assert.deepInclude(low.sent, { peer: keyOf(follower), kind: "DATA", bytes: Frame.headerSize + 1_000 })
    })
  )

  it.effect("counts what the connection counts", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const low = yield* tapped(network, arbiter)
      const high = yield* tapped(network, follower)
      yield* high.node.want(low.node)
      yield* settle
      const connection = low.node.registry.session(high.node.key)!.connection
      assert.deepStrictEqual([low.sent.length, low.received.length], [connection.framesOut, connection.framesIn])
    })
  )
})
