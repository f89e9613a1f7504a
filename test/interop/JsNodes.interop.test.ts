/** A node of this project and nodes in JavaScript: bcash on BSV's regtest, bcoin on BTC's. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as Headers from "../../src/protocol/bitcoin/Headers.ts"
import * as Inventory from "../../src/protocol/bitcoin/Inventory.ts"
import { Service } from "../../src/protocol/bitcoin/Version.ts"
import { RegtestChain } from "../../src/testing/bitcoin/RegtestChain.ts"
import * as JsNode from "../support/interop/JsNode.ts"
import * as RealManager from "../support/interop/RealManager.ts"

const nobody = "11".repeat(32)
const asBsv = { library: "bcash", agent: "/Bitcoin SV:1.2.2/" } as const

describe("bcash", () => {
  it.live("is kept out as it is, for its agent, and let in once the agent is allowed", () =>
    Effect.gen(function* () {
      const cash = yield* JsNode.start({ library: "bcash" })
      const ours = yield* RealManager.start("bsv-regtest")
      yield* ours.call(cash.endpoint)
      assert.include((yield* ours.became("Rejected")).detail, '/bcash:1.1.1/, has "cash"')
      assert.strictEqual((yield* ours.next("Banned")).reason, "agent")
      assert.deepStrictEqual((yield* ours.marked("Banned")).endpoint, cash.endpoint)
      const config = ours.config()
      const place = ours.events.count
      yield* ours.update({ ...config, agents: { ...config.agents, allow: ["bcash"] } })
      yield* ours.call(cash.endpoint)
      const { id } = yield* ours.became("Connected", place)
      assert.strictEqual((yield* ours.peer(id)).version?.agent, "/bcash:1.1.1/")
      assert.deepStrictEqual((yield* ours.marked("Valid")).endpoint, cash.endpoint)
    })
  )

  it.live("that dials is kept out as it is", () =>
    Effect.gen(function* () {
      const cash = yield* JsNode.start({ library: "bcash" })
      const ours = yield* RealManager.start("bsv-regtest", { services: Service.network })
      yield* cash.dial(ours.endpoint)
      const { detail, kind } = yield* ours.became("Rejected")
      assert.strictEqual(kind, "Inbound")
      assert.include(detail, 'has "cash"')
    })
  )

  it.live("is dialled with a height, and each side reads what the other one says of itself", () =>
    Effect.gen(function* () {
      const cash = yield* JsNode.start(asBsv)
      assert.lengthOf(yield* cash.mine(25), 25)
      const ours = yield* RealManager.start("bsv-regtest")
      yield* ours.call(cash.endpoint)
      const { id } = yield* ours.became("Connected")
      const { version } = yield* ours.peer(id)
      assert.strictEqual(version?.agent, asBsv.agent)
      assert.strictEqual(version?.version, 70_015)
      assert.strictEqual(version?.height, 25)
      assert.strictEqual((version?.services ?? 0n) & Service.network, Service.network)
      const [seen] = yield* cash.peers
      assert.deepStrictEqual(
        { inbound: seen?.inbound, subver: seen?.subver, version: seen?.version },
        { inbound: true, subver: "/Holdfast:0.1.0/", version: 70_016 }
      )
    })
  )

  it.live("dials, is pinged and pings, and both are answered", () =>
    Effect.gen(function* () {
      const cash = yield* JsNode.start(asBsv)
      const ours = yield* RealManager.start("bsv-regtest", { services: Service.network })
      yield* cash.dial(ours.endpoint)
      const { id } = yield* ours.became("Connected")
      yield* ours.exchange(id)
      // The ping that every connection begins with.
      const { connection } = yield* ours.peer(id)
      assert.deepStrictEqual(
        { matched: connection.heartbeat.matched, unknown: connection.heartbeat.unknown },
        { matched: 1, unknown: 0 }
      )
      assert.strictEqual((yield* cash.peers)[0]?.pingtime, -1)
      yield* cash.rpc.tell("ping")
      // With the first answer the ping has come, and with the second one the pong has.
      yield* ours.exchange(id)
      yield* ours.exchange(id)
      assert.isAtLeast((yield* cash.peers)[0]?.pingtime ?? -1, 0)
    })
  )

  it.live("reads the reject when there is no room", () =>
    Effect.gen(function* () {
      const [first, second] = yield* Effect.all([JsNode.start(asBsv), JsNode.start(asBsv)])
      const config = { pool: { target: 1, most: 1 }, services: Service.network }
      const ours = yield* RealManager.start("bsv-regtest", config)
      yield* ours.call(first.endpoint)
      yield* ours.became("Connected")
      yield* second.dial(ours.endpoint)
      assert.strictEqual((yield* ours.became("Rejected")).kind, "OverCapacity")
      const line = yield* second.node.said(/reject/i)
      assert.include(line, "as many connections as it may")
    })
  )

  it.live("says that it has neither a block nor a transaction", () =>
    Effect.gen(function* () {
      const cash = yield* JsNode.start(asBsv)
      const ours = yield* RealManager.start("bsv-regtest")
      yield* ours.call(cash.endpoint)
      const { id } = yield* ours.became("Connected")
      const items = [Inventory.Kind.block, Inventory.Kind.transaction].map((kind) => ({ kind, id: nobody }))
      yield* ours.send(id, "getdata", Inventory.getdata.encode(items))
      const { body } = yield* ours.heard("notfound")
      assert.sameDeepMembers([...Result.getOrThrow(Inventory.notfound.decode(body))], items)
    })
  )

  it.live("is banned when it speaks first with another magic", () =>
    Effect.gen(function* () {
      const cash = yield* JsNode.start(asBsv)
      const ours = yield* RealManager.start("btc-regtest")
      yield* ours.call(cash.endpoint)
      yield* ours.became("Rejected")
      assert.strictEqual((yield* ours.next("Banned")).reason, "network")
      assert.deepStrictEqual((yield* ours.marked("Banned")).endpoint, cash.endpoint)
    })
  )
})

describe("bcoin", () => {
  it.live("is dialled on BTC's network, where every agent is taken", () =>
    Effect.gen(function* () {
      const coin = yield* JsNode.start({ library: "bcoin" })
      const ours = yield* RealManager.start("btc-regtest")
      yield* ours.call(coin.endpoint)
      const { id } = yield* ours.became("Connected")
      const { version } = yield* ours.peer(id)
      assert.include(version?.agent, "/bcoin:v1.0.2/")
      assert.strictEqual(version?.version, 70_015)
    })
  )

  it.live(
    "syncs as a client that keeps headers only: ids, filtered blocks and their proofs, more than one answer",
    () =>
      Effect.gen(function* () {
        const chain = RegtestChain.make({ network: "btc-regtest", blocks: 540, seed: 1 })
        const headers = chain.blocks.slice(1).map(({ header }) => header)
        const blocks = (id: string) => Effect.succeed(chain.find(id))
        const services = Service.network | Service.bloom
        const ours = yield* RealManager.start("btc-regtest", { services, blocks }, headers)
        const coin = yield* JsNode.start({ library: "bcoin", syncsFrom: ours.endpoint })
        const { id, kind } = yield* ours.became("Connected")
        assert.strictEqual(kind, "Inbound")
        yield* coin.node.said(/Status: .* height=540 /)
        assert.strictEqual(yield* coin.best, chain.tip.header.id)
        // It asks for headers only up to checkpoints, and regtest has none.
        const asked = yield* ours.heard("getblocks")
        assert.strictEqual(asked.peer, id)
        const { locator } = Result.getOrThrow(Headers.getblocks.decode(asked.body))
        assert.deepStrictEqual(locator, [ours.config().network.genesis])
        assert.strictEqual((yield* coin.peers)[0]?.subver, "/Holdfast:0.1.0/")
      })
  )
})
