import { assert, describe, it } from "@effect/vitest"
import type { Fault, When } from "../../../src/testing/faults/FaultPlan.ts"
import { describe as say, describeFault, span } from "../../../src/testing/faults/Words.ts"

describe("faults in words", () => {
  it("say when, what, where and how long", () => {
    const cases: ReadonlyArray<readonly [When, Fault, string]> = [
      [
        { at: 1_500 },
        { _tag: "Partition", for: 3_000, shape: "split", side: ["a", "b"], oneWay: true },
        "at 1.5 s: partition for 3 s: split a,b, one way"
      ],
      [{ at: 0 }, { _tag: "Partition", for: 500, shape: "ring", side: [] }, "at 0 ms: partition for 500 ms: ring"],
      [
        { frame: { kind: "DATA", from: "a", to: "b", nth: 3 } },
        { _tag: "Close", from: "a", to: "b", how: "rst" },
        "after DATA 3 from a to b: close between a and b with rst"
      ],
      [
        { commit: { node: "b", nth: 12 } },
        { _tag: "Kill", node: "b", down: 2_000, end: "fin", wipe: true },
        "after commit 12 of b: kill b for 2 s with fin, disk lost"
      ],
      [{ event: 7 }, { _tag: "Loss", to: "c", for: 900_000, share: 0.2 }, "at event 7: 20 % loss around c for 15 min"],
      [
        { site: { name: "delivery.batch-sent-again", node: "a", nth: 1 } },
        { _tag: "Dials", from: "a", oneWay: true, for: 10, how: "slow", share: 1, takes: 900 },
        "at pass 1 of delivery.batch-sent-again at a: 100 % of dials from a to all slow (900 ms) for 10 ms"
      ]
    ]
    for (const [when, fault, words] of cases) assert.strictEqual(say({ when, fault }), words)
  })

  it("tell back from ahead", () => {
    assert.strictEqual(describeFault({ _tag: "ClockStep", node: "a", by: -90 }), "the clock of a jumps back by 90 ms")
    assert.strictEqual(describeFault({ _tag: "ClockStep", node: "a", by: 90 }), "the clock of a jumps ahead by 90 ms")
  })

  it("give times without the digits that nobody reads", () => {
    assert.deepStrictEqual([0.0005, 1 / 3, 16_752, 895_004, 200_000_001].map(span), [
      "0.0005 ms",
      "0.333333 ms",
      "16.752 s",
      "14.9 min",
      "2.31 days"
    ])
  })

  it("give times in a unit that fits", () => {
    assert.deepStrictEqual([3, 59_000, 1_800_000, 30 * 86_400_000].map(span), ["3 ms", "59 s", "30 min", "30 days"])
  })
})
