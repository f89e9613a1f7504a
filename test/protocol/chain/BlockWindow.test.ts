import { assert, describe, it } from "@effect/vitest"
import { BlockWindow } from "../../../src/protocol/chain/BlockWindow.ts"

const wanted = (from: number, to: number, branch = "a") =>
  Array.from({ length: to - from + 1 }, (_, at) => ({
    header: { id: `${branch}${from + at}`, previous: `${branch}${from + at - 1}` },
    height: from + at
  }))

const body = (size: number): Uint8Array => new Uint8Array(size)
const most = 1_000_000

/** Of heights 1 to 4, with bodies of ten bytes of these ids. */
const window = (...ids: ReadonlyArray<string>) => {
  const made = new BlockWindow<{ id: string; previous: string }>()
  made.fill(wanted(1, 4))
  for (const id of ids) made.hold(id, body(10))
  return made
}

const heights = (blocks: ReadonlyArray<{ readonly height: number }>) => blocks.map(({ height }) => height)

describe("the window of blocks", () => {
  it("gives what has come up to the first that has not, whatever the order", () => {
    const it = window("a4", "a2", "a1")
    assert.deepStrictEqual(heights(it.ready(10, most)), [1, 2])
    it.hold("a3", body(10))
    assert.deepStrictEqual(heights(it.ready(10, most)), [1, 2, 3, 4])
    assert.strictEqual(it.bytes, 40)
  })

  it("gives at most so many blocks and bytes, but always one", () => {
    const it = window("a1", "a2", "a3")
    assert.deepStrictEqual(heights(it.ready(2, most)), [1, 2])
    assert.deepStrictEqual(heights(it.ready(10, 20)), [1, 2])
    assert.deepStrictEqual(heights(it.ready(10, 19)), [1])
    assert.deepStrictEqual(heights(it.ready(10, 5)), [1])
  })

  it("goes on behind what was taken, and forgets it", () => {
    const it = window("a1", "a2", "a3")
    it.take(2)
    assert.deepStrictEqual(heights(it.ready(10, most)), [3])
    assert.strictEqual(it.bytes, 10)
    assert.strictEqual(it.size, 2)
    assert.strictEqual(it.next?.height, 3)
    assert.isUndefined(it.get("a1"))
    it.take(9)
    assert.isUndefined(it.next)
    assert.strictEqual(it.bytes, 0)
  })

  it("keeps what is still wanted when the chain goes another way, and nothing else", () => {
    const it = window("a1", "a2", "a3")
    it.fill([...wanted(1, 1), ...wanted(2, 5, "b")])
    assert.strictEqual(it.bytes, 10)
    assert.deepStrictEqual(heights(it.ready(10, most)), [1])
    assert.isFalse(it.has("a2"))
    assert.strictEqual(it.last?.height, 5)
  })

  it("holds nothing that is not wanted, and nothing twice", () => {
    const it = window("a1", "a1", "c9")
    assert.strictEqual(it.bytes, 10)
    assert.strictEqual(it.held, 1)
  })
})
