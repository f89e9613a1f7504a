import { assert, describe, it } from "@effect/vitest"
import { Portions } from "../../../src/protocol/link/Portions.ts"

const chunksOf = (...sizes: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  let next = 0
  return sizes.map((size) => Uint8Array.from({ length: size }, () => next++))
}
const cut = (chunks: ReadonlyArray<Uint8Array>, most: number): ReadonlyArray<ReadonlyArray<Uint8Array>> => {
  const portions = new Portions(chunks)
  const out: Array<ReadonlyArray<Uint8Array>> = []
  while (portions.left > 0) out.push(portions.take(most))
  return out
}
const sizes = (portions: ReturnType<typeof cut>) =>
  portions.map((portion) => portion.reduce((sum, { length }) => sum + length, 0))

describe("Portions", () => {
  it("have the same bytes in their order, each as many as it may, wherever chunks end", () => {
    for (const chunks of [
      chunksOf(11),
      chunksOf(4, 4, 3),
      chunksOf(1, 9, 1),
      chunksOf(2, 0, 6, 0, 3),
      chunksOf(8, 3)
    ]) {
      const portions = cut(chunks, 4)
      assert.deepStrictEqual(sizes(portions), [4, 4, 3])
      assert.deepStrictEqual(Buffer.concat(portions.flat()), Buffer.concat(chunks))
    }
  })

  it("are none where there is nothing", () => {
    assert.deepStrictEqual([cut([], 4), cut(chunksOf(0, 0), 4)], [[], []])
  })

  it("copy nothing", () => {
    const [chunk] = chunksOf(9)
    assert.isTrue(cut([chunk!], 4).every((portion) => portion.every(({ buffer }) => buffer === chunk!.buffer)))
  })
})
