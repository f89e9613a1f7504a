import { assert, describe, it } from "@effect/vitest"
import * as Production from "../../../src/protocol/chain/Production.ts"

const situation = {
  tip: { height: 5, time: 10_000 },
  place: 0,
  producers: 3,
  interval: 1_000,
  behind: 0,
  unanswered: 0
} satisfies Production.Situation

describe("producing", () => {
  it("is the turn of one producer at each height, and of the others at half an interval's distance each", () => {
    const times = [0, 1, 2].map((place) => Production.decide({ ...situation, place }))
    assert.deepStrictEqual(times, [
      { _tag: "At", time: 11_000 },
      { _tag: "At", time: 11_500 },
      { _tag: "At", time: 12_000 }
    ])
    const next = { ...situation, tip: { height: 6, time: 10_000 } }
    assert.deepStrictEqual(Production.decide({ ...next, place: 1 }), { _tag: "At", time: 11_000 })
    assert.deepStrictEqual(Production.decide({ ...next, place: 0 }), { _tag: "At", time: 12_000 })
  })

  it("is one producer's alone at every interval", () => {
    for (const height of [0, 1, 2, 99]) {
      const decision = Production.decide({ ...situation, producers: 1, tip: { height, time: 10_000 } })
      assert.deepStrictEqual(decision, { _tag: "At", time: 11_000 })
    }
  })

  it("is never at the time of the block before", () => {
    assert.deepStrictEqual(Production.decide({ ...situation, interval: 0 }), { _tag: "At", time: 10_001 })
  })

  it("waits while blocks of the best chain are missing", () => {
    assert.deepStrictEqual(Production.decide({ ...situation, behind: 1 }), {
      _tag: "Wait",
      why: "1 blocks of the best chain are missing"
    })
  })

  it("waits for the answers of those who are connected: nothing heard is no agreement", () => {
    const decision = Production.decide({ ...situation, unanswered: 2 })
    assert.deepStrictEqual(decision, { _tag: "Wait", why: "2 peers have not said yet whether they have more blocks" })
  })
})
