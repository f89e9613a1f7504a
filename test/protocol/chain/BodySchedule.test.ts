import { assert, describe, it } from "@effect/vitest"
import { bitcoin, BodySchedule } from "../../../src/protocol/chain/BodySchedule.ts"
import { chain, small, wanting } from "../../support/BodyBench.ts"

/** Chunks of 2 blocks, of which 200 bytes are believed until some have come. */
const pairs = { chunk: { least: 2, most: 4, bytes: 400 } }

describe("sharing out blocks", () => {
  it("asks the lowest first, one chunk of everybody before anybody gets a second, and never a third", () => {
    const bench = wanting(16, [1, 2])
    assert.deepStrictEqual(bench.look(), [
      "1: a1 a2 a3 a4",
      "2: a5 a6 a7 a8",
      "1: a9 a10 a11 a12",
      "2: a13 a14 a15 a16"
    ])
    const more = wanting(100, [1], { window: 100 })
    assert.deepStrictEqual(more.look(), ["1: a1 a2 a3 a4", "1: a5 a6 a7 a8"])
    assert.deepStrictEqual(more.gives(1, "a1", "a2", "a3"), [])
    assert.deepStrictEqual(more.gives(1, "a4"), ["1: a9 a10 a11 a12"])
  })

  it("asks a peer only for what it is known to have", () => {
    const bench = wanting(10, [])
    assert.deepStrictEqual(bench.joins(1, -1), [])
    assert.deepStrictEqual(bench.joins(2, 3), ["2: a1 a2 a3"])
    bench.schedule.raise(1, 5)
    assert.deepStrictEqual(bench.look(), ["1: a4 a5"])
    bench.schedule.raise(1, 4)
    bench.schedule.joined(1, 7, 0)
    assert.deepStrictEqual(bench.look(), ["1: a6 a7"])
  })

  it("stays within the window, which moves with what is applied", () => {
    const bench = wanting(40, [1], { perPeer: 10 })
    bench.schedule.want(1, chain(1, 40))
    assert.lengthOf(bench.look(), 4)
    bench.gives(1, ...chain(1, 16))
    assert.isFalse(bench.schedule.isMissing)
    bench.schedule.applied(4)
    assert.deepStrictEqual(bench.look(), [])
    bench.schedule.want(5, chain(5, 40))
    assert.isTrue(bench.schedule.isMissing)
    assert.deepStrictEqual(bench.look(), ["1: a17 a18 a19 a20"])
  })

  it("asks nobody for a scrap who has something to do, unless the chain ends there", () => {
    const bench = wanting(40, [1], { window: 9 })
    assert.deepStrictEqual(bench.look(), ["1: a1 a2 a3 a4", "1: a5 a6 a7 a8"])
    assert.deepStrictEqual(bench.gives(1, ...chain(1, 4)), [])
    assert.deepStrictEqual(bench.gives(1, ...chain(5, 8)), ["1: a9"])
    // That the window has become shorter says nothing of where the chain ends.
    const moved = wanting(40, [1], { window: 9 })
    moved.look()
    moved.gives(1, ...chain(1, 4))
    moved.schedule.applied(4)
    assert.deepStrictEqual(moved.look(), [])
    const short = wanting(9, [1])
    short.look()
    assert.deepStrictEqual(short.gives(1, ...chain(1, 4)), ["1: a9"])
  })

  it("makes chunks as large as the blocks allow", () => {
    const policy = { window: 1_000, chunk: { least: 2, most: 20, bytes: 1_000 }, perPeer: 1 }
    const bench = wanting(1_000, [1], policy)
    const lengths: Array<number> = []
    let asked = bench.look()
    for (let i = 0; i < 40; i++) {
      const ids = asked[0]!.slice(3).split(" ")
      lengths.push(ids.length)
      for (const one of ids) assert.strictEqual(bench.schedule.got(1, one, i < 20 ? 100 : 10, bench.now), "wanted")
      asked = bench.look(1)
    }
    // 500 bytes are believed of a block at first; then 10 of 100 fill a chunk, and of small ones there are so many as there may be.
    assert.strictEqual(lengths[0], 2)
    assert.strictEqual(lengths[19], 9)
    assert.strictEqual(lengths[39], 20)
  })

  it("makes smaller ones where few are left for many", () => {
    const bench = wanting(69, [1], { window: 100, chunk: { least: 1, most: 20, bytes: 400 }, perPeer: 1 })
    bench.look()
    bench.gives(1, ...chain(1, 60))
    bench.schedule.left(1)
    for (const peer of [2, 3, 4]) bench.schedule.joined(peer, 69, 0)
    assert.deepStrictEqual(bench.look(), ["2: a61 a62 a63", "3: a64 a65 a66", "4: a67 a68 a69"])
  })

  it("gives a peer no more at once than it should manage before it is late", () => {
    const policy = { window: 2_000, perPeer: 1, chunk: { least: 5, most: 50, bytes: 5_000 } }
    const largest = (millis: number): number => {
      const bench = wanting(2_000, [1], policy)
      let ids: ReadonlyArray<string> = []
      for (let i = 0, asked = bench.look(); i < 30; i++) {
        ids = asked[0]!.slice(3).split(" ")
        bench.now += ids.length * millis
        asked = bench.gives(1, ...ids)
      }
      return ids.length
    }
    assert.strictEqual(largest(1), 49)
    assert.strictEqual(largest(100), 9)
    assert.strictEqual(largest(2_000), 5)
  })
})

describe("what comes", () => {
  it("is wanted once, whoever gives it, asked or not", () => {
    const bench = wanting(8, [1, 2])
    bench.look()
    assert.strictEqual(bench.schedule.got(2, "a1", 100, 0), "wanted")
    assert.strictEqual(bench.schedule.got(1, "a1", 100, 0), "unneeded")
    assert.strictEqual(bench.schedule.got(1, "z", 100, 0), "unneeded")
    assert.strictEqual(bench.schedule.got(9, "a8", 100, 0), "wanted")
    bench.schedule.applied(1)
    assert.strictEqual(bench.schedule.got(1, "a1", 100, 0), "unneeded")
  })

  it("is kept, and what is under way waited for, where the chain reorganises behind it", () => {
    const bench = wanting(8, [1])
    assert.deepStrictEqual(bench.look(), ["1: a1 a2 a3 a4", "1: a5 a6 a7 a8"])
    bench.schedule.got(1, "a2", 100, 0)
    bench.schedule.got(1, "a6", 100, 0)
    bench.schedule.want(1, [...chain(1, 4), ...chain(5, 9, "b")])
    assert.deepStrictEqual(bench.joins(2, 9), ["2: b5 b6 b7 b8", "2: b9"])
    assert.strictEqual(bench.schedule.got(1, "a2", 100, 0), "unneeded")
    assert.strictEqual(bench.schedule.got(1, "a5", 100, 0), "unneeded")
    assert.strictEqual(bench.schedule.got(1, "a3", 100, 0), "wanted")
    // What comes back is still under way, or was thrown away.
    bench.schedule.want(1, chain(1, 8))
    bench.schedule.raise(1, 8)
    assert.strictEqual(bench.schedule.got(1, "a7", 100, 0), "wanted")
    assert.strictEqual(bench.schedule.got(1, "a6", 100, 0), "wanted")
  })

  it("leaves peers known to have of another chain only what is common, until they are raised", () => {
    const bench = wanting(4, [1])
    bench.look()
    bench.gives(1, ...chain(1, 4))
    bench.schedule.applied(4)
    bench.schedule.want(3, chain(3, 6, "b"))
    assert.deepStrictEqual(bench.look(), [])
    bench.schedule.raise(1, 6)
    assert.deepStrictEqual(bench.look(), ["1: b3 b4 b5 b6"])
    const beyond = wanting(16, [1])
    beyond.schedule.raise(1, 100)
    beyond.schedule.forked(50)
    beyond.schedule.want(49, chain(49, 60))
    assert.deepStrictEqual(beyond.look(), ["1: a49 a50"])
  })

  it("is asked of another when its peer has left, does not have it, or spoilt it", () => {
    const bench = wanting(4, [1])
    assert.deepStrictEqual(bench.look(), ["1: a1 a2 a3 a4"])
    bench.joins(2, 4)
    bench.schedule.missing(1, "a2")
    assert.deepStrictEqual(bench.look(), ["2: a2"])
    bench.schedule.spoilt(1, "a3")
    assert.deepStrictEqual(bench.look(), ["2: a3"])
    bench.schedule.left(1)
    assert.deepStrictEqual(bench.look(), [])
    assert.deepStrictEqual(bench.gives(2, "a2"), ["2: a1 a4"])
  })

  it("is asked of who refused it again only after a while", () => {
    const bench = wanting(2, [1])
    bench.look()
    bench.schedule.missing(1, "a1")
    assert.deepStrictEqual(bench.look(), [])
    assert.deepStrictEqual(bench.gives(1, "a2"), [])
    assert.strictEqual(bench.schedule.nextLook, small.slowMillis)
    assert.deepStrictEqual(bench.look(small.slowMillis - 1), [])
    assert.deepStrictEqual(bench.look(1), ["1: a1"])
    bench.schedule.missing(1, "a1")
    bench.schedule.left(1)
    assert.deepStrictEqual(bench.joins(1, 2), ["1: a1"])
  })
})

describe("bytes", () => {
  it("are held and expected within the limit; only the first missing block goes beyond", () => {
    // 200 bytes are believed of a block at first, then less: there is room for 4 at once.
    const bench = wanting(16, [1], { ...pairs, mostBytes: 800, perPeer: 9 })
    assert.deepStrictEqual(bench.look(), ["1: a1 a2", "1: a3 a4"])
    bench.schedule.got(1, "a2", 400, 0)
    bench.schedule.got(1, "a3", 400, 0)
    assert.deepStrictEqual(bench.look(), [])
    // No room for the fourth; the first goes beyond.
    assert.strictEqual(bench.schedule.got(1, "a4", 400, 0), "unneeded")
    assert.deepStrictEqual(bench.look(), [])
    assert.strictEqual(bench.schedule.got(1, "a1", 400, 0), "wanted")
    assert.deepStrictEqual(bench.look(), ["1: a4"])
    assert.strictEqual(bench.schedule.got(1, "a4", 400, 0), "wanted")
    assert.deepStrictEqual(bench.look(), ["1: a5"])
    bench.schedule.applied(4)
    assert.isNotEmpty(bench.look())
  })

  it("that were turned away are asked for again when the window has moved, and not before", () => {
    const bench = wanting(4, [1], { ...pairs, mostBytes: 1_200, perPeer: 9 })
    assert.deepStrictEqual(bench.look(), ["1: a1 a2", "1: a3 a4"])
    assert.strictEqual(bench.schedule.got(1, "a1", 500, 0), "wanted")
    assert.strictEqual(bench.schedule.got(1, "a4", 10, 0), "wanted")
    assert.strictEqual(bench.schedule.got(1, "a3", 800, 0), "unneeded")
    assert.deepStrictEqual(bench.look(), [])
    bench.schedule.applied(1)
    assert.deepStrictEqual(bench.look(), ["1: a3"])
  })
})

describe("the policies", () => {
  it("ask a Bitcoin peer for 16 blocks at once at the most, and one if they are large", () => {
    const bench = new BodySchedule(bitcoin)
    bench.want(1, chain(1, 2_000))
    bench.joined(1, 2_000, 0)
    const owed: Array<string> = []
    let most = 0
    for (let i = 0; i < 200; i++) {
      for (const action of bench.look(i)) if (action._tag === "Ask") owed.push(...action.ids)
      most = Math.max(most, owed.length)
      const next = owed.shift()
      if (next !== undefined) assert.strictEqual(bench.got(1, next, 1_000, i), "wanted")
    }
    assert.strictEqual(most, 16)
    let last = 0
    for (let i = 200; i < 400; i++) {
      for (const one of owed.splice(0, 1)) bench.got(1, one, 3_000_000, i)
      for (const action of bench.look(i))
        if (action._tag === "Ask") owed.push(...action.ids.slice(0, (last = action.ids.length)))
    }
    assert.strictEqual(last, 1)
  })
})
