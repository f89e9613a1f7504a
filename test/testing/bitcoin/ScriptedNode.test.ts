/** The scripted node over the network in memory and over real TCP, against this project's own manager and against itself. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as TransportTcp from "../../../src/layers/TransportTcp.ts"
import { Endpoint } from "../../../src/protocol/Address.ts"
import { block } from "../../../src/protocol/bitcoin/Block.ts"
import * as Headers from "../../../src/protocol/bitcoin/Headers.ts"
import * as Inventory from "../../../src/protocol/bitcoin/Inventory.ts"
import { families, familyNames } from "../../../src/testing/bitcoin/NodeFamily.ts"
import { RegtestChain } from "../../../src/testing/bitcoin/RegtestChain.ts"
import * as ScriptedNode from "../../../src/testing/bitcoin/ScriptedNode.ts"
import { connectedNames, ends, handshakeNames } from "../../../src/testing/bitcoin/Stimulus.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { at, elapse, NetworkLab } from "../../support/BitcoinNetworkLab.ts"

const chain = RegtestChain.make({ seed: 3, blocks: 30 })
const zeros = "0".repeat(64)

/** Two of them: one asks the other for what it has. */
const sync = Effect.gen(function* () {
  const server = yield* ScriptedNode.make({ family: "bcoin", chain })
  const client = yield* ScriptedNode.make({ family: "knots", network: chain.network })
  const endpoint = yield* server.listen({ host: "127.0.0.1", port: 0 })
  const link = yield* client.dial(endpoint)
  yield* link.connected
  yield* link.ping
  assert.strictEqual(link.theirs?.agent, families.bcoin.agent)
  const ask = (command: "getheaders" | "getdata", payload: Uint8Array, answer: "headers" | "block" | "notfound") =>
    Effect.map(
      Effect.all([link.next(answer), link.say(command, payload)], { concurrency: 2 }),
      ([message]) => message.body
    )
  const question = Headers.getheaders.encode({ version: 70_016, locator: [chain.network.genesis], stop: zeros })
  const headers = Result.getOrThrow(Headers.headers.decode(yield* ask("getheaders", question, "headers")))
  assert.deepStrictEqual(
    headers.map(({ id }) => id),
    chain.blocks.slice(1).map(({ header }) => header.id)
  )
  const wanted = (id: string) => Inventory.getdata.encode([{ kind: Inventory.Kind.block, id }])
  const { id } = headers[12]!
  const found = Result.getOrThrow(block.decode(yield* ask("getdata", wanted(id), "block")))
  assert.strictEqual(found.header.id, id)
  const missing = yield* ask("getdata", wanted("ab".repeat(32)), "notfound")
  assert.strictEqual(Result.getOrThrow(Inventory.notfound.decode(missing)).length, 1)
})

describe("a scripted Bitcoin node", () => {
  it.effect("gives headers and blocks over a network in memory", () =>
    Effect.provide(Effect.scoped(sync), new MemoryNetwork().layer("127.0.0.1"))
  )

  it.live("gives headers and blocks over real TCP", () => Effect.provide(Effect.scoped(sync), TransportTcp.layer))

  for (const family of familyNames) {
    it.effect(`is taken by a manager as ${family}, whoever dials, and answers its pings`, () =>
      Effect.gen(function* () {
        const lab = new NetworkLab()
        const agents = { allow: [], deny: [], require: [] }
        const layers = { a: lab.network.layer("10.0.0.1"), b: lab.network.layer("10.0.0.2") }
        const dialled = yield* Effect.provide(ScriptedNode.make({ family }), layers.a)
        yield* dialled.listen({ host: "10.0.0.1", port: 18_444 })
        const node = yield* lab.start("10.0.0.9", { agents, listen: at("10.0.0.9") }, [at("10.0.0.1")])
        const dials = yield* Effect.provide(ScriptedNode.make({ family }), layers.b)
        const link = yield* dials.dial(new Endpoint({ host: "10.0.0.9", port: 18_444 }))
        yield* elapse(2_000)
        assert.deepStrictEqual(
          node.connections().map(({ kind, state }) => `${kind} ${state}`),
          ["Outbound Connected", "Inbound Connected"]
        )
        assert.isTrue(link.isConnected)
        yield* link.ping
        const [taken] = dialled.links()
        assert.isTrue(taken?.isConnected)
        const asked = taken!.heard.filter(({ command }) => command === "ping").length
        assert.isAbove(asked, 0)
        // A node that is not answered would be gone by now.
        yield* elapse(1_000_000)
        assert.isTrue(taken?.isConnected)
        assert.isAbove(taken!.heard.filter(({ command }) => command === "ping").length, asked)
      }).pipe(Effect.scoped)
    )
  }

  it.effect("plays every stimulus that follows a handshake, and sees what comes of it", () =>
    Effect.gen(function* () {
      for (const name of connectedNames) {
        const lab = new NetworkLab()
        const agents = { allow: [], deny: [], require: [] }
        yield* lab.start("10.0.0.9", { agents, listen: at("10.0.0.9") })
        // Nodes of BSV have sent a protoconf, and may not send another.
        const peer = yield* Effect.provide(ScriptedNode.make({ family: "knots" }), lab.network.layer("10.0.0.2"))
        const link = yield* peer.dial(at("10.0.0.9"))
        yield* link.connected
        yield* link.play(name)
        yield* elapse(2_000)
        assert.strictEqual(link.isClosed, ends[name] !== undefined, name)
        if (!link.isClosed) yield* link.ping
        else assert.strictEqual((yield* Effect.flip(link.ping))._tag, "BitcoinLinkClosed")
      }
    }).pipe(Effect.scoped)
  )

  it.effect("plays every stimulus that takes the place of a handshake", () =>
    Effect.gen(function* () {
      for (const handshake of handshakeNames) {
        const lab = new NetworkLab()
        const agents = { allow: [], deny: ["ABC"], require: [] }
        yield* lab.start("10.0.0.9", { agents, listen: at("10.0.0.9") })
        const peer = yield* Effect.provide(ScriptedNode.make({ handshake }), lab.network.layer("10.0.0.2"))
        const link = yield* peer.dial(at("10.0.0.9"))
        yield* elapse(2_000)
        assert.strictEqual(link.isClosed, ends[handshake] !== undefined, handshake)
      }
    }).pipe(Effect.scoped)
  )
})
