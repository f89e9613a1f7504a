/**
 * The works of the chain benchmark: every node a process of its own, over loopback, into a database as users have one. A figure is
 * taken only if the ids of all blocks are the same on both sides.
 */
import { Effect, Result } from "effect"
import { parseEndpoint } from "../../src/protocol/Address.ts"
import type { ChainSettings } from "../../src/protocol/chain/Genesis.ts"
import * as FaultProxy from "../../src/testing/proxy/FaultProxy.ts"
import { plain } from "../../src/testing/proxy/Lane.ts"
import { type ChainNode, type ChainNodes, type Driver, open } from "../../test/support/chain/ChainNodes.ts"
import { planOf } from "../../test/support/ProxiedPair.ts"
import type { Figure } from "../Measurement.ts"
import * as Works from "./Works.ts"

/** A node that has the chain. */
export interface Source {
  readonly node: ChainNode
  readonly settings: ChainSettings
  readonly tip: string
  readonly height: number
}

/** A node that runs and has so many blocks. */
export const source = async (nodes: ChainNodes, height: number, signed: boolean): Promise<Source> => {
  const node = await nodes.node("postgres")
  const producers = signed ? { producers: [await node.end.call("key", node.place.data)] } : {}
  const settings = { ...open, ...producers }
  const tip = await node.end.call("fill", { place: node.place, settings, to: height })
  await node.open(settings)
  return { node, settings, tip, height }
}

const empty = async (nodes: ChainNodes, driver: Driver, settings: ChainSettings): Promise<ChainNode> => {
  const node = await nodes.node(driver)
  node.isLasting = true
  await node.open(settings)
  return node
}

/** The same process as another node that has nothing, with a database of its own. */
const anew = async (nodes: ChainNodes, driver: Driver, node: ChainNode, settings: ChainSettings): Promise<void> => {
  const { place } = await nodes.node(driver)
  await node.end.call("close", undefined)
  await node.end.call("open", { place, settings })
}

/** Milliseconds from the first dial until it has all, which is looked at. */
const lasts = async (node: ChainNode, addresses: ReadonlyArray<string>, from: Source): Promise<number> => {
  const dialled = await Promise.all(addresses.map((address) => node.end.call("connect", address)))
  const done = await node.end.call("agreed", from.tip)
  const [here, there] = await Promise.all([node, from.node].map(({ end }) => end.call("digest", from.height)))
  if (here !== there) throw new Error(`not the same blocks: ${here}, and ${there}`)
  return (done - Math.min(...dialled)) / 1e6
}

const millis = (work: string, metric: string, value: number): Figure => ({
  work,
  metric,
  unit: "ms",
  better: "less",
  value
})

export const sync = async (
  nodes: ChainNodes,
  driver: Driver,
  from: Source,
  { height, name }: Works.Sync
): Promise<ReadonlyArray<Figure>> => {
  const node = await empty(nodes, driver, from.settings)
  const before = await Promise.all([node, from.node].map(({ end }) => end.cpu()))
  const took = await lasts(node, [String(from.node.address)], from)
  const after = await Promise.all([node, from.node].map(({ end }) => end.cpu()))
  await anew(nodes, driver, node, from.settings)
  const again = await lasts(node, [String(from.node.address)], from)
  await node.stop()
  const cpu = after.reduce((sum, one) => sum + one, 0) - before.reduce((sum, one) => sum + one, 0)
  return [
    millis(name, Works.time, took),
    { work: name, metric: Works.rate, unit: "1/s", better: "more", value: (height / took) * 1_000 },
    millis(name, Works.again, again),
    { work: name, metric: "CPU of both nodes", unit: "us a block", better: "less", value: cpu / height }
  ]
}

/** Names of peers, as routes need them. */
const names = ["b", "c", "d", "e"]

/** A line of 50 ms to each of these peers, 25 each way. */
const lines = Effect.fnUntraced(function* (peers: ReadonlyArray<ChainNode>) {
  const routes = peers.map(({ address: { host, port } }, at) => ({
    from: "a",
    to: names[at] ?? "",
    target: Result.getOrThrow(parseEndpoint(`${host}:${port}`))
  }))
  const network = { ...plain, latency: { ...plain.latency, floor: 25 } }
  const proxy = yield* FaultProxy.make({ routes, plan: planOf([], { network, nodes: 5 }) })
  return peers.map((peer, at) => peer.through(proxy.endpoint("a", names[at] ?? "")?.port ?? 0))
})

/** From so many peers who have it; the same peers for both counts. */
export const far = (nodes: ChainNodes, from: Source, peers: ReadonlyArray<ChainNode>): Promise<number> =>
  Effect.gen(function* () {
    const addresses = yield* lines(peers)
    const node = yield* Effect.promise(() => empty(nodes, "postgres", from.settings))
    return yield* Effect.promise(async () => {
      const took = await lasts(node, addresses, from)
      await node.stop()
      return took
    })
  }).pipe(Effect.scoped, Effect.runPromise)

export const farFigures = (one: number, four: number): ReadonlyArray<Figure> => [
  millis(Works.onePeer, Works.time, one),
  millis(Works.fourPeers, Works.time, four),
  { work: Works.fourPeers, metric: Works.speedup, unit: "times", better: "more", value: one / four }
]

/** Peers with all of this chain. */
export const peersOf = (nodes: ChainNodes, from: Source, count: number): Promise<ReadonlyArray<ChainNode>> =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const peer = await empty(nodes, "postgres", from.settings)
      await lasts(peer, [String(from.node.address)], from)
      return peer
    })
  )

/**
 * One of two peers is stopped with SIGSTOP in the middle of the sync: the longest time between two tips is how long it stood. Both
 * owe chunks all the time, so that the next block is soon one of its.
 */
export const freeze = async (nodes: ChainNodes, from: Source, peer: ChainNode): Promise<ReadonlyArray<Figure>> => {
  const node = await empty(nodes, "postgres", from.settings)
  const done = lasts(node, [String(from.node.address), String(peer.address)], from)
  await node.end.call("reached", { height: Math.floor(from.height / 4) })
  await peer.end.signal("SIGSTOP")
  try {
    await done
  } finally {
    await peer.end.signal("SIGCONT")
  }
  const value = await node.end.call("stood", undefined)
  await node.stop()
  return [millis(Works.frozen, Works.stood, value)]
}
