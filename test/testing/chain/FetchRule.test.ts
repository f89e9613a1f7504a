import { assert, describe, it } from "@effect/vitest"
import { FetchRule } from "../../../src/testing/chain/FetchRule.ts"

const asks = (rule: FetchRule<string>, peer: string, request: number, at = 0) =>
  rule.asked(peer, request, ["x", "y"], at)

describe("the rule of how often a body may be asked for", () => {
  it("allows two asks, and names the body of a third", () => {
    const rule = new FetchRule<string>()
    assert.isUndefined(asks(rule, "a", 1))
    assert.isUndefined(asks(rule, "b", 2))
    assert.strictEqual(rule.asked("c", 3, ["y"], 1_000), "y")
  })

  it("counts nobody who has left, who has none, or who has kept silent for long", () => {
    const rule = new FetchRule<string>()
    asks(rule, "a", 1)
    rule.left("a")
    asks(rule, "b", 2)
    rule.answered("b", 2, 1, true)
    assert.isUndefined(asks(rule, "c", 3))
    assert.strictEqual(asks(rule, "d", 4), "x")
    assert.isUndefined(asks(rule, "e", 5, 25_000))
  })

  it("begins anew on another branch", () => {
    const rule = new FetchRule<string>()
    asks(rule, "a", 1)
    asks(rule, "b", 2)
    rule.forked()
    assert.isUndefined(asks(rule, "c", 3))
  })
})
