import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { TokenBucket } from "../../../src/protocol/link/TokenBucket.ts"

const rate = { burst: 10, perSecond: 5 }
/** One that does not give a token every so many whole milliseconds. */
const odd = { burst: 10, perSecond: 7 }

/** How many single tokens can be taken now. */
const takable = (bucket: TokenBucket, now: number): number => {
  let n = 0
  while (bucket.take(now)) n++
  return n
}

describe("a token bucket", () => {
  it("gives a burst at once, then the rate", () => {
    const bucket = new TokenBucket(rate, 1_000)
    assert.strictEqual(takable(bucket, 1_000), 10)
    assert.strictEqual(takable(bucket, 1_199), 0)
    assert.strictEqual(takable(bucket, 1_200), 1)
    assert.strictEqual(takable(bucket, 2_200), 5)
  })

  it("holds no more than a burst, however long nobody takes any", () => {
    const bucket = new TokenBucket(rate, 0)
    assert.strictEqual(bucket.tokens(1e12), 10)
    assert.strictEqual(takable(bucket, 1e12), 10)
  })

  it("takes all of a cost or nothing", () => {
    const bucket = new TokenBucket(rate, 0)
    assert.isTrue(bucket.take(0, 7))
    assert.isFalse(bucket.take(0, 4))
    assert.isTrue(bucket.take(0, 3))
    assert.strictEqual(bucket.tokens(0), 0)
  })

  it("says when a cost can be paid, and never for one above a burst", () => {
    const bucket = new TokenBucket(rate, 0)
    assert.strictEqual(bucket.waitMillis(0, 10), 0)
    assert.strictEqual(bucket.waitMillis(0, 11), Number.POSITIVE_INFINITY)
    bucket.take(0, 10)
    assert.strictEqual(bucket.waitMillis(0), 200)
    assert.strictEqual(bucket.waitMillis(100, 2), 300)
    assert.isFalse(bucket.take(399, 2))
    assert.isTrue(bucket.take(400, 2))
  })

  it("lets those who spend on credit go one after the other", () => {
    const bucket = new TokenBucket(rate, 0)
    const waits = Array.from({ length: 14 }, () => bucket.spend(0))
    assert.deepStrictEqual(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 400, 600, 800])
    assert.strictEqual(bucket.tokens(0), -4)
    assert.isFalse(bucket.take(999))
    assert.isTrue(bucket.take(1_000))
    assert.strictEqual(new TokenBucket(rate, 0).spend(0, 100), 18_000)
  })

  it("gives nothing for a clock that goes back, and goes on from there", () => {
    const bucket = new TokenBucket(rate, 10_000)
    takable(bucket, 10_000)
    assert.strictEqual(takable(bucket, 1_000), 0)
    assert.strictEqual(takable(bucket, 1_400), 2)
  })

  const Calls = Schema.Array(
    Schema.Struct({
      wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_000 })),
      cost: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 }))
    })
  ).check(Schema.isMaxLength(60))

  it("rounds waits up, so that the token is there when the wait is over", () => {
    const bucket = new TokenBucket(odd, 0)
    assert.strictEqual(bucket.spend(0, 11), 143)
    assert.strictEqual(bucket.waitMillis(0), 286)
    assert.isFalse(bucket.take(285))
    assert.isTrue(bucket.take(286))
  })

  /** Over any time, what was taken is at most a burst and what came meanwhile. Waits may be a millisecond too long. */
  const keepsRate = (taken: ReadonlyArray<readonly [at: number, cost: number]>) => {
    for (const [i, [from]] of taken.entries()) {
      let sum = 0
      for (const [at, cost] of taken.slice(i)) {
        sum += cost
        assert.isAtMost(sum, odd.burst + ((at - from + 1) * odd.perSecond) / 1_000)
      }
    }
  }

  it.prop("never gives more than a burst and the rate over any time", [Calls], ([calls]) => {
    const bucket = new TokenBucket(odd, 0)
    const taken: Array<readonly [at: number, cost: number]> = []
    let now = 0
    for (const { cost, wait } of calls) {
      now += wait
      const announced = bucket.waitMillis(now, cost)
      assert.strictEqual(bucket.take(now, cost), announced === 0)
      if (announced === 0) taken.push([now, cost])
    }
    keepsRate(taken)
  })

  it.prop("is kept to by those who wait as they are told", [Calls], ([calls]) => {
    const bucket = new TokenBucket(odd, 0)
    const spent: Array<readonly [at: number, cost: number]> = []
    let now = 0
    for (const { cost, wait } of calls) {
      now += wait
      const at = now + bucket.spend(now, Math.min(cost, odd.burst))
      assert.isAtLeast(at, spent.at(-1)?.[0] ?? 0)
      spent.push([at, Math.min(cost, odd.burst)])
    }
    keepsRate(spent)
  })
})
