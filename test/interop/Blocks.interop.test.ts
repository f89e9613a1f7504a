/** Headers and blocks that real nodes have made and sent, read message by message. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as Block from "../../src/protocol/bitcoin/Block.ts"
import type { BlockHeader } from "../../src/protocol/bitcoin/BlockHeader.ts"
import * as Hash from "../../src/protocol/bitcoin/Hash.ts"
import * as Headers from "../../src/protocol/bitcoin/Headers.ts"
import * as Inventory from "../../src/protocol/bitcoin/Inventory.ts"
import * as ProofOfWork from "../../src/protocol/bitcoin/ProofOfWork.ts"
import * as Version from "../../src/protocol/bitcoin/Version.ts"
import * as JsNode from "../support/interop/JsNode.ts"
import * as Litecoind from "../support/interop/Litecoind.ts"
import * as RealManager from "../support/interop/RealManager.ts"

/** One answer to the question what comes after this block. */
const page = Effect.fnUntraced(function* (ours: RealManager.RealManager, id: number, after: string) {
  const question = { version: Version.current, locator: [after], stop: Hash.zero }
  const place = ours.messages.count
  yield* ours.send(id, "getheaders", Headers.getheaders.encode(question))
  const { body } = yield* ours.heard("headers", place)
  return Result.getOrThrow(Headers.headers.decode(body))
})

/** All that a peer has, in the pages in which it sends them. */
const pages = Effect.fnUntraced(function* (ours: RealManager.RealManager, id: number) {
  const all: Array<ReadonlyArray<BlockHeader>> = []
  let last = ours.config().network.genesis
  while (true) {
    const headers = yield* page(ours, id, last)
    for (const header of headers) {
      assert.strictEqual(header.previous, last)
      last = header.id
    }
    all.push(headers)
    if (headers.length < Headers.mostHeaders) return all
  }
})

const block = Effect.fnUntraced(function* (ours: RealManager.RealManager, id: number, of: string) {
  yield* ours.send(id, "getdata", Inventory.getdata.encode([{ kind: Inventory.Kind.block, id: of }]))
  const { body } = yield* ours.heard("block")
  return Result.getOrThrow(Block.block.decode(body))
})

describe("headers and blocks", () => {
  it.live("of litecoind come in three pages of 2,000 where it has 4,100, and a block as it was made", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const made = yield* core.mine(4_100)
      const ours = yield* RealManager.start("ltc-regtest")
      yield* ours.call(core.endpoint)
      const { id } = yield* ours.became("Connected")
      assert.strictEqual((yield* ours.peer(id)).version?.height, 4_100)
      const all = yield* pages(ours, id)
      assert.deepStrictEqual(
        all.map((headers) => headers.length),
        [2_000, 2_000, 100]
      )
      assert.deepStrictEqual(
        all.flat().map((header) => header.id),
        made
      )
      const last = yield* block(ours, id, made[4_099] ?? "")
      assert.deepStrictEqual(last.header, all[2]?.[99])
      assert.isUndefined(Block.wrongTree(last))
    })
  )

  it.live("of bcash have proof of work, and a block is as it was made", () =>
    Effect.gen(function* () {
      const cash = yield* JsNode.start({ library: "bcash", agent: "/Bitcoin SV:1.2.2/" })
      const made = yield* cash.mine(50)
      const ours = yield* RealManager.start("bsv-regtest")
      yield* ours.call(cash.endpoint)
      const { id } = yield* ours.became("Connected")
      const headers = (yield* pages(ours, id)).flat()
      assert.deepStrictEqual(
        headers.map((header) => header.id),
        made
      )
      const judge = ProofOfWork.sha256d(ProofOfWork.regtestLimit)
      assert.deepStrictEqual(
        headers.map(judge),
        headers.map(() => undefined)
      )
      const first = yield* block(ours, id, made[0] ?? "")
      assert.deepStrictEqual(first.header, headers[0])
      assert.isUndefined(Block.wrongTree(first))
    })
  )
})
