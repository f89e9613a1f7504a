/** Chains that real nodes have made: fetched whole by this node, and given by it to other real nodes. */
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect } from "effect"
import * as JsNode from "../support/interop/JsNode.ts"
import * as Litecoind from "../support/interop/Litecoind.ts"
import * as RealManager from "../support/interop/RealManager.ts"

/** Several nodes on one host. */
const pool = { identity: "endpoint" } as const
const count = 2_500

const faults = ({ events }: RealManager.RealManager) =>
  events.all.flatMap((event) => (event._tag === "Misbehaved" ? [`${event.fault}: ${event.detail}`] : []))

describe("blocks", () => {
  it.live(
    "of litecoind, 2,500 of them, come here and go on to a second one, and a third node outlives a source that freezes",
    () =>
      Effect.gen(function* () {
        const source = yield* Litecoind.start({ isPlain: true })
        const made = yield* source.mine(count)
        const ours = yield* RealManager.start("ltc-regtest", { sync: { store: true }, pool })
        const from = performance.now()
        yield* ours.call(source.endpoint)
        const took = (yield* ours.applied(count)) - from
        assert.strictEqual(ours.blocks?.applied().id, made.at(-1))
        const second = yield* Litecoind.start({ isPlain: true })
        yield* second.dial(ours.endpoint)
        yield* second.node.said(new RegExp(`UpdateTip: new best=${made.at(-1)} `))
        assert.strictEqual(yield* second.best, made.at(-1))
        assert.deepStrictEqual(faults(ours), [])

        const third = yield* RealManager.start("ltc-regtest", { sync: { store: true }, pool })
        yield* third.call(second.endpoint)
        yield* third.call(source.endpoint)
        yield* third.applied(100)
        yield* source.node.freeze
        const frozen = performance.now()
        const rest = Math.max(0, (yield* third.applied(count)) - frozen)
        assert.strictEqual(third.blocks?.applied().id, made.at(-1))
        assert.isBelow(rest, 20_000, "a busy machine takes longer, and who waits for the frozen one much longer")
        yield* source.node.thaw
        yield* Console.log(`2,500 blocks in ${Math.round(took)} ms; after the freeze ${Math.round(rest)} ms`)
      })
  )

  it.live("of bcash come here and go on to a second bcash", () =>
    Effect.gen(function* () {
      const source = yield* JsNode.start({ library: "bcash", agent: "/Bitcoin SV:1.2.2/" })
      const made = yield* source.mine(600)
      const ours = yield* RealManager.start("bsv-regtest", { sync: { store: true }, pool })
      yield* ours.call(source.endpoint)
      yield* ours.applied(600)
      const agent = "/Bitcoin SV:1.2.2/"
      const second = yield* JsNode.start({ library: "bcash", agent, syncsFrom: ours.endpoint, isFull: true })
      yield* second.node.said(/Status: .*height=600 /)
      assert.strictEqual(yield* second.best, made.at(-1))
      assert.deepStrictEqual(faults(ours), [])
    })
  )
})
