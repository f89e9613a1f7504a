/** Whole downloads in virtual time from peers of every kind; `Download` checks each request. */
import { assert, describe, it } from "@effect/vitest"
import { bitcoin, defaults, type Policy } from "../../../src/protocol/chain/BodySchedule.ts"
import { Download, type Manner } from "../../support/BodyDownload.ts"
import { seeded } from "../../support/Malformed.ts"

const seeds = (count: number) => Array.from({ length: count }, (_, seed) => seed)
/** Fails with the seed. */
const each = (count: number, run: (seed: number, random: () => number) => void): void => {
  for (const seed of seeds(count)) {
    try {
      run(seed, seeded(seed))
    } catch (cause) {
      throw new Error(`seed ${seed}: ${String(cause)}`, { cause })
    }
  }
}

const hour = 3_600_000
const below = (random: () => number, most: number) => Math.floor(random() * most)

/** Good, slow, freezing, leaving, lacking, spoiling or behind. */
const manner = (random: () => number): Manner => {
  const well = { latency: below(random, 200), rate: 50 + random() * 2_000 }
  const kinds: ReadonlyArray<Manner> = [
    well,
    { ...well, rate: 0.5 + random() },
    { ...well, freezesAt: below(random, 3_000) },
    { ...well, leavesAt: below(random, 3_000) },
    { ...well, freezesAt: below(random, 2_000), leavesAt: 2_000 + below(random, 60_000) },
    { ...well, lacks: random() / 2 },
    { ...well, spoils: random() / 4 },
    { ...well, isBehind: true }
  ]
  return kinds[below(random, kinds.length)]!
}

const policies: ReadonlyArray<Policy> = [
  defaults,
  bitcoin,
  { ...defaults, window: 64, chunk: { least: 2, most: 8, bytes: 20_000 }, mostBytes: 60_000 }
]

describe("a download", () => {
  it("gets every block as long as one peer that has it lives and answers, and asks for nothing in vain", () => {
    let hedges = 0
    each(200, (seed, random) => {
      const bytes = [300, 2_000, 9_000][seed % 3]!
      const isMixed = random() < 0.3
      const size = (height: number) => (isMixed ? 1 + ((height * 7_919) % (2 * bytes)) : bytes)
      const reorganisations = seeds(below(random, 3)).map(() => ({
        at: below(random, 4_000),
        depth: below(random, 200)
      }))
      const policy = policies[below(random, policies.length)]!
      const download = new Download({ policy, blocks: 100 + below(random, 500), size, random, reorganisations })
      download.joins(1, { latency: below(random, 300), rate: 5 + random() * 500 }, below(random, 5_000))
      const others = below(random, 6)
      for (let peer = 2; peer < 2 + others; peer++) download.joins(peer, manner(random), below(random, 1_000))
      download.run(hour)
      assert.isTrue(download.isDone, "all is applied")
      hedges += download.hedges
    })
    assert.isAbove(hedges, 50)
  })

  it("from a single peer asks no block twice and never leaves it without work, however slow it is", () => {
    each(40, (_, random) => {
      const download = new Download({ policy: defaults, blocks: 300, size: () => 500, random })
      download.joins(1, { latency: below(random, 5_000), rate: 0.1 + random() * 10 })
      download.run(10 * hour)
      assert.isTrue(download.isDone)
      assert.strictEqual(download.hedges, 0)
    })
  })

  it("loses at most three seconds by a peer that freezes while it owes the first missing block", () => {
    let rescued = 0
    each(60, (_, random) => {
      const bytes = 200 + below(random, 20_000)
      const download = new Download({ policy: defaults, blocks: 1_500, size: () => bytes, random })
      const well = { latency: 10 + below(random, 90), rate: 2_000 + random() * 8_000 }
      const freezesAt = well.latency + below(random, 1_000)
      download.joins(1, { ...well, freezesAt })
      for (let peer = 2; peer <= 2 + below(random, 4); peer++) download.joins(peer, well)
      download.run(hour)
      assert.isTrue(download.isDone)
      assert.isAtMost(download.longestWait, 3_000)
      rescued += Math.sign(download.hedges)
    })
    assert.isAbove(rescued, 30)
  })

  it("is shared by four equal peers within a factor of one and a half", () => {
    each(20, (_, random) => {
      const bytes = 100 + below(random, 10_000)
      const download = new Download({ policy: defaults, blocks: 4_000, size: () => bytes, random })
      const well = { latency: 5 + below(random, 100), rate: 500 + random() * 5_000 }
      for (const peer of [1, 2, 3, 4]) download.joins(peer, well)
      download.run(hour)
      assert.isTrue(download.isDone)
      assert.strictEqual(download.hedges, 0)
      assert.isAtMost(Math.max(...download.given) / Math.min(...download.given), 1.5)
    })
  })

  it("over links of 50 ms is more than three times as fast from four peers as from one", () => {
    const millis = (peers: number): number => {
      const download = new Download({ policy: defaults, blocks: 10_000, size: () => 400, random: seeded(1) })
      for (let peer = 1; peer <= peers; peer++) download.joins(peer, { latency: 50, rate: 1_000 })
      download.run(hour)
      assert.isTrue(download.isDone)
      return download.now
    }
    assert.isAbove(millis(1) / millis(4), 3)
  })
})
