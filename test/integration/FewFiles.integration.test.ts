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

/** Until the other side closes it. */
const closed = (socket: Net.Socket) =>
  socket.readableEnded || socket.destroyed ? Effect.void : event(socket.resume(), "end")

/**
 * Until nobody waits any more to be taken: a newcomer is closed, and so was, or was taken, whoever came before.
 *
 * To close a newcomer a full process gives up the one file that libuv keeps for that, and takes it back in the same
 * turn. A thread that looks up a name can take it in between, and gives it back to everybody. So nobody may come while
 * a name is looked up, or a dial may find a file.
 */
const noNewcomers = (endpoint: Address.Endpoint) => Effect.scoped(Effect.flatMap(bare(endpoint), closed))

/** A node that finds no file to be taken by; it is gone when this returns. */
const refused = (address: Address.Address, number: number) =>
  Effect.gen(function* () {
    const late = yield* TcpNode.start({ number, link })
    yield* Effect.orDie(late.node.connect(address))
    yield* late.until(() => late.reading().failed.size > 0)
  }).pipe(Effect.scoped)

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
      yield* Effect.orDie(friend.node.connect(address))
      yield* node.call("connected", 1)

      const crowd = yield* Scope.make()
      const strangers = yield* Effect.forEach(Array.from({ length: openFiles }), () =>
        Scope.provide(bare(address.endpoint), crowd)
      )
      yield* Effect.raceAll(strangers.map(closed))
      yield* refused(address, 4)
      yield* noNewcomers(address.endpoint)

      const { key, port } = named.address!
      const byName = new Address.Address({ key, host: "localhost", port })
      yield* node.call("want", [other.address!.toString(), byName.toString()])
      // Both of them at least once, for neither waits much longer than the other.
      yield* node.call("dialled", 10)
      const full = yield* node.story
      assert.strictEqual(yield* node.call("listening", undefined), "exhausted")
      const results = full.dials.flatMap(({ result }) => result ?? [])
      assert.deepStrictEqual([...new Set(results)], ["exhausted"])
      assert.deepStrictEqual([full.sessions, full.ended], [1, []])
      assert.isTrue(yield* answers(friend, address))

      yield* Scope.close(crowd, Exit.void)
      const late = yield* TcpNode.start({ number: 4, link })
      yield* Effect.orDie(late.node.connect(address))
      yield* node.call("connected", 4)
      assert.isUndefined(yield* node.call("listening", undefined))
      assert.deepStrictEqual((yield* node.story).ended, [])
      for (const peer of [friend, other, named, late]) assert.isTrue(yield* answers(peer, address))
    })
  )
})
