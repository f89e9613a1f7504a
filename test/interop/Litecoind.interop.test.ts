/** A node of this project and a real node of Core's make: who dials whom, what each says, and what it comes to. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as Inventory from "../../src/protocol/bitcoin/Inventory.ts"
import * as Litecoind from "../support/interop/Litecoind.ts"
import * as RealManager from "../support/interop/RealManager.ts"

const nobody = "11".repeat(32)
const ask = (kind: number) => Inventory.getdata.encode([{ kind, id: nobody }])

describe("litecoind", () => {
  it.live("is dialled, and each side reads what the other one says of itself", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const ours = yield* RealManager.start("ltc-regtest")
      yield* ours.call(core.endpoint)
      const { id, kind } = yield* ours.became("Connected")
      assert.strictEqual(kind, "Outbound")
      const { version } = yield* ours.peer(id)
      assert.include(version?.agent, "/LitecoinCore:0.21.2")
      assert.strictEqual(version?.version, 70_016)
      assert.strictEqual(version?.services, 0x01000409n)
      assert.strictEqual(version?.height, 0)
      assert.isTrue(version?.relay)
      const [seen, ...others] = yield* core.peers
      assert.deepStrictEqual(
        { inbound: seen?.inbound, subver: seen?.subver, version: seen?.version, services: seen?.services },
        { inbound: true, subver: "/Holdfast:0.1.0/", version: 70_016, services: "0000000000000000" }
      )
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual((yield* ours.marked("Valid")).endpoint, core.endpoint)
    })
  )

  it.live("dials, and each side reads what the other one says of itself", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const ours = yield* RealManager.start("ltc-regtest", { services: 1n })
      yield* core.dial(ours.endpoint)
      const { id, kind } = yield* ours.became("Connected")
      assert.strictEqual(kind, "Inbound")
      const { version } = yield* ours.peer(id)
      assert.include(version?.agent, "/LitecoinCore:0.21.2")
      const [seen] = yield* core.peers
      assert.deepStrictEqual(
        { inbound: seen?.inbound, subver: seen?.subver, services: seen?.services },
        { inbound: false, subver: "/Holdfast:0.1.0/", services: "0000000000000001" }
      )
    })
  )

  it.live("is pinged and pings, and both are answered", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const ours = yield* RealManager.start("ltc-regtest")
      yield* ours.call(core.endpoint)
      const { id } = yield* ours.became("Connected")
      yield* ours.exchange(id)
      // The ping that every connection begins with.
      const { connection } = yield* ours.peer(id)
      assert.deepStrictEqual(
        { matched: connection.heartbeat.matched, unknown: connection.heartbeat.unknown },
        { matched: 1, unknown: 0 }
      )
      const place = core.node.lines.count
      yield* core.rpc.tell("ping")
      yield* core.node.said(/received: pong /, place)
      assert.isNumber((yield* core.peers)[0]?.pingtime)
    })
  )

  it.live("has one connection however often it is called", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const ours = yield* RealManager.start("ltc-regtest", { pool: { crossing: 0 } })
      yield* ours.call(core.endpoint)
      yield* ours.call(core.endpoint)
      const { id } = yield* ours.became("Connected")
      // And does not get a second one when it dials itself.
      yield* core.dial(ours.endpoint)
      const refused = yield* ours.ended("there is a connection with the same peer, and it lives")
      assert.strictEqual(refused.kind, "Inbound")
      yield* core.node.said(/disconnecting peer=1/)
      assert.deepStrictEqual(
        ours.live().map((entry) => entry.id),
        [id]
      )
      assert.deepStrictEqual(
        (yield* core.peers).map(({ inbound }) => inbound),
        [true]
      )
    })
  )

  it.live("keeps one of two connections that have crossed, the same as this node", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const ours = yield* RealManager.start("ltc-regtest")
      yield* Effect.all([ours.call(core.endpoint), core.dial(ours.endpoint)], { concurrency: "unbounded" })
      yield* ours.ended("a connection that crossed it stays")
      // It is among its peers until it has been forgotten, a moment after the end.
      yield* core.node.said(/Cleared nodestate for peer=/)
      const [stayed, ...others] = ours.live()
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual(
        (yield* core.peers).map(({ inbound }) => inbound),
        [stayed?.kind === "Outbound"]
      )
    })
  )

  it.live("is told after the handshake that there is no room, and does not count", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const ours = yield* RealManager.start("ltc-regtest", { pool: { target: 1, most: 1 } })
      yield* ours.call(core.endpoint)
      const { id } = yield* ours.became("Connected")
      yield* core.dial(ours.endpoint)
      assert.strictEqual((yield* ours.became("Rejected")).kind, "OverCapacity")
      // It forgets what it has not looked at when the end comes with it, so that only bcash surely reads the reject.
      yield* core.node.said(/disconnecting peer=1/)
      assert.deepStrictEqual(
        ours.live().map((entry) => entry.id),
        [id]
      )
    })
  )

  it.live("says that it has not a transaction, and nothing of a block that it has not", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const ours = yield* RealManager.start("ltc-regtest")
      yield* ours.call(core.endpoint)
      const { id } = yield* ours.became("Connected")
      yield* ours.send(id, "getdata", ask(Inventory.Kind.block))
      yield* ours.send(id, "getdata", ask(Inventory.Kind.transaction))
      const { body } = yield* ours.heard("notfound")
      assert.deepStrictEqual(Result.getOrThrow(Inventory.notfound.decode(body)), [
        { kind: Inventory.Kind.transaction, id: nobody }
      ])
    })
  )

  it.live("hangs up on another magic without a word, and is dialled again later", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const ours = yield* RealManager.start("bsv-regtest")
      yield* ours.call(core.endpoint)
      yield* core.node.said(/MESSAGESTART/)
      yield* ours.became("Failed")
      assert.strictEqual((yield* ours.next("Restarting")).remote, core.endpoint.toString())
    })
  )

  it.live("is let go without a word when it dials with another magic", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const ours = yield* RealManager.start("bsv-regtest")
      yield* core.dial(ours.endpoint)
      assert.strictEqual((yield* ours.became("Rejected")).kind, "Inbound")
      assert.strictEqual((yield* ours.next("Banned")).reason, "network")
      yield* core.node.said(/disconnecting peer=0/)
      assert.notInclude(core.node.lines.tail(1_000), "received: ")
    })
  )
})
