/**
 * How to test Bitcoin code of your own: against a scripted node with a chain of its own, over a network in memory, as any of five
 * real nodes, and while that does what it should not.
 */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { familyNames } from "holdfast/testing/bitcoin/NodeFamily"
import { RegtestChain } from "holdfast/testing/bitcoin/RegtestChain"
import * as ScriptedNode from "holdfast/testing/bitcoin/ScriptedNode"
import { MemoryNetwork } from "holdfast/testing/TransportMemory"
import { tip } from "./Tip.ts"

const chain = RegtestChain.make({ seed: "tip", blocks: 25 })
const here = new MemoryNetwork().layer("127.0.0.1")

for (const family of familyNames) {
  it.effect(`finds the tip of ${family}`, () =>
    Effect.gen(function* () {
      const node = yield* ScriptedNode.make({ family, chain })
      const endpoint = yield* node.listen({ host: "127.0.0.1", port: 0 })
      assert.strictEqual(yield* tip(chain.network, endpoint), chain.tip.header.id)
    }).pipe(Effect.scoped, Effect.provide(here))
  )
}

it.effect("finds it whatever else the node says", () =>
  Effect.gen(function* () {
    const node = yield* ScriptedNode.make({ family: "knots", chain, handshake: "verack before version" })
    const endpoint = yield* node.listen({ host: "127.0.0.1", port: 0 })
    const disturb = Effect.gen(function* () {
      const link = yield* node.accepted
      yield* link.play("unknown command")
      yield* link.play("ping byte by byte")
    })
    const [found] = yield* Effect.all([tip(chain.network, endpoint), disturb], { concurrency: 2 })
    assert.strictEqual(found, chain.tip.header.id)
  }).pipe(Effect.scoped, Effect.provide(here))
)
