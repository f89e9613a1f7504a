import { assert, describe, it } from "@effect/vitest"
import { TokenBuckets } from "../../../src/protocol/link/TokenBuckets.ts"

const rate = { burst: 2, perSecond: 1 }

describe("token buckets by name", () => {
  it("limit each name for itself", () => {
    const buckets = new TokenBuckets(rate, 10)
    assert.deepStrictEqual(
      ["a", "a", "a", "b", "a", "b", "b"].map((name) => buckets.take(name, 0)),
      [true, true, false, true, false, true, false]
    )
    assert.isTrue(buckets.take("a", 1_000))
    assert.isFalse(buckets.take("a", 1_000))
  })

  it("remember no more names than allowed, and forget the one that was quiet for the longest time", () => {
    const buckets = new TokenBuckets(rate, 3)
    for (const name of ["a", "a", "b", "b", "c", "c"]) buckets.take(name, 0)
    assert.isFalse(buckets.take("a", 0))
    assert.isTrue(buckets.take("d", 0))
    assert.strictEqual(buckets.size, 3)
    assert.isFalse(buckets.take("a", 0), "it asked after b and c")
    assert.isFalse(buckets.take("c", 0))
    assert.isTrue(buckets.take("b", 0), "it was forgotten, and begins anew")
    for (let n = 0; n < 1_000; n++) buckets.take(`name ${n}`, n)
    assert.strictEqual(buckets.size, 3)
  })
})
