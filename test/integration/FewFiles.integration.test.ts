/**
 * A node whose process may open few files, and has as many open as it may: nobody new is taken and nobody can be dialled,
 * with the reason; whoever is connected stays so; and all is well again when files are closed.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import type * as Net from "node:net"
import * as Address from "../../src/protocol/Address.ts"
import * as LinkConfig from "../../src/services/link/LinkConfig.ts"
import { bare, event } from "../support/BareSockets.ts"
import * as Crowd from "../support/links/Crowd.ts"
import * as TcpNode from "../support/links/TcpNode.ts"

const openFiles = 64
const listen = { host: "127.0.0.1", port: 0 }
const link: Partial<LinkConfig.Config> = {
  redial: { ...LinkConfig.defaults.redial, baseMillis: 100, capMillis: 200, answeredMillis: 200 },
  firstDialDelay: 0,
  handshakeTimeout: 120_000
}

const addressOf = ({ addresses }: Crowd.Crowd): Address.Address => {
  const parsed = Address.parse(addresses[0] ?? "")
  if (parsed._tag === "Failure") throw parsed.failure
  return parsed.success
}

/** Until the other side closes one of them. */
const someClosed = (sockets: ReadonlyArray<Net.Socket>) =>
  Effect.raceAll(
    sockets.map((socket) => (socket.readableEnded || socket.destroyed ? Effect.void : event(socket.resume(), "end")))
  )

const answers = ({ registry }: TcpNode.TcpNode, peer: Address.Address) =>
  Effect.callback<boolean>((resume) => {
    const live = registry.session(peer.key)
    if (live === undefined) return resume(Effect.succeed(false))
    live.connection.probe(60_000, (answered) => resume(Effect.succeed(answered)))
  })

describe("a node with as many files open as it may", () => {
  it.live("takes nobody, says why it can neither dial nor listen, keeps its peers, and recovers", () =>
    Effect.gen(function* () {
      const node = yield* Crowd.start({ first: 1, count: 1, listen, openFiles, link })
      const address = addressOf(node)
      const friend = yield* TcpNode.start({ number: 2, listen })
      const other = yield* TcpNode.start({ number: 3, listen })
      const named = yield* TcpNode.start({ number: 5, listen })
      const late = yield* TcpNode.start({ number: 4, link })
      yield* Effect.orDie(friend.node.connect(address))
      yield* node.call("connected", 1)

      const crowd = yield* Scope.make()
      const strangers = yield* Effect.forEach(Array.from({ length: openFiles }), () =>
        Scope.provide(bare(address.endpoint), crowd)
      )
      yield* someClosed(strangers)

      const { key, port } = named.address!
      const byName = new Address.Address({ key, host: "localhost", port })
      yield* node.call("want", [other.address!.toString(), byName.toString()])
      yield* Effect.orDie(late.node.connect(address))
      yield* late.until(() => late.reading().failed.size > 0)
      // Both of them at least once, for neither waits much longer than the other.
      yield* node.call("dialled", 10)
      const full = yield* node.story
      assert.strictEqual(yield* node.call("listening", undefined), "exhausted")
      const results = full.dials.flatMap(({ result }) => result ?? [])
      assert.deepStrictEqual([...new Set(results)], ["exhausted"])
      assert.deepStrictEqual([full.sessions, full.ended], [1, []])
      assert.isTrue(yield* answers(friend, address))

      yield* Scope.close(crowd, Exit.void)
      yield* node.call("connected", 4)
      assert.isUndefined(yield* node.call("listening", undefined))
      assert.deepStrictEqual((yield* node.story).ended, [])
      for (const peer of [friend, other, named, late]) assert.isTrue(yield* answers(peer, address))
    })
  )
})
