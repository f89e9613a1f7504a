import { assert, describe, it } from "@effect/vitest"
import { type ChainAccount, compare, isTimely, oldOf } from "../../../src/testing/chain/ChainAccount.ts"

const noon = Date.UTC(2030, 0, 1, 12)

describe("whether the chain of a node goes on", () => {
  it("is seen by the node's own clock, however slow or fast that is", () => {
    for (const wrongBy of [-59_000, -18_857, 0, 59_000]) {
      const clock = noon + wrongBy
      assert.isUndefined(oldOf({ clock, truth: noon, block: clock - 18_000 }, 2_000, 3))
      assert.strictEqual(
        oldOf({ clock, truth: noon, block: clock - 18_001 }, 2_000, 3),
        "its last block is 18001 ms old by its clock"
      )
    }
  })

  it("is a matter of turns and ten seconds, and of nothing where anybody makes blocks", () => {
    const aged = (millis: number) => ({ clock: noon, truth: noon, block: noon - millis })
    assert.isUndefined(oldOf(aged(13_000), 1_000, 2))
    assert.isDefined(oldOf(aged(13_001), 1_000, 2))
    assert.isUndefined(oldOf(aged(13_001), 1_000, 3))
    assert.isUndefined(oldOf(aged(3_600_000), undefined, 3))
  })
})

describe("who is judged", () => {
  it("has a clock less than a minute wrong, and a chain less than that ahead of time", () => {
    const times = { clock: noon, truth: noon, block: noon }
    assert.isTrue(isTimely({ ...times, clock: noon - 59_999, block: noon + 59_999 }))
    assert.isTrue(isTimely({ ...times, clock: noon + 59_999, block: noon - 3_600_000 }))
    assert.isFalse(isTimely({ ...times, clock: noon - 60_000 }))
    assert.isFalse(isTimely({ ...times, clock: noon + 60_000 }))
    assert.isFalse(isTimely({ ...times, block: noon + 60_000 }))
  })
})

describe("what keeps the chains from being one", () => {
  const ids = new Map([
    [7, "g"],
    [8, "h"],
    [9, "i"]
  ])
  const at = (height: number, less: Partial<ChainAccount> = {}): ChainAccount => ({
    isJudged: true,
    tip: { id: ids.get(height) ?? "", height },
    ids: new Map([...ids].filter(([each]) => each <= height)),
    wrong: undefined,
    old: undefined,
    best: ids.get(height) ?? "",
    slack: 1,
    ...less
  })
  const wrong = (a: ChainAccount, b: ChainAccount) =>
    compare(
      new Map([
        ["a", a],
        ["b", b]
      ])
    )

  it("is nothing where one is a block behind", () => {
    assert.isUndefined(wrong(at(9), at(9)))
    assert.isUndefined(wrong(at(9), at(8)))
  })

  it("is a tip that is farther behind, another block, a chain that is wrong by itself, and one that has grown old", () => {
    assert.strictEqual(wrong(at(9), at(7)), "b is at 7, and a at 9")
    const branch = at(8, { tip: { id: "x", height: 8 }, ids: new Map([[8, "x"]]), best: "x" })
    assert.strictEqual(wrong(at(9), branch), "b has block x at 8, and a has h")
    assert.strictEqual(wrong(at(9), at(9, { wrong: "a block is broken" })), "b: a block is broken")
    assert.strictEqual(wrong(at(9), at(9, { old: "its last block is old" })), "b: its last block is old")
  })

  it("is nothing of who is not judged, and nothing while nobody gives the body of the best block", () => {
    assert.isUndefined(wrong(at(9), at(7, { isJudged: false, wrong: "a block is broken" })))
    assert.isUndefined(wrong(at(9), at(7, { best: "lost" })))
  })
})
