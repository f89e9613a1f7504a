import { assert, describe, it } from "@effect/vitest"
import { Remembered } from "../../src/protocol/Remembered.ts"

describe("what is remembered", () => {
  it("is so for its time, and from the last time that it was noted", () => {
    const names = new Remembered<string>(10, 1_000)
    names.note("a", 5_000)
    assert.isFalse(names.has("b", 5_000))
    assert.isTrue(names.has("a", 5_999))
    names.note("a", 5_999)
    assert.isTrue(names.has("a", 6_998))
    assert.isFalse(names.has("a", 6_999))
    assert.strictEqual(names.size, 0)
  })

  it("is no more than so many names: the one noted longest ago goes first", () => {
    const names = new Remembered<number>(3, Number.POSITIVE_INFINITY)
    for (const name of [1, 2, 3, 1, 4]) names.note(name, 0)
    assert.deepStrictEqual(
      [1, 2, 3, 4].map((name) => names.has(name, 1e15)),
      [true, false, true, true]
    )
    for (let name = 0; name < 10_000; name++) names.note(name, name)
    assert.strictEqual(names.size, 3)
  })

  it("can be forgotten, one or all", () => {
    const names = new Remembered<string>(10, 1_000)
    for (const name of ["a", "b", "c"]) names.note(name, 0)
    names.forget("a")
    names.forget("nobody")
    assert.deepStrictEqual([names.has("a", 0), names.has("b", 0)], [false, true])
    names.clear()
    assert.strictEqual(names.size, 0)
  })
})
