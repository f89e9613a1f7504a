import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { add, BloomFilter, load, murmur3, Update } from "../../../src/protocol/bitcoin/BloomFilter.ts"
import * as Hash from "../../../src/protocol/bitcoin/Hash.ts"
import * as Transaction from "../../../src/protocol/bitcoin/Transaction.ts"
import { bytesOf } from "../../support/BitcoinVectors.ts"

/** Those of Bitcoin Core's own tests: seed, data, hash. */
const hashes = [
  [0x00000000, "", 0x00000000],
  [0xfba4c795, "", 0x6a396f08],
  [0xffffffff, "", 0x81f16f39],
  [0x00000000, "00", 0x514e28b7],
  [0xfba4c795, "00", 0xea3f0b17],
  [0x00000000, "ff", 0xfd6cf10d],
  [0x00000000, "0011", 0x16c6b7ab],
  [0x00000000, "001122", 0x8eb51c3d],
  [0x00000000, "00112233", 0xb4471bf8],
  [0x00000000, "0011223344", 0xe2301fa8]
] as const

const elements = [
  "99108ad8ed9bb6274d3980bab5a85c048f0950c8",
  "b5a2c786d9ef4658287ced5914b37a1b4aa32eee",
  "b9300670b4c5366e95b2699e8b18bc75e5f729c5"
].map(bytesOf)

const empty = { bits: new Uint8Array(3), functions: 5, tweak: 0, flags: Update.all }
const wide = { bits: new Uint8Array(1_000), functions: 10, tweak: 7, flags: Update.none }

const key = bytesOf(`02${"11".repeat(32)}`)
const script = Buffer.concat([Uint8Array.of(key.length), key, Uint8Array.of(0xac)])
const paying: Transaction.Transaction = {
  version: 1,
  inputs: [{ previous: "ab".repeat(32), index: 3, script: new Uint8Array(0), sequence: 0 }],
  outputs: [{ value: 5n, script }],
  lockTime: 0
}
const id = Transaction.idOf(paying)
const spending: Transaction.Transaction = {
  ...paying,
  inputs: [{ ...paying.inputs[0]!, previous: id, index: 0 }],
  outputs: []
}
const isSpent = (filter: BloomFilter) => filter.matches(spending, Transaction.idOf(spending))

describe("a bloom filter", () => {
  it("hashes as nodes do", () => {
    for (const [seed, data, hash] of hashes) assert.strictEqual(murmur3(seed, bytesOf(data)), hash, data)
  })

  it("has the bits that nodes give it", () => {
    const filter = new BloomFilter(empty)
    for (const element of elements) {
      assert.isFalse(filter.has(element))
      filter.add(element)
    }
    for (const element of elements) assert.isTrue(filter.has(element))
    const other = bytesOf("19108ad8ed9bb6274d3980bab5a85c048f0950c8")
    assert.isFalse(filter.has(other))
    const loaded = Result.getOrThrow(load.decode(bytesOf("03614e9b050000000000000001")))
    const same = new BloomFilter(loaded)
    for (const element of elements) assert.isTrue(same.has(element))
    assert.isFalse(same.has(other))
  })

  it("comes back from its message, and has a bounded size", () => {
    assert.deepStrictEqual(Result.getOrThrow(load.decode(load.encode(wide))), { ...wide, bits: wide.bits })
    assert.isTrue(Result.isFailure(load.decode(load.encode({ ...wide, bits: new Uint8Array(36_001) }))))
    assert.isTrue(Result.isFailure(load.decode(load.encode({ ...wide, functions: 51 }))))
    assert.isTrue(Result.isFailure(add.decode(add.encode(new Uint8Array(521)))))
    assert.isFalse(new BloomFilter({ ...wide, bits: new Uint8Array(0) }).has(key))
  })

  it("finds transactions by their ids, what they pay to, and what they spend", () => {
    const by = (element: Uint8Array) => {
      const filter = new BloomFilter(wide)
      filter.add(element)
      return filter.matches(paying, id)
    }
    const spent = Buffer.concat([Hash.wire("ab".repeat(32)), Uint8Array.of(3, 0, 0, 0)])
    assert.deepStrictEqual([Hash.wire(id), key, spent].map(by), [true, true, true])
    assert.isFalse(by(bytesOf("00")))
  })

  it("finds what spends a wanted output, if it was asked to", () => {
    const wants = (flags: number, pays: Uint8Array) => {
      const filter = new BloomFilter({ ...wide, flags })
      filter.add(key)
      assert.isTrue(filter.matches({ ...paying, outputs: [{ value: 5n, script: pays }] }, id))
      return isSpent(filter)
    }
    const hidden = script.subarray(0, -1)
    assert.deepStrictEqual(
      [Update.none, Update.all, Update.keys].map((flags) => wants(flags, script)),
      [false, true, true]
    )
    assert.deepStrictEqual(
      [Update.all, Update.keys].map((flags) => wants(flags, hidden)),
      [true, false]
    )
  })
})
