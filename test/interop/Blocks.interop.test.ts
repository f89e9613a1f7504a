/** Headers and blocks that real nodes have made: fetched from them, announced by them, and passed on to them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as Block from "../../src/protocol/bitcoin/Block.ts"
import * as Inventory from "../../src/protocol/bitcoin/Inventory.ts"
import { Service } from "../../src/protocol/bitcoin/Version.ts"
import * as JsNode from "../support/interop/JsNode.ts"
import * as Litecoind from "../support/interop/Litecoind.ts"
import * as RealManager from "../support/interop/RealManager.ts"

const block = Effect.fnUntraced(function* (ours: RealManager.RealManager, id: number, of: string) {
  yield* ours.send(id, "getdata", Inventory.getdata.encode([{ kind: Inventory.Kind.block, id: of }]))
  const { body } = yield* ours.heard("block")
  return Result.getOrThrow(Block.block.decode(body))
})

const ids = (ours: RealManager.RealManager) => Effect.map(ours.chain, (headers) => headers.map(({ id }) => id))

/** The heights of all tips that were told. */
const tips = ({ events }: RealManager.RealManager): ReadonlyArray<number> =>
  events.all.flatMap((event) => (event._tag === "Tip" ? [event.height] : []))

const faults = ({ events }: RealManager.RealManager) =>
  events.all.flatMap((event) => (event._tag === "Misbehaved" ? [`${event.fault}: ${event.detail}`] : []))

describe("headers and blocks", () => {
  it.live("of litecoind, 4,100 of them, come in three pages, and go on to a second litecoind that knows none", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const made = yield* core.mine(4_100)
      // Both are on one host, and would else count as one peer.
      const pool = { identity: "endpoint" } as const
      const ours = yield* RealManager.start("ltc-regtest", { services: Service.network, pool })
      yield* ours.call(core.endpoint)
      yield* ours.tip(4_100)
      assert.deepStrictEqual(tips(ours), [2_000, 4_000, 4_100])
      assert.deepStrictEqual(yield* ids(ours), made)
      // It checks their proof of work, which this node cannot.
      const second = yield* Litecoind.start()
      yield* second.dial(ours.endpoint)
      yield* second.node.said(/Synchronizing blockheaders, height: 4100 /)
      assert.deepStrictEqual(faults(ours), [])
    })
  )

  it.live("of litecoind are announced as they are made, and a branch that it goes over to as well", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const made = yield* core.mine(20)
      const ours = yield* RealManager.start("ltc-regtest")
      yield* ours.call(core.endpoint)
      yield* ours.tip(20)
      const [next = ""] = yield* core.mine(1)
      assert.deepInclude(yield* ours.tip(21), { id: next, left: 0, joined: 1 })
      yield* core.invalidate(made[15] ?? "")
      const branch = yield* core.mine(7, "second")
      assert.strictEqual((yield* ours.tip(22)).id, branch[6])
      assert.deepStrictEqual(yield* ids(ours), [...made.slice(0, 15), ...branch])
      const left = ours.events.all.flatMap((event) => (event._tag === "Tip" && event.left > 0 ? [event.left] : []))
      assert.deepStrictEqual(left, [6])
      assert.deepStrictEqual(faults(ours), [])
    })
  )

  it.live("of litecoind: a block is as it was made", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const [made = ""] = yield* core.mine(1)
      const ours = yield* RealManager.start("ltc-regtest")
      yield* ours.call(core.endpoint)
      const { id } = yield* ours.became("Connected")
      const { header, ...rest } = yield* block(ours, id, made)
      assert.strictEqual(header.id, made)
      assert.isUndefined(Block.wrongTree({ header, ...rest }))
    })
  )

  it.live("of bcash are fetched, their proof of work is checked, and new ones are announced", () =>
    Effect.gen(function* () {
      const cash = yield* JsNode.start({ library: "bcash", agent: "/Bitcoin SV:1.2.2/" })
      const made = yield* cash.mine(50)
      const ours = yield* RealManager.start("bsv-regtest")
      yield* ours.call(cash.endpoint)
      const { id } = yield* ours.became("Connected")
      yield* ours.tip(50)
      assert.deepStrictEqual(yield* ids(ours), made)
      const [next = ""] = yield* cash.mine(1)
      assert.strictEqual((yield* ours.tip(51)).id, next)
      const { header, ...rest } = yield* block(ours, id, made[0] ?? "")
      assert.strictEqual(header.id, made[0])
      assert.isUndefined(Block.wrongTree({ header, ...rest }))
      assert.deepStrictEqual(faults(ours), [])
    })
  )
})
