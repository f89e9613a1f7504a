import { assert, describe, it } from "@effect/vitest"
import * as BlockHeader from "../../../src/protocol/bitcoin/BlockHeader.ts"
import * as HeaderRules from "../../../src/protocol/bitcoin/HeaderRules.ts"
import { type Network, networks } from "../../../src/protocol/bitcoin/Network.ts"
import * as ProofOfWork from "../../../src/protocol/bitcoin/ProofOfWork.ts"
import { HeaderTree } from "../../../src/protocol/chain/HeaderTree.ts"
import * as Miner from "../../support/BitcoinMiner.ts"
import { blockHeaders, blocks, networkNamed } from "../../support/BitcoinVectors.ts"

const regtest = networkNamed("bsv-regtest")
const rich = 4_000_000_000

const treeOf = (network: Network, headers: ReadonlyArray<BlockHeader.BlockHeader> = []) => {
  const root = { header: network.first, height: 0, weight: 1n }
  const tree = new HeaderTree<BlockHeader.BlockHeader>(root, { depth: 5_000, mostBeside: 10, prefers: () => false })
  for (const header of headers) tree.add(header, 1n)
  return tree
}

const judge = (network: Network, before: ReadonlyArray<BlockHeader.BlockHeader>, header: BlockHeader.BlockHeader) => {
  const tree = treeOf(network, before)
  return HeaderRules.objection(network, tree, tree.best, header, rich)
}

describe("the first header", () => {
  it("of each network has the id that real blocks have", () => {
    const real = new Set(blocks().map(({ header }) => header.hash))
    for (const { first, genesis, name } of networks.values()) {
      assert.strictEqual(first.id, genesis)
      if (name !== "ltc-regtest") assert.isTrue(real.has(genesis), name)
    }
    const litecoin = "530827f38f93b43ed12af0b3ad25a288dc02ed74d6d7857862df51fc56c416f9"
    assert.strictEqual(networkNamed("ltc-regtest").genesis, litecoin)
  })
})

describe("a header", () => {
  it("of the real chain may come after the one before it", () => {
    const main = networkNamed("bsv-main")
    const headers = blockHeaders().map(({ hex }) => BlockHeader.decode(Buffer.from(hex, "hex"))!)
    const tree = treeOf(main)
    for (const header of headers) {
      assert.isUndefined(HeaderRules.objection(main, tree, tree.best, header, rich), header.id)
      assert.isDefined(tree.add(header, 1n))
    }
    assert.strictEqual(tree.best.height, headers.length)
  })

  it("must have the work that its bits ask for", () => {
    let header = Miner.next(regtest.first, { network: regtest })
    while (regtest.proofOfWork(header) === undefined) {
      header = BlockHeader.identified({ ...header, nonce: header.nonce + 1 })
    }
    assert.deepInclude(judge(regtest, [], header), { fault: "header-work" })
  })

  it("must have the bits of the one before where they never change", () => {
    const header = Miner.next(regtest.first, { network: regtest, bits: 0x207ffffe })
    assert.deepInclude(judge(regtest, [], header), { fault: "header-bits" })
  })

  it("must be later than the middle of the eleven before it, and may be earlier than the last", () => {
    const before = Miner.chain(regtest.first, 12, { network: regtest, every: 100 })
    const last = before.at(-1)!
    // The middle one of the eleven is the sixth from the end.
    const early = Miner.next(last, { network: regtest, every: -500 })
    assert.deepInclude(judge(regtest, before, early), { fault: undefined })
    assert.isUndefined(judge(regtest, before, Miner.next(last, { network: regtest, every: -499 })))
  })

  it("may be two hours ahead of the clock, and no more", () => {
    const header = Miner.next(regtest.first, { network: regtest })
    const tree = treeOf(regtest)
    const at = (now: number) => HeaderRules.objection(regtest, tree, tree.best, header, now)
    assert.isUndefined(at(header.time - 7_200))
    assert.deepInclude(at(header.time - 7_201), { fault: undefined })
  })
})

describe("bits that follow the time that blocks took", () => {
  /** The rule of the main network with as little work as regtest asks for. */
  const quick: Network = { ...regtest, bits: { _tag: "Retarget", until: 4_031 } }

  it("change after each 2,016 blocks, and not between", () => {
    const half = Miner.chain(quick.first, 2_015, { network: quick, every: 300 })
    const tree = treeOf(quick, half)
    const { first } = quick
    const asked = ProofOfWork.retarget(first.bits, first.time, tree.best.header.time, quick.limit)
    assert.notStrictEqual(asked, first.bits)
    assert.strictEqual(HeaderRules.nextBits(quick, tree, tree.best), asked)
    assert.strictEqual(HeaderRules.nextBits(quick, tree, tree.ancestor(tree.best, 2_014)!), first.bits)
    assert.deepInclude(judge(quick, half, Miner.next(half.at(-1)!, { network: quick })), { fault: "header-bits" })
    assert.isUndefined(judge(quick, half, Miner.next(half.at(-1)!, { network: quick, bits: asked })))
  })

  it("are any from the height on at which another rule holds", () => {
    const ended: Network = { ...quick, bits: { _tag: "Retarget", until: 5 } }
    const tree = treeOf(ended, Miner.chain(quick.first, 5, { network: quick }))
    assert.strictEqual(HeaderRules.nextBits(ended, tree, tree.best), "any")
    assert.strictEqual(HeaderRules.nextBits(ended, tree, tree.ancestor(tree.best, 4)!), quick.first.bits)
  })

  it("are unknown, and the header is not taken, where the first of them is not kept", () => {
    const headers = Miner.chain(quick.first, 2_015, { network: quick })
    const root = { header: headers[0]!, height: 1, weight: 1n }
    const tree = new HeaderTree<BlockHeader.BlockHeader>(root, { depth: 5_000, mostBeside: 10, prefers: () => false })
    for (const header of headers.slice(1)) tree.add(header, 1n)
    assert.strictEqual(HeaderRules.nextBits(quick, tree, tree.best), "unknown")
    const next = Miner.next(headers.at(-1)!, { network: quick })
    assert.include(HeaderRules.objection(quick, tree, tree.best, next, rich)?.detail, "too deep")
  })
})

describe("a block where chains have parted", () => {
  it("is of this network by its id alone", () => {
    const next = Miner.next(regtest.first, { network: regtest })
    const here = { ...regtest, pinned: new Map([[1, next.id]]) }
    assert.isUndefined(judge(here, [], next))
    const there = { ...regtest, pinned: new Map([[1, "ab".repeat(32)]]) }
    assert.include(judge(there, [], next)?.detail, "another chain")
  })
})
