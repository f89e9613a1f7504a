/**
 * The listener of a node on a Bitcoin network, as a client sees it that others have written: its framing, its handshake and
 * what it understands of ours.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as Inventory from "../../src/protocol/bitcoin/Inventory.ts"
import { Code } from "../../src/protocol/bitcoin/Reject.ts"
import * as Miner from "../support/BitcoinMiner.ts"
import { networkNamed } from "../support/BitcoinVectors.ts"
import * as BsvClient from "../support/interop/BsvClient.ts"
import * as RealManager from "../support/interop/RealManager.ts"

const txid = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"

describe("a client of bsv-p2p", () => {
  it.live("completes the handshake, and each side reads what the other one says of itself", () =>
    Effect.gen(function* () {
      const ours = yield* RealManager.start("bsv-regtest", { services: 1n })
      const client = yield* BsvClient.make(ours.endpoint)
      yield* client.connect
      const { id, kind } = yield* ours.became("Connected")
      const said = yield* Effect.promise(() => client.version)
      assert.strictEqual(said.user_agent, "/Holdfast:0.1.0/")
      assert.strictEqual(said.version, 70_016)
      assert.strictEqual(said.services.toString("hex"), "0000000000000001")
      const { version } = yield* ours.peer(id)
      assert.strictEqual(kind, "Inbound")
      assert.strictEqual(version?.agent, "/Bitcoin SV:1.2.2/")
      assert.strictEqual(version?.height, 5)
      yield* client.heard("protoconf")
      yield* client.heard("sendheaders")
      assert.deepStrictEqual(client.errors, [])
    })
  )

  it.live("is answered when it pings, and answers", () =>
    Effect.gen(function* () {
      const heartbeat = { interval: 100, timeout: 30_000, missed: 1, stable: 60_000 }
      // The first look at the silence comes when the time for handshakes is over.
      const ours = yield* RealManager.start("bsv-regtest", { heartbeat, handshakeTimeout: 3_000 })
      const client = yield* BsvClient.make(ours.endpoint)
      yield* client.connect
      const { id } = yield* ours.became("Connected")
      yield* client.ping
      // The first one may come before it holds itself for connected, and is not answered then.
      for (let pings = 0; pings < 5; pings++) yield* client.heard("ping", client.told.count)
      const { connection } = yield* ours.peer(id)
      assert.isAtLeast(connection.heartbeat.matched, 1)
      assert.strictEqual(connection.heartbeat.unknown, 0)
    })
  )

  it.live("asks for a transaction, and is told of one, in the same words on both sides", () =>
    Effect.gen(function* () {
      const ours = yield* RealManager.start("bsv-regtest")
      const client = yield* BsvClient.make(ours.endpoint)
      yield* client.connect
      const { id } = yield* ours.became("Connected")
      yield* client.getTxs([Buffer.from(txid, "hex")])
      const asked = yield* ours.heard("getdata")
      const item = { kind: Inventory.Kind.transaction, id: txid }
      assert.deepStrictEqual(Result.getOrThrow(Inventory.getdata.decode(asked.body)), [item])
      assert.isTrue(yield* ours.send(id, "inv", Inventory.inv.encode([item])))
      const { payload } = yield* client.heard("inv")
      assert.deepStrictEqual(Result.getOrThrow(Inventory.inv.decode(payload)), [item])
    })
  )

  it.live("is given the headers that it asks for, as many as one answer may have", () =>
    Effect.gen(function* () {
      const network = networkNamed("bsv-regtest")
      const headers = Miner.chain(network.first, 2_010, { network })
      const ours = yield* RealManager.start("bsv-regtest", {}, headers)
      const client = yield* BsvClient.make(ours.endpoint)
      yield* client.connect
      assert.strictEqual((yield* Effect.promise(() => client.version)).start_height, 2_010)
      const ids = headers.map(({ id }) => id)
      assert.deepStrictEqual(yield* client.getHeaders(network.genesis), ids.slice(0, 2_000))
      assert.deepStrictEqual(yield* client.getHeaders(ids[1_999] ?? ""), ids.slice(2_000))
    })
  )

  it.live("is told after the handshake that there is no room, and does not count", () =>
    Effect.gen(function* () {
      const ours = yield* RealManager.start("bsv-regtest", { pool: { target: 1, most: 1 } })
      const { endpoint } = ours
      const first = yield* BsvClient.make(endpoint)
      yield* first.connect
      yield* ours.became("Connected")
      const second = yield* BsvClient.make(endpoint)
      yield* second.connect
      const { ccode, message, reason } = yield* second.rejects.until("reject", (reject) => reject)
      assert.deepStrictEqual({ ccode, message }, { ccode: Code.tooBusy, message: "version" })
      assert.include(reason, "as many connections as it may")
      yield* second.heard("gone")
      assert.strictEqual((yield* ours.became("Rejected")).kind, "OverCapacity")
      assert.deepStrictEqual(
        ours.live().map(({ kind }) => kind),
        ["Inbound"]
      )
      yield* first.ping
    })
  )

  it.live("has its place taken by the next one as soon as it hangs up", () =>
    Effect.gen(function* () {
      const ours = yield* RealManager.start("bsv-regtest", { pool: { target: 1, most: 1 } })
      const { endpoint } = ours
      const first = yield* BsvClient.make(endpoint)
      yield* first.connect
      const { id } = yield* ours.became("Connected")
      yield* first.disconnect
      assert.strictEqual((yield* ours.became("Failed")).id, id)
      const second = yield* BsvClient.make(endpoint)
      yield* second.connect
      yield* second.ping
    })
  )

  it.live("is let go without a word if its agent is that of another chain", () =>
    Effect.gen(function* () {
      const ours = yield* RealManager.start("bsv-regtest")
      const client = yield* BsvClient.make(ours.endpoint, { agent: "/Bitcoin ABC:0.22/" })
      assert.include(yield* Effect.flip(client.connect), "disconnected")
      assert.include((yield* ours.became("Rejected")).detail ?? "", '"abc"')
      assert.strictEqual((yield* ours.next("Banned")).reason, "agent")
      assert.deepStrictEqual(
        client.told.all.map(({ command }) => command),
        ["gone"]
      )
    })
  )

  it.live("is let go without a word if it is on another network", () =>
    Effect.gen(function* () {
      const ours = yield* RealManager.start("bsv-regtest")
      const client = yield* BsvClient.make(ours.endpoint, { network: "btc-regtest" })
      assert.include(yield* Effect.flip(client.connect), "disconnected")
      assert.strictEqual((yield* ours.next("Banned")).reason, "network")
      assert.deepStrictEqual(
        client.told.all.map(({ command }) => command),
        ["gone"]
      )
    })
  )
})
