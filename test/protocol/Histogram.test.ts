import { assert, describe, it } from "@effect/vitest"
import * as Histogram from "../../src/protocol/Histogram.ts"

const bounds = [1, 10, 100]
const of = (values: ReadonlyArray<number>) => values.reduce(Histogram.add, Histogram.empty(bounds))

describe("a histogram", () => {
  it("counts a value that is a bound below it, and one above all of them last", () => {
    const histogram = of([0.5, 1, 10, 10.5, 1_000])
    assert.deepStrictEqual(histogram.counts, [2, 1, 1, 1])
    assert.deepStrictEqual(Histogram.cumulative(histogram), [
      [1, 2],
      [10, 3],
      [100, 4]
    ])
    assert.strictEqual(Histogram.size(histogram), 5)
    assert.strictEqual(histogram.sum, 1_022)
    assert.deepStrictEqual([histogram.min, histogram.max], [0.5, 1_000])
  })

  it("is the same when its values come in two parts", () => {
    const values = [3, 0, 99, 100, 101, 7]
    assert.deepStrictEqual(Histogram.merge(of(values.slice(0, 2)), of(values.slice(2))), of(values))
    assert.deepStrictEqual(Histogram.merge(of(values), of([])), of(values))
  })

  it("leaves the one alone to which a value is added", () => {
    const before = of([5])
    Histogram.add(before, 50)
    assert.deepStrictEqual(before, of([5]))
  })
})
