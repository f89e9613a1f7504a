import { assert, describe, it } from "@effect/vitest"
import { ItemPool, type Limits } from "../../../src/protocol/chain/ItemPool.ts"

const limits: Limits = { items: 4, bytes: 100, block: 50, overhead: 4 }
const item = (size: number, mark = 0): Uint8Array => new Uint8Array(size).fill(mark)
const marks = (items: ReadonlyArray<Uint8Array>): ReadonlyArray<number> => items.map((one) => one[0] ?? -1)

const pool = (...sizes: ReadonlyArray<number>): ItemPool => {
  const made = new ItemPool(limits)
  sizes.forEach((size, at) => assert.isUndefined(made.add(item(size, at))))
  return made
}

describe("what waits for a block", () => {
  it("fills a block in the order in which it came, each item with its overhead", () => {
    assert.deepStrictEqual(marks(pool(20, 22, 1).next), [0, 1])
    assert.deepStrictEqual(marks(pool(20, 23, 1).next), [0])
    assert.deepStrictEqual(marks(pool(1, 2).next), [0, 1])
    assert.deepStrictEqual(pool().next, [])
  })

  it("stays until it is part of a block", () => {
    const it = pool(20, 20, 20)
    it.taken(it.next)
    assert.deepStrictEqual(marks(it.next), [2])
    assert.strictEqual(it.bytes, 20)
    assert.strictEqual(it.size, 1)
  })

  it("goes first when its block is not on the chain any more", () => {
    const it = pool(20, 20)
    const [first] = it.next
    it.taken([first!])
    it.returned([first!])
    assert.deepStrictEqual(marks(it.next), [0, 1])
  })

  it("is refused beyond the items, the bytes, and what a block takes", () => {
    assert.include(pool(1, 1, 1, 1).add(item(1))?.message ?? "", "4 items wait already")
    assert.include(pool(40, 40).add(item(21))?.message ?? "", "of 80 bytes")
    assert.isUndefined(pool(40, 40).add(item(20)))
    assert.include(pool().add(item(47))?.message ?? "", "it has 47 bytes, 46 are allowed")
    assert.isUndefined(pool().add(item(46)))
  })
})
