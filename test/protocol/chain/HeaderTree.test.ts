import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { HeaderTree, type Linked, type Limits } from "../../../src/protocol/chain/HeaderTree.ts"

interface Block extends Linked {
  readonly weight: bigint
}

const genesis: Block = { id: "0", previous: "", weight: 1n }
const lowestFirst: Limits<Block> = { depth: 1_000, mostBeside: 1_000, prefers: (one, best) => one.id < best.id }
const treeWith = (limits: Partial<Limits<Block>> = {}) =>
  new HeaderTree<Block>({ header: genesis, height: 0, weight: 1n }, { ...lowestFirst, ...limits })

/** Adds a line of headers of weight 1 behind one that is there. */
const grow = (tree: HeaderTree<Block>, after: string, ids: ReadonlyArray<string>): void => {
  let previous = after
  for (const id of ids) {
    assert.isDefined(tree.add({ id, previous, weight: 1n }, 1n))
    previous = id
  }
}

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`)
const node = (tree: HeaderTree<Block>, id: string) => {
  const found = tree.get(id)
  if (found === undefined) throw new Error(`${id} is not kept`)
  return found
}

describe("a tree of headers", () => {
  it("has the heaviest tip as its best, however many headers another has", () => {
    const tree = treeWith()
    grow(tree, "0", names("a", 5))
    assert.deepInclude(tree.best, { height: 5, weight: 6n })
    tree.add({ id: "b1", previous: "a1", weight: 9n }, 9n)
    assert.deepInclude(tree.best, { height: 2, weight: 11n })
    assert.strictEqual(tree.best.header.id, "b1")
  })

  it("asks the chain which of two equal tips is better", () => {
    const tree = treeWith()
    grow(tree, "0", ["m"])
    grow(tree, "0", ["z"])
    assert.strictEqual(tree.best.header.id, "m")
    grow(tree, "0", ["c"])
    assert.strictEqual(tree.best.header.id, "c")
    const first = treeWith({ prefers: () => false })
    grow(first, "0", ["m"])
    grow(first, "0", ["c"])
    assert.strictEqual(first.best.header.id, "m")
  })

  it("takes a header once, and none that follows nothing", () => {
    const tree = treeWith()
    grow(tree, "0", ["a"])
    const known = node(tree, "a")
    assert.strictEqual(tree.add({ id: "a", previous: "0", weight: 1n }, 1n), known)
    assert.isUndefined(tree.add({ id: "x", previous: "?", weight: 1n }, 1n))
    assert.strictEqual(tree.size, 2)
  })

  it("finds where two branches part, and what lies between", () => {
    const tree = treeWith()
    grow(tree, "0", names("a", 6))
    grow(tree, "a2", names("b", 3))
    const [a, b] = [node(tree, "a6"), node(tree, "b3")]
    const fork = tree.fork(a, b)
    assert.strictEqual(fork.header.id, "a2")
    assert.strictEqual(tree.fork(b, a), fork)
    assert.strictEqual(tree.fork(a, node(tree, "a4")).header.id, "a4")
    const way = tree.between(fork, b).map(({ header }) => header.id)
    assert.deepStrictEqual(way, ["b1", "b2", "b3"])
    assert.strictEqual(tree.ancestor(b, 1)?.header.id, "a1")
    assert.isUndefined(tree.ancestor(b, 6))
  })

  it("forgets what is deeper than it may be, and branches that part below that", () => {
    const tree = treeWith({ depth: 10 })
    grow(tree, "0", names("a", 8))
    grow(tree, "a2", names("b", 3))
    grow(tree, "a8", names("c", 12))
    assert.deepInclude(tree.best, { height: 20 })
    assert.isDefined(tree.get("b1"))
    grow(tree, "c12", ["c13"])
    assert.deepInclude(tree.root, { height: 11, parent: undefined })
    assert.isUndefined(tree.get("b1"))
    assert.isUndefined(tree.get("a8"))
    assert.strictEqual(tree.size, 11)
    assert.deepInclude(tree.best, { height: 21, weight: 22n })
    assert.isUndefined(tree.ancestor(tree.best, 10))
  })

  it("has room for so many headers beside the best chain, and always for the next one on it", () => {
    const tree = treeWith({ mostBeside: 3 })
    grow(tree, "0", names("a", 9))
    grow(tree, "a5", ["b", "c", "d"])
    assert.isFalse(tree.makeRoom(node(tree, "d")), "all of them are before it")
    assert.isTrue(tree.makeRoom(tree.best))
    assert.isTrue(tree.makeRoom(node(tree, "c")))
    assert.isUndefined(tree.get("d"), "others are forgotten")
    grow(tree, "a7", ["e"])
    assert.isTrue(tree.makeRoom(node(tree, "a2")))
    assert.isUndefined(tree.get("b"))
    assert.isDefined(tree.get("a9"))
  })

  const Places = Schema.Array(Schema.Struct({ parent: Schema.Natural, key: Schema.Natural }))
  it.prop("has the same best tip in whatever order branches come", [Places], ([places]) => {
    const waiting = places.map(({ key, parent }, i) => ({
      key,
      block: { id: String(i + 1), previous: String(parent % (i + 1)), weight: 1n }
    }))
    const inOrder = treeWith()
    for (const { block } of waiting) inOrder.add(block, block.weight)
    const heaviest = Math.max(0, ...waiting.map(({ block }) => node(inOrder, block.id).height))
    assert.strictEqual(inOrder.best.height, heaviest)
    waiting.sort((a, b) => a.key - b.key)
    const shuffled = treeWith()
    while (waiting.length > 0) {
      const at = waiting.findIndex(({ block }) => shuffled.get(block.previous) !== undefined)
      for (const { block } of waiting.splice(at, 1)) shuffled.add(block, block.weight)
    }
    assert.strictEqual(shuffled.best.header.id, inOrder.best.header.id)
  })
})

describe("a header that is held back", () => {
  it("is no tip, nor is what is behind it, until it is released", () => {
    const tree = treeWith()
    grow(tree, "0", names("a", 5))
    grow(tree, "a2", names("b", 2))
    tree.hold("a3")
    assert.strictEqual(tree.best.header.id, "b2")
    assert.strictEqual(tree.heldOf("a5"), "a3")
    assert.isUndefined(tree.heldOf("b2"))
    grow(tree, "a5", names("c", 5))
    assert.strictEqual(tree.best.header.id, "b2")
    grow(tree, "b2", ["d"])
    assert.strictEqual(tree.best.header.id, "d")
    assert.isTrue(tree.release("a3"))
    assert.strictEqual(tree.best.header.id, "c5")
    assert.isFalse(tree.release("a3"))
  })

  it("may be one that comes later, and is never the first", () => {
    const tree = treeWith()
    tree.hold("0")
    tree.hold("a2")
    grow(tree, "0", names("a", 5))
    assert.strictEqual(tree.best.header.id, "a1")
  })

  it("is released when there are more than 64", () => {
    const tree = treeWith()
    grow(tree, "0", ["x"])
    tree.hold("x")
    for (const id of names("y", 64)) tree.hold(id)
    assert.strictEqual(tree.best.header.id, "x")
  })
})
