import { assert, describe, it } from "@effect/vitest"
import type { Entry } from "../../../src/testing/chain/ChainBook.ts"
import { ChainStack } from "../../../src/testing/chain/ChainStack.ts"

const entry = (what: Entry["what"], height: number, id: string, previous: string): Entry => ({
  what,
  height,
  id,
  previous,
  weight: 2,
  sum: 5
})

describe("the blocks that a book says are applied", () => {
  it("follow each other, and go from the last one back", () => {
    const stack = new ChainStack("g")
    assert.isUndefined(stack.read(entry("applied", 1, "a", "g")))
    assert.isUndefined(stack.read(entry("applied", 2, "b", "a")))
    assert.deepStrictEqual(stack.top, { height: 2, id: "b", weight: 4, sum: 10 })
    assert.isUndefined(stack.read(entry("undone", 2, "b", "a")))
    assert.isUndefined(stack.read(entry("applied", 2, "c", "a")))
    assert.strictEqual(stack.top.id, "c")
  })

  it("are wrong where one follows another, comes twice, or is taken back from below", () => {
    const after = (wrong: Entry) => {
      const stack = new ChainStack("g")
      stack.read(entry("applied", 1, "a", "g"))
      stack.read(entry("applied", 2, "b", "a"))
      return stack.read(wrong)
    }
    assert.include(after(entry("applied", 3, "c", "a")), "was applied behind b")
    assert.include(after(entry("applied", 2, "b", "a")), "was applied behind b")
    assert.include(after(entry("undone", 1, "a", "g")), "the last one was b")
    assert.include(new ChainStack("g").read(entry("undone", 0, "g", "")), "taken back")
  })
})
