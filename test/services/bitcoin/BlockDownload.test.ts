/** Blocks of a Bitcoin network: fetched from several peers that a test plays, applied in order, and given on. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Result, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as StoresMemory from "../../../src/layers/StoresMemory.ts"
import * as Block from "../../../src/protocol/bitcoin/Block.ts"
import * as Hash from "../../../src/protocol/bitcoin/Hash.ts"
import * as Headers from "../../../src/protocol/bitcoin/Headers.ts"
import * as Inventory from "../../../src/protocol/bitcoin/Inventory.ts"
import * as Version from "../../../src/protocol/bitcoin/Version.ts"
import type { BlockLedger } from "../../../src/services/bitcoin/BlockDownload.ts"
import { HeaderStore } from "../../../src/services/chain/HeaderStore.ts"
import { BlockRefused } from "../../../src/services/chain/Ledger.ts"
import { Transport } from "../../../src/services/link/Transport.ts"
import { RegtestChain } from "../../../src/testing/bitcoin/RegtestChain.ts"
import * as ScriptedNode from "../../../src/testing/bitcoin/ScriptedNode.ts"
import { SecureRandom } from "effect/crypto"
import { at, type Changes, elapse, type Made, net, NetworkLab } from "../../support/BitcoinNetworkLab.ts"

const chain = RegtestChain.make({ blocks: 300, seed: 1 })
const branch = chain.fork({ after: 280, blocks: 30, seed: 2 })
const [one, two] = ["10.0.1.1", "10.0.1.2"] as const

type Lab = Effect.Success<ReturnType<NetworkLab["start"]>>
type Gives = ScriptedNode.Options["gives"]

const playing = Effect.fnUntraced(function* (lab: NetworkLab, host: string, of = chain, gives?: Gives) {
  const transport = lab.network.transport(host)
  const node = yield* Effect.provideService(ScriptedNode.make({ chain: of, gives }), Transport, transport)
  yield* node.listen({ host, port: net.port })
  return node
})

const begin = Effect.gen(function* () {
  yield* TestClock.setTime(branch.tip.header.time * 1_000 + 1_000)
  return new NetworkLab()
})

const start = (lab: NetworkLab, hosts: ReadonlyArray<string>, changes: Changes = {}, made: Made = {}) => {
  const config: Changes = { sync: { store: true }, restarts, ...changes }
  return lab.start(
    "10.0.0.1",
    config,
    hosts.map((host) => at(host)),
    [],
    undefined,
    made
  )
}
/** Whoever is lost stays away. */
const restarts = {
  restarts: 0,
  windowMillis: 60_000,
  healthyMillis: 60_000,
  attempts: 1,
  backoff: { baseMillis: 100, capMillis: 100 }
}

const heightOf = ({ blocks }: Lab): number => blocks!.applied().height

/** Stores in memory whose headers take a moment to read, as those of a database do. */
const slowStores = Effect.gen(function* () {
  const stores = yield* Layer.build(Layer.provide(StoresMemory.layer, SecureRandom.layerWebCrypto))
  const store = Context.get(stores, HeaderStore)
  const wait = Effect.repeat(Effect.yieldNow, { times: 20 })
  const slow = HeaderStore.of({
    ...store,
    ids: (...of) => Effect.andThen(wait, store.ids(...of)),
    above: (...of) => Effect.andThen(wait, store.above(...of))
  })
  return Layer.succeedContext(Context.add(stores, HeaderStore, slow))
})

/** How long it takes, in virtual milliseconds, until it has applied the block of this height; at most a minute. */
const reaching = Effect.fnUntraced(function* (node: Lab, height: number) {
  const from = yield* Clock.currentTimeMillis
  while (heightOf(node) < height && (yield* Clock.currentTimeMillis) - from < 60_000) yield* elapse(50)
  assert.isAtLeast(heightOf(node), height)
  return (yield* Clock.currentTimeMillis) - from
})

/** That what is stored is this chain, whole. */
const isStored = Effect.fnUntraced(function* ({ blockStore }: Lab, of: RegtestChain) {
  const found = yield* blockStore.above(net.name, 0, 1_000, 100_000_000)
  assert.deepStrictEqual(
    found.map(({ body, header }) => Buffer.from(Block.payloadOf(header, body ?? new Uint8Array())).toString("hex")),
    of.blocks.slice(1).map(({ header }) => Buffer.from(of.payload(header.id)!).toString("hex"))
  )
})

/** The heights that a node was asked for. */
const askedOf = (node: ScriptedNode.ScriptedNode): ReadonlyArray<number> =>
  node
    .links()
    .flatMap(({ heard }) =>
      heard
        .filter(({ command }) => command === "getdata")
        .flatMap(({ body }) =>
          Result.getOrThrow(Inventory.getdata.decode(body)).map(({ id }) => chain.heightOf(id) ?? -1)
        )
    )

/** What was applied and taken back, as "300" and "-300". */
const recording = (refuses: (height: number) => boolean = () => false) => {
  const told: Array<string> = []
  const ledger: BlockLedger = {
    apply: ({ header: { id }, height }) =>
      Effect.suspend(() => {
        told.push(String(height))
        return refuses(height) ? Effect.fail(new BlockRefused({ height, id, reason: "a test says so" })) : Effect.void
      }),
    undo: ({ height }) => Effect.sync(() => void told.push(`-${height}`))
  }
  return { told, ledger }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => String(from + at))

describe("a node that fetches blocks", () => {
  it.effect("has 300 from two peers, each from one of them, in their order", () =>
    Effect.gen(function* () {
      const lab = yield* begin
      const nodes = [yield* playing(lab, one), yield* playing(lab, two)]
      const { ledger, told } = recording()
      const node = yield* start(lab, [one, two], {}, { ledger })
      yield* reaching(node, 300)
      yield* isStored(node, chain)
      assert.deepStrictEqual(told, range(1, 300))
      const asked = nodes.map(askedOf)
      assert.deepStrictEqual(
        asked.flat().toSorted((a, b) => a - b),
        range(1, 300).map(Number)
      )
      for (const some of asked) assert.isAbove(some.length, 50)
      assert.isFalse(node.blocks!.isBehind())
      assert.strictEqual(node.config().services & Version.Service.network, Version.Service.network)
    })
  )

  it.effect("closes on a peer that gives other transactions, and has the block of another", () =>
    Effect.gen(function* () {
      const lab = yield* begin
      const wrong = Block.block.encode({ ...chain.blocks[40]!, transactions: chain.blocks[41]!.transactions })
      const { id } = chain.blocks[40]!.header
      yield* playing(lab, one, chain, (asked) => (asked === id ? wrong : "block"))
      const node = yield* start(lab, [one])
      yield* elapse(5_000)
      assert.strictEqual(heightOf(node), 39)
      const faults = node.events.flatMap((event) => (event._tag === "Misbehaved" ? [event.fault] : []))
      assert.deepStrictEqual(faults, ["block-merkle"])
      assert.isEmpty(node.connections())
      yield* playing(lab, two)
      yield* node.call(at(two))
      yield* reaching(node, 300)
      yield* isStored(node, chain)
    })
  )

  it.effect("loses 3 s at the most by a peer that freezes while it owes the next block", () =>
    Effect.gen(function* () {
      const lab = yield* begin
      let isFrozen = false
      const { ledger } = recording((height) => {
        isFrozen ||= height >= 60
        return false
      })
      yield* playing(lab, one, chain, () => (isFrozen ? "nothing" : "block"))
      yield* playing(lab, two)
      const node = yield* start(lab, [one, two], {}, { ledger })
      assert.isAtMost(yield* reaching(node, 300), 3_000)
      assert.isTrue(isFrozen)
      assert.lengthOf(node.connections(), 2)
    })
  )

  it.effect("asks another for what a peer says it has not, or passes over in silence", () =>
    Effect.gen(function* () {
      const lab = yield* begin
      const odd = (id: string) => chain.heightOf(id)! % 2 === 1
      const half = yield* playing(lab, one, chain, (id) =>
        odd(id) ? "block" : chain.heightOf(id)! > 150 ? "nothing" : "notfound"
      )
      const other = yield* playing(lab, two)
      const node = yield* start(lab, [one, two])
      // What comes behind a block that was passed over shows that it does; nothing comes behind the last one.
      assert.isAtMost(yield* reaching(node, 280), 1_000)
      assert.isAtMost(yield* reaching(node, 300), 3_000)
      yield* isStored(node, chain)
      assert.isAbove(askedOf(half).length, 20)
      assert.isAbove(askedOf(other).length, 100)
      assert.isEmpty(node.events.filter(({ _tag }) => _tag === "Misbehaved"))
    })
  )

  it.effect("goes over to a better branch, and takes back what the ledger has of the other", () =>
    Effect.gen(function* () {
      const lab = yield* begin
      yield* playing(lab, one)
      const { ledger, told } = recording()
      const node = yield* start(lab, [one], {}, { ledger })
      yield* reaching(node, 300)
      yield* playing(lab, two, branch)
      yield* node.call(at(two))
      yield* reaching(node, 310)
      yield* isStored(node, branch)
      const left = range(281, 300)
        .toReversed()
        .map((height) => `-${height}`)
      assert.deepStrictEqual(told, [...range(1, 300), ...left, ...range(281, 310)])
    })
  )

  it.effect("asks whoever has told of a branch before that was the better one", () =>
    Effect.gen(function* () {
      const lab = yield* begin
      yield* playing(lab, one)
      const home = at("10.0.0.1")
      const node = yield* start(lab, [one], { listen: home }, { stores: yield* slowStores })
      yield* reaching(node, 300)
      const early = yield* lab.guest("10.0.2.1", home)
      const late = yield* lab.guest("10.0.2.2", home)
      const headers = branch.blocks.map(({ header }) => header)
      yield* early.say("headers", Headers.headers.encode(headers.slice(281, 296)))
      yield* late.say("headers", Headers.headers.encode(headers.slice(296)))
      yield* elapse(1_000)
      const wanted = (guest: typeof early) =>
        guest
          .heard("getdata")
          .flatMap(({ body }) =>
            Result.getOrThrow(Inventory.getdata.decode(body)).map(({ id }) => branch.heightOf(id)!)
          )
      const [heights, others] = [wanted(early), wanted(late)]
      assert.isAtLeast(heights.length, 5)
      assert.isAtMost(Math.max(...heights), 295)
      assert.isAtLeast(others.length, 5)
    })
  )

  it.effect("goes on after a restart where it was", () =>
    Effect.gen(function* () {
      const lab = yield* begin
      const database = Context.get(yield* Layer.build(MemoryDatabase.layer), MemoryDatabase)
      const stores = Layer.provide(StoresMemory.layerOn(database), SecureRandom.layerWebCrypto)
      yield* playing(lab, one, chain, (id) => (chain.heightOf(id)! > 150 ? "nothing" : "block"))
      const first = recording()
      const node = yield* start(lab, [one], {}, { ledger: first.ledger, stores })
      yield* reaching(node, 150)
      yield* Scope.close(node.scope, yield* Effect.exit(Effect.void))
      yield* playing(lab, two)
      const second = recording()
      const again = yield* start(lab, [two], {}, { ledger: second.ledger, stores })
      yield* again.call(at(two))
      yield* reaching(again, 300)
      yield* isStored(again, chain)
      assert.deepStrictEqual([...first.told, ...second.told], range(1, 300))
    })
  )

  it.effect("stands before a block that the program refuses, and tries again once in a while", () =>
    Effect.gen(function* () {
      const lab = yield* begin
      yield* playing(lab, one)
      const { ledger, told } = recording((height) => height === 1)
      const node = yield* start(lab, [one], {}, { ledger })
      yield* elapse(65_000)
      assert.strictEqual(heightOf(node), 0)
      assert.deepInclude(node.blocks!.status().refused, { height: 1, reason: "a test says so" })
      assert.isAtMost(told.length, 6)
      assert.isAtLeast(told.length, 2)
    })
  )
})

describe("blocks that were fetched", () => {
  it.effect("are given to others, who hear of the tip once it is here", () =>
    Effect.gen(function* () {
      const lab = yield* begin
      const home = at("10.0.0.1")
      const node = yield* start(lab, [], { listen: home })
      const other = yield* lab.start("10.0.0.3", { sync: { store: true }, required: Version.Service.network }, [home])
      yield* elapse(1_000)
      assert.strictEqual(other.connections().length, 1)
      yield* playing(lab, one)
      yield* node.call(at(one))
      yield* reaching(node, 300)
      yield* reaching(other, 300)
      yield* isStored(other, chain)
      yield* playing(lab, two, branch)
      yield* node.call(at(two))
      yield* reaching(other, 310)
      yield* isStored(other, branch)
      assert.isEmpty([...node.events, ...other.events].filter(({ _tag }) => _tag === "Misbehaved"))
    })
  )

  it.effect("are what others are told of: no header whose block is not here", () =>
    Effect.gen(function* () {
      const lab = yield* begin
      yield* playing(lab, one, chain, (id) => (chain.heightOf(id)! > 100 ? "nothing" : "block"))
      const home = at("10.0.0.1")
      const node = yield* start(lab, [one], { listen: home })
      yield* reaching(node, 100)
      assert.strictEqual(node.headers!.best().height, 300)
      const guest = yield* lab.guest("10.0.2.1", home)
      const [version] = guest.heard("version")
      assert.deepInclude(Result.getOrThrow(Version.version.decode(version!.body)), { height: 100, services: 1n })
      const question = { version: Version.current, locator: [net.first.id], stop: Hash.zero }
      yield* guest.say("getheaders", Headers.getheaders.encode(question))
      const [headers] = guest.heard("headers")
      assert.lengthOf(Result.getOrThrow(Headers.headers.decode(headers!.body)), 100)
      yield* guest.say("getblocks", Headers.getblocks.encode(question))
      const [ids] = guest.heard("inv")
      assert.lengthOf(Result.getOrThrow(Inventory.inv.decode(ids!.body)), 100)
    })
  )

  it.effect("are read in their order, and again from where another branch begins", () =>
    Effect.gen(function* () {
      const lab = yield* begin
      yield* playing(lab, one)
      const node = yield* start(lab, [one])
      const read: Array<string> = []
      yield* Effect.forkChild(
        Stream.runForEach(node.blocks!.after(250), (item) =>
          Effect.sync(() => void read.push(item._tag === "Left" ? `-${item.above}` : item.block.header.id))
        ),
        { startImmediately: true }
      )
      yield* reaching(node, 300)
      const idsOf = (of: RegtestChain, from: number) => of.blocks.slice(from).map(({ header }) => header.id)
      assert.deepStrictEqual(read, idsOf(chain, 251))
      yield* playing(lab, two, branch)
      yield* node.call(at(two))
      yield* reaching(node, 310)
      yield* elapse(100)
      assert.deepStrictEqual(read, [...idsOf(chain, 251), "-280", ...idsOf(branch, 281)])
    })
  )

  it.effect("are kept for two days where they are not stored, and a reader who comes too late is told", () =>
    Effect.gen(function* () {
      const long = RegtestChain.make({ blocks: 400, seed: 3 })
      yield* TestClock.setTime(long.tip.header.time * 1_000 + 1_000)
      const lab = new NetworkLab()
      yield* playing(lab, one, long)
      const node = yield* start(lab, [one], { sync: { store: false } })
      yield* reaching(node, 400)
      assert.strictEqual(node.config().services & Version.Service.network, 0n)
      const late = yield* Effect.flip(Stream.runDrain(node.blocks!.after(50)))
      assert.deepInclude(late, { _tag: "BitcoinBlocksPruned", height: 51 })
      const kept = yield* Stream.runCollect(Stream.take(node.blocks!.after(112), 288))
      assert.deepInclude(kept.at(-1), { _tag: "Block", height: 400 })
    })
  )
})
