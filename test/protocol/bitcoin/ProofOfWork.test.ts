import { assert, describe, it } from "@effect/vitest"
import * as BlockHeader from "../../../src/protocol/bitcoin/BlockHeader.ts"
import * as Locator from "../../../src/protocol/chain/Locator.ts"
import { PayloadReader } from "../../../src/protocol/bitcoin/PayloadReader.ts"
import * as ProofOfWork from "../../../src/protocol/bitcoin/ProofOfWork.ts"
import { blockHeaders, bytesOf, hexOf, locators, proofs } from "../../support/BitcoinVectors.ts"

const header = (hex: string) => BlockHeader.read(new PayloadReader(bytesOf(hex)))!

describe("a block header", () => {
  it("is read as nodes read it, linked to the one before, and written as it was", () => {
    let previous: string | undefined
    for (const { hash, hex, height: _height, merkleRoot, prev, ...rest } of blockHeaders()) {
      const read = header(hex)
      assert.deepStrictEqual(read, {
        id: hash,
        previous: prev,
        merkleRoot,
        ...rest,
        bits: Number.parseInt(rest.bits, 16)
      })
      if (previous !== undefined) assert.strictEqual(read.previous, previous)
      previous = read.id
      assert.strictEqual(hexOf(BlockHeader.encode(read)), hex)
      assert.isUndefined(ProofOfWork.sha256d(ProofOfWork.mainLimit)(read))
    }
    assert.isUndefined(BlockHeader.read(new PayloadReader(new Uint8Array(79))))
  })
})

describe("proof of work", () => {
  const limits = { main: ProofOfWork.mainLimit, regtest: ProofOfWork.regtestLimit }
  for (const proof of proofs()) {
    it(`is judged as nodes judge it: ${proof.kind} ${proof.kind === "compact" ? proof.bits : ""}`, () => {
      if (proof.kind === "compact") {
        const bits = Number.parseInt(proof.bits, 16)
        const target = ProofOfWork.target(bits)
        assert.strictEqual(target !== undefined && target <= limits.main, proof.validForMain)
        assert.strictEqual(target !== undefined && target <= limits.regtest, proof.validForRegtest)
        if (proof.validForRegtest) {
          assert.strictEqual(target?.toString(16).padStart(64, "0"), proof.target)
          assert.strictEqual(ProofOfWork.work(bits).toString(16), proof.work)
        } else
          assert.strictEqual(ProofOfWork.sha256d(limits.regtest)({ bits, id: "0".repeat(64) })?.slice(0, 4), "bits")
      } else if (proof.kind === "check") {
        assert.strictEqual(ProofOfWork.sha256d(limits[proof.limit])(header(proof.header)) === undefined, proof.ok)
      } else {
        const { expectedBits, firstTime, lastBits, lastTime } = proof
        const next = ProofOfWork.retarget(Number.parseInt(lastBits, 16), firstTime, lastTime, limits.main)
        assert.strictEqual(next.toString(16), expectedBits)
      }
    })
  }

  it("has bits that are packed as they are unpacked", () => {
    for (const bits of [0x1d00ffff, 0x207fffff, 0x1b0404cb, 0x01120000, 0x02123400, 0x03123456, 0x05009234]) {
      assert.strictEqual(ProofOfWork.bitsOf(ProofOfWork.target(bits)!), bits)
    }
  })
})

describe("a locator", () => {
  for (const { expectedHeights, id, locatorStartHeight } of locators()) {
    it(`names the blocks that a real node names: ${id}`, () => {
      assert.deepStrictEqual(Locator.heights(locatorStartHeight), expectedHeights)
    })
  }

  it("stays within what nodes take, however long the chain is", () => {
    assert.isAtMost(Locator.heights(2 ** 31 - 1).length, 101, "nodes of BTC close on more")
  })
})
