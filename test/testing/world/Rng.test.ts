import { assert, describe, it } from "@effect/vitest"
import { Rng } from "../../../src/testing/world/Rng.ts"

const draws = (rng: Rng, count: number): ReadonlyArray<number> => Array.from({ length: count }, () => rng.u32())

describe("random streams", () => {
  it("give the same numbers for the same seed and name, and others for others", () => {
    assert.deepStrictEqual(draws(new Rng(7, "net"), 100), draws(new Rng(7, "net"), 100))
    assert.notDeepEqual(draws(new Rng(7, "net"), 4), draws(new Rng(8, "net"), 4))
    assert.notDeepEqual(draws(new Rng(7, "net"), 4), draws(new Rng(7, "plan"), 4))
  })

  it("never change: a stored seed means the same run for ever", () => {
    const rng = new Rng(1, "pinned")
    assert.deepStrictEqual(draws(rng, 4), [2809699137, 4074495561, 1984718234, 1565376245])
    assert.strictEqual(rng.exponential(1_000), 655)
  })

  it("are spread evenly", () => {
    const rng = new Rng(3, "spread")
    const buckets = Array.from({ length: 16 }, () => 0)
    for (let i = 0; i < 160_000; i++) buckets[rng.below(16)]!++
    const chiSquare = buckets.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)
    // 15 degrees of freedom: above 40 once in 2,000 streams.
    assert.isBelow(chiSquare, 40)
  })

  it("keep to their bounds", () => {
    const rng = new Rng(4, "bounds")
    for (let i = 0; i < 10_000; i++) {
      const value = rng.between(-3, 3)
      assert.isTrue(value >= -3 && value <= 3 && Number.isInteger(value))
      const double = rng.next()
      assert.isTrue(double >= 0 && double < 1)
    }
    assert.isBelow(rng.below(2 ** 53), 2 ** 53)
    assert.isFalse(rng.chance(0))
    assert.isTrue(rng.chance(1_000_000))
    assert.strictEqual(rng.bytes(7).length, 7)
    assert.strictEqual(rng.pick([]), undefined)
  })

  it("draw exponential times with the right mean and variance", () => {
    const rng = new Rng(5, "exponential")
    const count = 100_000
    let [sum, squares] = [0, 0]
    for (let i = 0; i < count; i++) {
      const value = rng.exponential(1_000)
      sum += value
      squares += value * value
    }
    const mean = sum / count
    assert.closeTo(mean, 1_000, 15)
    assert.closeTo(Math.sqrt(squares / count - mean * mean), 1_000, 25)
  })

  it("shuffle without loss, into every order", () => {
    const rng = new Rng(6, "shuffle")
    const orders = new Set(Array.from({ length: 200 }, () => rng.shuffle("abc").join("")))
    assert.deepStrictEqual([...orders].sort(), ["abc", "acb", "bac", "bca", "cab", "cba"])
  })
})
