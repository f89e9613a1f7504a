/**
 * Chains that real processes bring to each other over TCP, into real databases.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { parseEndpoint } from "../../src/protocol/Address.ts"
import * as FaultProxy from "../../src/testing/proxy/FaultProxy.ts"
import { type ChainNode, type ChainNodes, type Driver, make, open } from "../support/chain/ChainNodes.ts"
import { server } from "../support/FreshDatabase.ts"
import { createDatabase } from "../support/PostgresServer.ts"
import { long } from "../support/ProxiedPair.ts"

const nodesOf = make(async () => createDatabase((await server()).url))
const together = <A>(...promises: ReadonlyArray<Promise<A>>) => Effect.promise(() => Promise.all(promises))

/** A node that runs and has a chain of this height, and its tip. */
const source = async (nodes: ChainNodes, height: number) => {
  const node = await nodes.node("postgres")
  const tip = await node.end.call("fill", { place: node.place, settings: open, to: height })
  await node.open(open)
  return { node, tip }
}

const empty = async (nodes: ChainNodes, driver: Driver = "postgres"): Promise<ChainNode> => {
  const node = await nodes.node(driver)
  await node.open(open)
  return node
}

/** Has all of the chain that the other one has, and nothing is wrong with it. */
const sameAs = async (node: ChainNode, other: ChainNode, height: number): Promise<void> => {
  assert.strictEqual(await node.end.call("digest", height), await other.end.call("digest", height))
  assert.strictEqual(await node.end.call("verify", undefined), height)
}

/** A way from one to the other through a proxy, and the text to dial there. */
const proxied = Effect.fnUntraced(function* (target: ChainNode) {
  const { host, port } = target.address
  const endpoint = Result.getOrThrow(parseEndpoint(`${host}:${port}`))
  const proxy = yield* FaultProxy.make({ routes: [{ from: "a", to: "b", target: endpoint }] })
  return { proxy, address: target.through(proxy.endpoint("a", "b")!.port) }
})

describe("a node with an empty chain", () => {
  for (const [height, driver] of [
    [100, "pglite"],
    [2_480, "postgres"],
    [10_000, "postgres"]
  ] as const) {
    it.live(`brings ${height} blocks here from one peer, into ${driver}`, () =>
      Effect.gen(function* () {
        const nodes = yield* nodesOf
        const [{ node, tip }, other] = yield* Effect.promise(() =>
          Promise.all([source(nodes, height), empty(nodes, driver)])
        )
        yield* together(other.connect(node))
        yield* together(other.end.call("agreed", tip))
        yield* together(sameAs(other, node, height))
      }).pipe(Effect.scoped)
    )
  }

  it.live("brings 2,480 blocks here from eight peers, who have them from one", () =>
    Effect.gen(function* () {
      const nodes = yield* nodesOf
      const { node, tip } = yield* Effect.promise(() => source(nodes, 2_480))
      const peers = yield* together(...Array.from({ length: 8 }, () => empty(nodes)))
      yield* together(...peers.map((peer) => peer.connect(node)))
      yield* together(...peers.map((peer) => peer.end.call("agreed", tip)))
      const last = yield* Effect.promise(() => empty(nodes))
      yield* together(...peers.map((peer) => last.connect(peer)))
      yield* together(last.end.call("agreed", tip))
      yield* together(sameAs(last, node, 2_480))
      const { ended } = yield* Effect.promise(() => last.end.call("seen", undefined))
      assert.isEmpty(ended)
    }).pipe(Effect.scoped)
  )

  it.live("has all blocks of its only peer in one session, though that has no more than 200 kB a second", () =>
    Effect.gen(function* () {
      const nodes = yield* nodesOf
      const [{ node, tip }, other] = yield* Effect.promise(() => Promise.all([source(nodes, 2_480), empty(nodes)]))
      const { address, proxy } = yield* proxied(node)
      yield* proxy.strike({ _tag: "Bandwidth", from: "a", to: "b", bitsPerSecond: 1_600_000, for: long })
      yield* together(other.end.call("connect", address))
      yield* together(other.end.call("agreed", tip))
      yield* together(sameAs(other, node, 2_480))
      const { ended, sessions } = yield* Effect.promise(() => other.end.call("seen", undefined))
      assert.deepStrictEqual([sessions, ended], [1, []])
    }).pipe(Effect.scoped)
  )
})

describe("two nodes whose chains begin with another block", () => {
  it.live("do not connect, say why, and do not dial again soon", () =>
    Effect.gen(function* () {
      const nodes = yield* nodesOf
      const [{ node }, other] = yield* Effect.promise(() => Promise.all([source(nodes, 5), nodes.node("postgres")]))
      const { address, proxy } = yield* proxied(node)
      yield* Effect.promise(() => other.open({ ...open, time: open.time + 1 }))
      yield* together(other.end.call("connect", address))
      const given = yield* Effect.promise(() => other.end.call("given", address))
      const { sessions, tip } = yield* Effect.promise(() => other.end.call("seen", undefined))
      assert.deepStrictEqual([sessions, tip.height], [0, 0])
      assert.include(given.detail, "genesis")
      // Ten minutes, less what is drawn and what has passed.
      assert.isAtLeast(given.waits, 200_000)
      assert.strictEqual(proxy.traffic().forwarded, 1)
    }).pipe(Effect.scoped)
  )
})
