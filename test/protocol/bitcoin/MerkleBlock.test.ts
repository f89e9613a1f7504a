import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Block from "../../../src/protocol/bitcoin/Block.ts"
import * as Hash from "../../../src/protocol/bitcoin/Hash.ts"
import * as MerkleBlock from "../../../src/protocol/bitcoin/MerkleBlock.ts"
import { sha256d } from "../../../src/protocol/bitcoin/Sha256d.ts"
import { networkNamed } from "../../support/BitcoinVectors.ts"

const { first } = networkNamed("bsv-regtest")
const idsOf = (count: number) => Array.from({ length: count }, (_, n) => Hash.display(sha256d(Buffer.from(`tx ${n}`))))

/** What a light client learns of a proof: the root, and the ids that are proven. */
const learn = ({ flags, hashes, transactions }: MerkleBlock.MerkleBlock) => {
  const proven: Array<string> = []
  let [bit, hash] = [0, 0]
  const width = (level: number) => Math.ceil(transactions / 2 ** level)
  const walk = (level: number, place: number): Uint8Array => {
    const leads = ((flags[bit >>> 3]! >>> (bit & 7)) & 1) === 1
    bit++
    if (level === 0 || !leads) {
      const id = hashes[hash++]!
      if (level === 0 && leads) proven.push(id)
      return Hash.wire(id)
    }
    const left = walk(level - 1, 2 * place)
    const right = 2 * place + 1 < width(level - 1) ? walk(level - 1, 2 * place + 1) : left
    return sha256d(Buffer.concat([left, right]))
  }
  let height = 0
  while (width(height) > 1) height++
  const root = Hash.display(walk(height, 0))
  return { root, proven, used: hash === hashes.length && Math.ceil(bit / 8) === flags.length }
}

describe("a proof that transactions are in a block", () => {
  it("leads to the root and to them, of any number of transactions", () => {
    for (const count of [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 100]) {
      const ids = idsOf(count)
      for (const every of [1, 2, 3, 7, 1_000]) {
        const isProven = ids.map((_, n) => n % every === every - 1)
        const message = MerkleBlock.merkleblock.encode(MerkleBlock.prove({ header: first }, ids, isProven))
        const decoded = Result.getOrThrow(MerkleBlock.merkleblock.decode(message))
        assert.deepStrictEqual(decoded.header, first)
        assert.strictEqual(decoded.transactions, count)
        const expected = { root: Block.merkleRoot(ids), proven: ids.filter((_, n) => isProven[n]), used: true }
        assert.deepStrictEqual(learn(decoded), expected, `${count} transactions, every ${every}`)
      }
    }
  })

  it("is one hash where nothing is proven", () => {
    const { flags, hashes } = MerkleBlock.prove(
      { header: first },
      idsOf(50),
      Array.from({ length: 50 }, () => false)
    )
    assert.deepStrictEqual([hashes, Array.from(flags)], [[Block.merkleRoot(idsOf(50))], [0]])
  })
})
