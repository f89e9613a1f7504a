import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Heap } from "../../src/protocol/Heap.ts"

const Steps = Schema.Array(Schema.Union([Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })), Schema.Null]))

describe("Heap", () => {
  it.prop("gives what a sorted list would, of equals the first one, whenever it is asked", [Steps], ([steps]) => {
    const heap = new Heap<{ readonly due: number; readonly id: number }>((a, b) => a.due < b.due)
    const list: Array<{ readonly due: number; readonly id: number }> = []
    for (const [id, due] of steps.entries()) {
      if (due === null) {
        const next = list.reduce<(typeof list)[number] | undefined>(
          (a, b) => (a === undefined || b.due < a.due ? b : a),
          undefined
        )
        assert.strictEqual(heap.first, next)
        assert.strictEqual(heap.pop(), next)
        if (next !== undefined) list.splice(list.indexOf(next), 1)
      } else {
        const item = { due, id }
        heap.push(item)
        list.push(item)
      }
      assert.strictEqual(heap.size, list.length)
    }
  })
})
