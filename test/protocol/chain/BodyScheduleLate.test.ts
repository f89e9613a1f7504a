import { assert, describe, it } from "@effect/vitest"
import { type Bench, chain, small, wanting } from "../../support/BodyBench.ts"

describe("a first missing block that is late", () => {
  it("is asked of another with the rest of its chunk, and whichever copy comes first counts", () => {
    const bench = wanting(8, [1], { perPeer: 1 })
    assert.deepStrictEqual(bench.look(), ["1: a1 a2 a3 a4"])
    assert.deepStrictEqual(bench.joins(2, 3), [])
    assert.deepStrictEqual(bench.gives(1, "a1"), [])
    assert.strictEqual(bench.schedule.nextLook, small.lateMillis)
    assert.deepStrictEqual(bench.look(small.lateMillis - 1), [])
    assert.deepStrictEqual(bench.look(1), ["2: a2 a3"])
    assert.deepStrictEqual(bench.look(100), [])
    bench.gives(2, "a2")
    bench.gives(1, "a3")
    assert.strictEqual(bench.schedule.got(1, "a2", 100, bench.now), "unneeded")
    assert.strictEqual(bench.schedule.got(2, "a3", 100, bench.now), "unneeded")
  })

  it("is asked of an idle one rather than of a faster one that is busy, and of nobody who owes enough", () => {
    const bench = wanting(12, [1, 2, 3], { perPeer: 2 })
    assert.lengthOf(bench.look(), 3)
    bench.now = 400
    bench.gives(3, ...chain(9, 12))
    bench.now = 900
    bench.gives(2, ...chain(5, 8))
    bench.schedule.want(1, chain(1, 16))
    bench.schedule.raise(3, 16)
    assert.deepStrictEqual(bench.look(), ["3: a13 a14 a15 a16"])
    assert.deepStrictEqual(bench.look(100), ["2: a1 a2 a3 a4"])
    // With an equal load it is the fastest.
    const equal = wanting(12, [1, 2, 3])
    equal.look()
    equal.now = 400
    equal.gives(3, ...chain(9, 12))
    equal.now = 401
    equal.gives(2, ...chain(5, 8))
    assert.deepStrictEqual(equal.look(600), ["3: a1 a2 a3 a4"])
    const full = wanting(8, [1, 2], { perPeer: 1 })
    full.look()
    full.now = 999
    assert.deepStrictEqual(full.look(1), ["stalled since 0"])
    assert.deepStrictEqual(full.gives(2, ...chain(5, 8)), [])
    assert.deepStrictEqual(full.look(1_000), ["2: a1 a2 a3 a4"])
  })

  it("waits for whoever is busy and in time", () => {
    const bench = wanting(12, [1], { perPeer: 1 })
    bench.look()
    bench.now = 600
    assert.deepStrictEqual(bench.joins(2, 12), ["2: a5 a6 a7 a8"])
    assert.deepStrictEqual(bench.look(400), [])
    assert.strictEqual(bench.schedule.nextLook, 1_600)
    assert.deepStrictEqual(bench.gives(2, ...chain(5, 8)), ["2: a1 a2 a3 a4"])
  })

  it("is late only after three times what its peer should need, and half a minute at the most", () => {
    const bench = wanting(12, [1], { perPeer: 1 })
    bench.look()
    bench.now = 900
    assert.deepStrictEqual(bench.gives(1, ...chain(1, 4)), ["1: a5 a6 a7 a8"])
    bench.joins(2, 8)
    assert.strictEqual(bench.schedule.nextLook, 900 + 3 * 900)
    const slow = wanting(12, [1], { perPeer: 1 })
    slow.look()
    slow.now = 50_000
    slow.gives(1, ...chain(1, 4))
    slow.joins(2, 8)
    assert.strictEqual(slow.schedule.nextLook, 50_000 + small.slowMillis)
  })

  it("is asked of a third only if two have kept silent for long, and of a fourth after twice that", () => {
    const bench = wanting(4, [1])
    bench.look()
    for (const peer of [2, 3, 4]) bench.joins(peer, 4)
    assert.deepStrictEqual(bench.look(1_000), ["2: a1 a2 a3 a4"])
    const asks: Array<readonly [number, string]> = []
    while (bench.schedule.nextLook < 120_000) {
      bench.now = bench.schedule.nextLook
      const said = bench.look()
      for (const what of said) if (/^\d/.test(what)) asks.push([bench.now, what])
      // For one chunk, however often it is asked for, nobody is slow.
      assert.isFalse(said.some((what) => what.startsWith("slow")))
    }
    assert.lengthOf(asks, 2)
    const [[third, one], [fourth, other]] = [asks[0]!, asks[1]!]
    assert.strictEqual(one, "3: a1")
    assert.isAtLeast(third - 1_000, small.slowMillis)
    assert.strictEqual(other, "4: a1")
    assert.isAtLeast(fourth - third, 2 * small.slowMillis)
  })
})

describe("a peer that is late", () => {
  /** Peer 1 owes two chunks and gives nothing; peer 2 gives both and leaves. Blocks up to 16 are wanted, 9 is the first missing. */
  const silent = (perPeer = 2): Bench => {
    const bench = wanting(8, [1], { perPeer })
    assert.deepStrictEqual(bench.look(), ["1: a1 a2 a3 a4", "1: a5 a6 a7 a8"])
    bench.joins(2, 8)
    assert.deepStrictEqual(bench.look(1_000), ["2: a1 a2 a3 a4"])
    assert.deepStrictEqual(bench.gives(2, ...chain(1, 4)), ["2: a5 a6 a7 a8", "slow 1"])
    bench.gives(2, ...chain(5, 8))
    bench.schedule.left(2)
    bench.schedule.want(1, chain(1, 16))
    bench.schedule.raise(1, 16)
    return bench
  }
  const atLast = (bench: Bench): void => {
    for (const one of chain(1, 8)) assert.strictEqual(bench.schedule.got(1, one, 100, bench.now), "unneeded")
  }

  it("gets nothing for a while that others have, after others were asked twice in its place", () => {
    const bench = silent()
    atLast(bench)
    assert.deepStrictEqual(bench.joins(3, 16), ["3: a9 a10 a11 a12", "3: a13 a14 a15 a16"])
    bench.schedule.applied(8)
    bench.schedule.want(9, chain(9, 24))
    bench.schedule.raise(1, 24)
    bench.schedule.raise(3, 24)
    assert.deepStrictEqual(bench.look(), [])
    assert.isAtMost(bench.schedule.nextLook, 1_000 + small.slowMillis)
    bench.now = 900 + small.slowMillis
    bench.gives(3, ...chain(9, 12))
    assert.strictEqual(bench.schedule.nextLook, 1_000 + small.slowMillis)
    assert.deepStrictEqual(bench.look(99), [])
    assert.deepStrictEqual(bench.look(1), ["1: a21 a22 a23 a24"])
  })

  it("takes the place of another only if nobody else can, though it is faster", () => {
    const bench = silent()
    atLast(bench)
    assert.lengthOf(bench.joins(3, 16), 2)
    bench.schedule.joined(4, 16, bench.now)
    assert.deepStrictEqual(bench.look(1_000), ["4: a9 a10 a11 a12"])
    const alone = silent()
    atLast(alone)
    alone.joins(3, 16)
    assert.deepStrictEqual(alone.look(1_000), ["1: a9 a10 a11 a12"])
  })

  it("is asked for what nobody else has, one chunk at a time", () => {
    const bench = silent()
    atLast(bench)
    assert.deepStrictEqual(bench.joins(3, 10), ["1: a11 a12 a13 a14", "3: a9 a10"])
    assert.deepStrictEqual(bench.gives(1, ...chain(11, 13)), [])
    assert.deepStrictEqual(bench.gives(1, "a14"), ["1: a15 a16"])
    const alone = silent()
    atLast(alone)
    assert.deepStrictEqual(alone.look(), ["1: a9 a10 a11 a12"])
  })

  it("stays so as long as it gives nothing", () => {
    const bench = silent(3)
    assert.deepStrictEqual(bench.look(2 * small.slowMillis), [])
    assert.deepStrictEqual(bench.joins(3, 12), ["3: a9 a10 a11 a12"])
    assert.deepStrictEqual(bench.look(), [])
  })

  it("is forgiven when it was in time often enough", () => {
    const bench = wanting(200, [1], { window: 1_000, perPeer: 1 })
    const takeover = (from: number, to: number): ReadonlyArray<string> => {
      bench.joins(to, from + 3)
      const said = bench.look(1_000)
      bench.gives(to, ...chain(from, from + 3))
      bench.schedule.left(to)
      for (const one of chain(from, from + 3)) bench.schedule.got(1, one, 100, bench.now)
      bench.look()
      return said
    }
    bench.look()
    assert.deepStrictEqual(takeover(1, 2), ["2: a1 a2 a3 a4"])
    for (let chunk = 1; chunk <= 8; chunk++) bench.gives(1, ...chain(chunk * 4 + 1, chunk * 4 + 4))
    assert.deepStrictEqual(takeover(37, 3), ["3: a37 a38 a39 a40"])
    assert.deepStrictEqual(takeover(41, 4), ["4: a41 a42 a43 a44", "slow 1"])
  })

  it("is waited for and never dropped if it is the only one", () => {
    const bench = wanting(16, [1])
    assert.lengthOf(bench.look(), 2)
    const said: Array<number> = []
    while (bench.now < 600_000) {
      bench.now = bench.schedule.nextLook
      for (const what of bench.look()) {
        assert.strictEqual(what, "stalled since 0")
        said.push(bench.now)
      }
    }
    assert.deepStrictEqual(said.slice(0, 7), [1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 127_000])
    assert.deepStrictEqual(said.slice(7, 9), [191_000, 255_000])
    assert.deepStrictEqual(bench.gives(1, ...chain(1, 4)), ["1: a9 a10 a11 a12"])
    // Its silence says nothing of the line: whoever comes now is asked at once, and is late as soon as ever.
    bench.look(600_000)
    assert.deepStrictEqual(bench.joins(2, 16).slice(0, 1), ["2: a5 a6 a7 a8"])
    assert.isAtMost(bench.schedule.nextLook, bench.now + small.lateMillis)
  })
})

describe("when everybody is late", () => {
  it("deadlines are put off twice as far each time, and come back by half with each chunk", () => {
    const bench = wanting(8, [1, 2], { perPeer: 1, window: 100 })
    assert.lengthOf(bench.look(), 2)
    const stalls: Array<number> = []
    const until = (end: number): void => {
      while (bench.schedule.nextLook <= end) {
        bench.now = bench.schedule.nextLook
        for (const what of bench.look()) if (what.startsWith("stalled")) stalls.push(bench.now)
      }
    }
    until(7_000)
    assert.deepStrictEqual(stalls, [1_000, 3_000, 7_000])
    // Late after eight seconds now; four, once the next chunk is waited for, two, and one.
    bench.schedule.want(1, chain(1, 40))
    for (const peer of [1, 2]) bench.schedule.left(peer)
    bench.joins(3, 40)
    const lateAfter = (from: number): number => {
      bench.schedule.joined(100 + from, from, bench.now)
      bench.look()
      const after = bench.schedule.nextLook - bench.now
      bench.schedule.left(100 + from)
      bench.gives(3, ...chain(from, from + 3))
      return after
    }
    assert.deepStrictEqual([1, 5, 9, 13, 17].map(lateAfter), [8_000, 4_000, 2_000, 1_000, 1_000])
  })

  it("deadlines are put off 64 times at the most", () => {
    const bench = wanting(8, [1, 2], { perPeer: 1 })
    bench.look()
    while (bench.now < 1_000_000) bench.look(bench.schedule.nextLook - bench.now)
    for (const peer of [1, 2]) bench.schedule.left(peer)
    bench.joins(3, 8)
    assert.strictEqual(bench.schedule.nextLook - bench.now, 64_000)
  })
})
