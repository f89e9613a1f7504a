/**
 * Processes that make blocks apart from each other, and then together.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as FaultProxy from "../../src/testing/proxy/FaultProxy.ts"
import { make, open } from "../support/chain/ChainNodes.ts"
import * as Producers from "../support/chain/Producers.ts"
import { freePort } from "../support/FreePort.ts"
import { server } from "../support/FreshDatabase.ts"
import { createDatabase } from "../support/PostgresServer.ts"
import { long } from "../support/ProxiedPair.ts"

const nodesOf = make(async () => createDatabase((await server()).url))

describe("nodes that make blocks", () => {
  it.live("end on the heavier branch when one of them was cut off", () =>
    Effect.gen(function* () {
      const nodes = yield* nodesOf
      const port = yield* Effect.promise(() => freePort())
      const target = { host: "127.0.0.1", port }
      const proxy = yield* FaultProxy.make({ routes: [{ from: "b", to: "a", target }] })
      const advertise = proxy.endpoint("b", "a")!.port
      const [a, b, c] = yield* Effect.promise(() =>
        Promise.all([nodes.node("postgres"), nodes.node("postgres"), nodes.node("postgres")])
      )
      // Nobody knows another way to it.
      yield* Effect.promise(() => Promise.all([a.open(open, { advertise, port }), b.open(open), c.open(open)]))
      const common = yield* Effect.promise(async () => {
        await a.connect(c)
        await b.connect(a)
        const tip = await a.end.call("produce", 10)
        await Promise.all([b, c].map((node) => node.end.call("agreed", tip.id)))
        return tip
      })
      yield* Effect.gen(function* () {
        yield* proxy.strike({ _tag: "Dials", from: "b", to: "a", how: "refuse", share: 1, for: long })
        yield* proxy.strike({ _tag: "Close", from: "b", to: "a", how: "rst" })
        yield* Effect.promise(async () => {
          await b.end.call("met", { ended: 1 })
          const mine = await a.end.call("produce", 20)
          await c.end.call("agreed", mine.id)
          const more = await c.end.call("produce", 5)
          await Promise.all([a.end.call("agreed", more.id), b.end.call("produce", 12)])
        })
      }).pipe(Effect.scoped)
      yield* Effect.promise(async () => {
        const best = await a.end.call("tip", undefined)
        assert.strictEqual(best.height, common.height + 25)
        await b.end.call("agreed", best.id)
        for (const node of [a, b, c]) {
          assert.deepStrictEqual(await node.end.call("tip", undefined), best)
          assert.strictEqual(await node.end.call("verify", undefined), best.height)
        }
        const { events } = await b.end.call("seen", undefined)
        assert.strictEqual(events["Reorganised"], 1)
      })
    }).pipe(Effect.scoped)
  )

  it.live("make one every second in turns, and nobody disconnects", () =>
    Effect.gen(function* () {
      const nodes = yield* nodesOf
      const { faults } = yield* Effect.promise(() => Producers.run({ nodes, blocks: 8 }))
      assert.deepStrictEqual(faults, [])
    }).pipe(Effect.scoped)
  )
})
