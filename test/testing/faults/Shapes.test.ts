import { assert, describe, it } from "@effect/vitest"
import { link, partition } from "../../../src/testing/faults/Shapes.ts"
import type { Select } from "../../../src/testing/faults/Stage.ts"
import { turns } from "../../../src/testing/faults/Swizzle.ts"
import { Rng } from "../../../src/testing/world/Rng.ts"

const nodes = ["a", "b", "c", "d", "e"]

const ways = (select: Select, among: ReadonlyArray<string> = nodes): string =>
  among.flatMap((from) => among.filter((to) => to !== from && select(from, to)).map((to) => `${from}${to}`)).join(" ")

describe("link", () => {
  const among = ["a", "b", "c"]
  it("is between two nodes, of a node, or everywhere, both ways or one", () => {
    assert.strictEqual(ways(link({ from: "a", to: "b" }), among), "ab ba")
    assert.strictEqual(ways(link({ from: "a", to: "b", oneWay: true }), among), "ab")
    assert.strictEqual(ways(link({ from: "a" }), among), "ab ac ba ca")
    assert.strictEqual(ways(link({ from: "a", oneWay: true }), among), "ab ac")
    assert.strictEqual(ways(link({ to: "a" }), among), "ab ac ba ca")
    assert.strictEqual(ways(link({ to: "a", oneWay: true }), among), "ba ca")
    assert.strictEqual(ways(link({}), among), "ab ac ba bc ca cb")
  })
})

describe("partition", () => {
  it("splits two sides from each other", () => {
    const split = partition({ shape: "split", side: ["a", "b"] }, nodes)
    assert.strictEqual(ways(split), "ac ad ae bc bd be ca cb da db ea eb")
    const oneWay = partition({ shape: "split", side: ["a", "b"], oneWay: true }, nodes)
    assert.strictEqual(ways(oneWay), "ac ad ae bc bd be")
  })

  it("isolates nodes from all others, and from each other", () => {
    assert.strictEqual(ways(partition({ shape: "isolate", side: ["a"] }, nodes)), "ab ac ad ae ba ca da ea")
    assert.strictEqual(ways(partition({ shape: "isolate", side: ["a"], oneWay: true }, nodes)), "ab ac ad ae")
    const three = ["a", "b", "c"]
    assert.strictEqual(ways(partition({ shape: "isolate", side: ["a", "b"] }, three), three), "ab ac ba bc ca cb")
  })

  it("leaves a bridge between two halves", () => {
    assert.strictEqual(ways(partition({ shape: "bridge", side: ["c"] }, nodes)), "ad ae bd be da db ea eb")
    assert.strictEqual(ways(partition({ shape: "bridge", side: ["c"], oneWay: true }, nodes)), "ad ae bd be")
  })

  it("lets every node of a ring hear a majority, and no two the same one", () => {
    for (const size of [3, 4, 5, 6, 7]) {
      const among = Array.from({ length: size }, (_, n) => `n${n}`)
      const cut = partition({ shape: "ring", side: [] }, among)
      const heard = among.map((node) => among.filter((other) => other === node || !cut(other, node)))
      for (const majority of heard) assert.strictEqual(majority.length, Math.floor(size / 2) + 1)
      assert.strictEqual(new Set(heard.map((majority) => majority.join())).size, size)
    }
  })
})

describe("swizzle", () => {
  const all = (heal: "forward" | "reverse" | "random") =>
    Array.from({ length: 200 }, (_, seed) => turns({ nodes, for: 1_000, heal }, new Rng(seed, "swizzle")))

  it("cuts nodes off one after the other in the first half and heals them in the second", () => {
    for (const drawn of [...all("forward"), ...all("random"), ...all("reverse")]) {
      assert.deepStrictEqual(
        drawn.map(({ node }) => node),
        nodes
      )
      assert.strictEqual(drawn[0]!.from, 0)
      assert.strictEqual(Math.max(...drawn.map(({ to }) => to)), 1_000)
      for (const [index, { from, to }] of drawn.entries()) {
        assert.isTrue(from <= 500 && to >= 500, `${from} to ${to}`)
        assert.isTrue(index === 0 || from >= drawn[index - 1]!.from)
      }
    }
  })

  it("heals in the order it is told", () => {
    const ends = (heal: "forward" | "reverse" | "random") => all(heal).map((drawn) => drawn.map(({ to }) => to))
    const isSorted = (times: ReadonlyArray<number>) => times.every((time, n) => n === 0 || time >= times[n - 1]!)
    assert.isTrue(ends("forward").every(isSorted))
    assert.isTrue(ends("reverse").every((times) => isSorted(times.toReversed())))
    const firsts = new Set(ends("random").map((times) => times.indexOf(Math.min(...times))))
    assert.strictEqual(firsts.size, nodes.length)
  })
})
