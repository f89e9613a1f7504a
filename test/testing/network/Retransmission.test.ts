import { assert, describe, it } from "@effect/vitest"
import { firstWait, lateness, lossOf, residual } from "../../../src/testing/network/Retransmission.ts"
import { Rng } from "../../../src/testing/world/Rng.ts"

const second = 1_000_000

describe("retransmission", () => {
  it("notices the end of an outage at the next try, of which each waits twice as long as the one before", () => {
    const first = second / 4
    // Tries at 0.25, 0.75, 1.75, 3.75, 7.75, 15.75, 31.75 and 63.75 s.
    for (const [outage, left] of [
      [1, 0.75],
      [3.75, 0],
      [8, 7.75],
      [35, 28.75]
    ] as const)
      assert.strictEqual(residual(outage * second, first), left * second)
  })

  it("waits no longer than the outage was, and two minutes at most", () => {
    const rng = new Rng(1, "outages")
    for (let i = 0; i < 10_000; i++) {
      const outage = rng.below(10 ** rng.between(1, 11))
      const left = residual(outage, firstWait(rng))
      assert.isTrue(left >= 0 && left <= Math.min(outage, 120 * second), `${left} after ${outage}`)
    }
    // After 122.64 s there is a try every two minutes.
    assert.strictEqual(residual(10_000 * second, 240_000), 82_640_000)
  })

  it("loses nothing without loss, and delivers even if all is lost, after as many tries as a system makes", () => {
    const rng = new Rng(1, "losses")
    for (let i = 0; i < 1_000; i++) assert.strictEqual(lateness(lossOf(0), rng), 0)
    // 0.2 s twice as often as two minutes allow, and then two minutes again and again.
    const doubled = 0.2 * (2 ** 10 - 1)
    assert.strictEqual(lateness(lossOf(1), rng), (doubled + 5 * 120) * second)
  })

  it("waits 200 to 300 ms at first", () => {
    const rng = new Rng(1, "first")
    const waits = Array.from({ length: 1_000 }, () => firstWait(rng))
    assert.isAtLeast(Math.min(...waits), 200_000)
    assert.isAtMost(Math.max(...waits), 300_000)
    assert.isAbove(Math.max(...waits) - Math.min(...waits), 95_000)
  })
})
