import { assert, describe, it } from "@effect/vitest"
import { PresentLives } from "../../../src/testing/cluster/PresentLives.ts"

describe("what present lives have", () => {
  it("is theirs until the node has another life, and each node's own", () => {
    const lives = new PresentLives<Array<string>>(() => [])
    lives.of("a", 1).push("first")
    lives.of("b", 1).push("other")
    assert.deepStrictEqual(lives.of("a", 1), ["first"])
    assert.deepStrictEqual(lives.of("a", 2), [])
    assert.deepStrictEqual(lives.of("a", 1), [])
    assert.deepStrictEqual(lives.of("b", 1), ["other"])
  })
})
