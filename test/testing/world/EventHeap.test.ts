import { assert, describe, it } from "@effect/vitest"
import { EventHeap } from "../../../src/testing/world/EventHeap.ts"
import { Rng } from "../../../src/testing/world/Rng.ts"

const nothing = () => undefined
const drain = (heap: EventHeap): ReadonlyArray<number> => {
  const times: Array<number> = []
  for (let event = heap.take(); event !== undefined; event = heap.take()) times.push(event.at)
  return times
}

describe("the heap of events", () => {
  it("gives the earliest first, whatever the order of adding and cancelling", () => {
    const rng = new Rng(1, "heap")
    for (let round = 0; round < 50; round++) {
      const heap = new EventHeap()
      const added = Array.from({ length: 300 }, () => heap.add(rng.below(100), 0, nothing))
      const kept = added.filter((event) => {
        if (!rng.chance(600_000)) return true
        heap.cancel(event)
        heap.cancel(event)
        return false
      })
      assert.strictEqual(heap.size, kept.length)
      const expected = kept.map(({ at }) => at).sort((a, b) => a - b)
      assert.strictEqual(heap.next, expected[0])
      assert.deepStrictEqual(drain(heap), expected)
      assert.strictEqual(heap.size, 0)
    }
  })

  it("orders events of one time by rank, then by age", () => {
    const heap = new EventHeap()
    const order: Array<string> = []
    heap.add(5, 1, () => order.push("later rank"))
    heap.add(5, 0, () => order.push("first"))
    heap.add(5, 0, () => order.push("second"))
    for (let event = heap.take(); event !== undefined; event = heap.take()) event.run?.()
    assert.deepStrictEqual(order, ["first", "second", "later rank"])
  })

  it("does not keep what was cancelled", () => {
    const heap = new EventHeap()
    for (let i = 0; i < 100_000; i++) heap.cancel(heap.add(1_000_000 + i, 0, nothing))
    assert.isBelow(heap.held, 200)
  })
})
