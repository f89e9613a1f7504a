import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { percentile } from "../../../src/programs/demo/Percentile.ts"

describe("a percentile", () => {
  it("is the nearest rank, one of the values", () => {
    const values = [15, 20, 35, 40, 50]
    assert.deepStrictEqual(
      [5, 30, 40, 50, 100].map((percent) => percentile(values, percent)),
      [15, 20, 20, 35, 50]
    )
    assert.strictEqual(
      percentile(
        Array.from({ length: 100 }, (_, index) => index + 1),
        99
      ),
      99
    )
  })

  it("does not exist without values, and sorts numbers as numbers", () => {
    assert.isUndefined(percentile([], 50))
    assert.strictEqual(percentile([100, 9, 20], 50), 20)
  })

  const Values = Schema.NonEmptyArray(Schema.Int)
  const Percent = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))
  it.prop(
    "has at least its share of the values at or below it, and too few below it",
    [Values, Percent],
    ([values, percent]) => {
      const found = percentile(values, percent)!
      const share = (percent / 100) * values.length
      assert.isAtLeast(values.filter((value) => value <= found).length, share - 1e-9)
      assert.isBelow(values.filter((value) => value < found).length, share)
    }
  )
})
