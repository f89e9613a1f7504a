import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Backoff from "../../src/protocol/Backoff.ts"
import { seeded } from "../support/Malformed.ts"

const Failures = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_000 }))
const Unit = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999_999 }))

describe("a wait", () => {
  it.prop("is a whole number of milliseconds below its ceiling, which is capped", [Failures, Unit], ([failures, n]) => {
    for (const policy of [Backoff.redial, Backoff.redeliver]) {
      const wait = Backoff.delay(policy, failures, n / 1_000_000)
      assert.isTrue(Number.isSafeInteger(wait))
      assert.isAtLeast(wait, 0)
      assert.isBelow(wait, Backoff.ceiling(policy, failures))
      assert.isAtMost(Backoff.ceiling(policy, failures), policy.capMillis)
    }
  })

  it("has ceilings that double from 1 s to the cap", () => {
    const ceilings = (policy: Backoff.Policy, n: number) =>
      Array.from({ length: n }, (_, i) => Backoff.ceiling(policy, i))
    assert.deepStrictEqual(ceilings(Backoff.redial, 8), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
    assert.deepStrictEqual(ceilings(Backoff.redeliver, 10).slice(-2), [256_000, 300_000])
    assert.strictEqual(Backoff.ceiling(Backoff.redial, 1e9), 60_000)
  })

  it("is spread over the whole range: full jitter", () => {
    const random = seeded(7)
    const waits = Array.from({ length: 10_000 }, () => Backoff.delay(Backoff.redial, 20, random()))
    const quarters = [0, 0, 0, 0]
    for (const wait of waits) quarters[Math.floor(wait / 15_000)]!++
    for (const count of quarters) assert.isTrue(count > 2_300 && count < 2_700, quarters.join(" "))
  })
})
