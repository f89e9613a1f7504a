import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Block from "../../../src/protocol/bitcoin/Block.ts"
import * as Hash from "../../../src/protocol/bitcoin/Hash.ts"
import * as ProofOfWork from "../../../src/protocol/bitcoin/ProofOfWork.ts"
import { idOf, tx } from "../../../src/protocol/bitcoin/Transaction.ts"
import { RegtestChain } from "../../../src/testing/bitcoin/RegtestChain.ts"
import { blocks, hexOf } from "../../support/BitcoinVectors.ts"

const chain = RegtestChain.make({ seed: 7, blocks: 160 })
const zero = Hash.zero
const ids = (found: ReturnType<RegtestChain["after"]>) => found?.map(({ id }) => chain.heightOf(id))

describe("a regtest chain", () => {
  it("begins with the real first block", () => {
    const real = blocks().find(({ header }) => header.hash === chain.network.genesis)!
    assert.strictEqual(hexOf(Block.block.encode(chain.blocks[0]!)), real.raw)
  })

  it("has work, whole trees and links, and can be read by anybody", () => {
    assert.strictEqual(chain.height, 160)
    const work = ProofOfWork.sha256d(ProofOfWork.regtestLimit)
    for (const [height, one] of chain.blocks.entries()) {
      const { header } = one
      assert.isUndefined(work(header))
      assert.isUndefined(Block.wrongTree(one))
      assert.strictEqual(header.bits, 0x207f_ffff)
      if (height > 0) assert.strictEqual(header.previous, chain.blocks[height - 1]!.header.id)
      assert.deepStrictEqual(Result.getOrThrow(Block.block.decode(chain.payload(header.id)!)).header, header)
    }
  })

  it("spends coins that may be spent, and no more than there are", () => {
    const block = chain.blocks[155]!
    const [coins, spending] = block.transactions
    assert.isAtLeast(tx.encode(coins!).length, 100)
    assert.strictEqual(coins!.outputs[0]!.value, 2_500_000_000n)
    const [spent] = chain.blocks[55]!.transactions
    assert.strictEqual(spending!.inputs[0]!.previous, idOf(spent!))
    const sum = spending!.outputs.reduce((sum, { value }) => sum + value, 0n)
    assert.strictEqual(sum, spent!.outputs[0]!.value)
    assert.strictEqual(chain.blocks[100]!.transactions.length, 1)
  })

  it("is the same for the same seed, and another for another", () => {
    assert.strictEqual(RegtestChain.make({ seed: 7, blocks: 160 }).tip.header.id, chain.tip.header.id)
    assert.notStrictEqual(RegtestChain.make({ seed: 8, blocks: 160 }).tip.header.id, chain.tip.header.id)
    assert.strictEqual(
      RegtestChain.make({ seed: 7, blocks: 160, network: "btc-regtest" }).tip.header.id,
      chain.tip.header.id
    )
  })

  it("grows, and parts in two", () => {
    const longer = chain.extend({ seed: 1, blocks: 2 })
    assert.strictEqual(longer.blocks[161]!.header.previous, chain.tip.header.id)
    const other = chain.fork({ after: 158, seed: 1, blocks: 3 })
    assert.strictEqual(other.height, 161)
    assert.strictEqual(other.blocks[158]!.header.id, chain.blocks[158]!.header.id)
    assert.notStrictEqual(other.blocks[159]!.header.id, chain.blocks[159]!.header.id)
    assert.throws(() => chain.fork({ after: 161, seed: 1, blocks: 1 }), /no height 161/)
  })

  it("answers questions for headers as nodes do", () => {
    const id = (height: number) => chain.blocks[height]!.header.id
    assert.deepStrictEqual(ids(chain.after({ locator: ["ab".repeat(32), id(5)], stop: zero }, 3)), [6, 7, 8])
    assert.deepStrictEqual(ids(chain.after({ locator: [id(5)], stop: id(6) }, 2_000)), [6])
    assert.deepStrictEqual(ids(chain.after({ locator: [id(160)], stop: zero }, 2_000)), [])
    assert.deepStrictEqual(ids(chain.after({ locator: ["ab".repeat(32)], stop: zero }, 2)), [1, 2])
    assert.deepStrictEqual(ids(chain.after({ locator: [], stop: id(9) }, 2)), [9])
    assert.isUndefined(chain.after({ locator: [], stop: zero }, 2))
  })
})
