/**
 * The lanes of a session over real TCP.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { Transport } from "../../src/services/link/Transport.ts"
import { arbiter, follower, start, type TcpNode } from "../support/links/TcpNode.ts"

const link = { lanes: 3, firstDialDelay: 0 }
const listen = { host: "127.0.0.1", port: 0 }

const openLanes = (node: TcpNode, peer: TcpNode): string =>
  (node.registry.session(peer.key)?.session.openLanes ?? []).join()

describe("a session over TCP", () => {
  it.live("has its lanes, replaces one that is lost, and loses all of them with the first", () =>
    Effect.gen(function* () {
      /** The sockets that were dialled, oldest first. */
      const dialled: Array<Scope.Closeable> = []
      const through = (transport: Transport["Service"]): Transport["Service"] => ({
        ...transport,
        dial: (endpoint) =>
          Effect.gen(function* () {
            const scope = yield* Scope.fork(yield* Effect.scope)
            dialled.push(scope)
            return yield* Scope.provide(transport.dial(endpoint), scope)
          })
      })
      const low = yield* start({ number: arbiter, listen, link })
      const high = yield* start({ number: follower, link, through })
      yield* high.node.connect(low.address!)
      const complete = () => openLanes(low, high) === "0,1,2" && openLanes(high, low) === "0,1,2"
      yield* high.until(complete)
      yield* low.until(complete)
      assert.deepStrictEqual([low.reading().connections.lane, high.reading().connections.lane], [2, 2])
      assert.deepStrictEqual([low.reading().sessions, high.reading().sessions], [1, 1])
      const number = high.registry.session(low.key)!.session.number

      yield* Scope.close(dialled[1]!, Exit.void)
      yield* high.until(() => dialled.length === 4 && openLanes(high, low) === "0,1,2")
      yield* low.until(complete)
      assert.strictEqual(high.registry.session(low.key)!.session.number, number)

      yield* Scope.close(dialled[0]!, Exit.void)
      yield* high.until(() => (high.registry.session(low.key)?.session.number ?? number) > number && complete())
      const ended = (node: TcpNode) => node.registry.recent().filter((it) => it.from === "lane" && it.to === "closed")
      assert.deepStrictEqual([ended(high).length, ended(low).length], [3, 3])
      assert.strictEqual(low.reading().connections.lane, 2)
    }).pipe(Effect.scoped)
  )
})
