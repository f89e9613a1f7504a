import { assert, describe, it } from "@effect/vitest"
import { densest } from "./HubReturn.ts"

describe("the most moments within a span", () => {
  const moments = [100, 101, 102, 103, 150, 400, 401]

  it("are counted wherever the span begins", () => {
    assert.strictEqual(densest(moments, 10), 4)
    assert.strictEqual(densest(moments, 60), 5)
    assert.strictEqual(densest([], 10), 0)
  })

  it("count for less where a standstill right before has brought them together", () => {
    assert.strictEqual(densest(moments, 10, [{ at: 99, millis: 30 }]), 2)
    assert.strictEqual(densest(moments, 10, [{ at: 104, millis: 30 }]), 2)
    assert.strictEqual(densest(moments, 10, [{ at: 70, millis: 30 }]), 4)
    assert.strictEqual(densest(moments, 10, [{ at: 399, millis: 30 }]), 4)
  })
})
