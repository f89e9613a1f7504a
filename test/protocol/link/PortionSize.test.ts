import { assert, describe, it } from "@effect/vitest"
import { first, least, most, PortionSize } from "../../../src/protocol/link/PortionSize.ts"

const timeout = 10_000

/** The sizes of the first portions on a line that takes so many bytes a second, and the longest that one takes, in milliseconds. */
const on = (bytesPerSecond: number, portions = 10) => {
  const size = new PortionSize(timeout)
  const sizes = Array.from({ length: portions }, () => {
    const { bytes } = size
    size.took((1_000 * bytes) / bytesPerSecond)
    return bytes
  })
  return { sizes, longest: (1_000 * Math.max(...sizes)) / bytesPerSecond }
}

describe("PortionSize", () => {
  it("grows on a fast line, and no further than it may", () => {
    assert.deepStrictEqual(on(100_000_000, 5).sizes, [first, 2 * first, most, most, most])
  })

  it("shrinks on a slow line, and no further than it may", () => {
    assert.deepStrictEqual(on(2_000, 5).sizes, [first, first / 2, least, least, least])
  })

  it("is taken in a small part of the time on every line of 2 kB/s and more", () => {
    for (let rate = 2_000; rate < 100_000_000; rate *= 1.3) assert.isBelow(on(rate).longest, 0.9 * timeout, `${rate}`)
  })

  it("comes back when a line becomes faster", () => {
    const size = new PortionSize(timeout)
    for (let slow = 0; slow < 20; slow++) size.took(timeout / 2)
    assert.strictEqual(size.bytes, least)
    for (let fast = 0; fast < 4; fast++) size.took(1)
    assert.strictEqual(size.bytes, most)
  })
})
