import { assert, describe, it } from "@effect/vitest"
import { ChecksumFlood, points, Score } from "../../../src/protocol/bitcoin/Misbehaviour.ts"

describe("the score of a Bitcoin peer", () => {
  it("keeps a peer out at 100 points", () => {
    const score = new Score()
    for (let times = 1; times < 5; times++) assert.isFalse(score.charge("headers-many"))
    assert.strictEqual(score.points, 80)
    assert.isTrue(score.charge("headers-many"))
  })

  it("keeps a peer out at once for what nobody honest does", () => {
    assert.isTrue(new Score().charge("header-bits"))
    assert.isTrue(new Score().charge("filter-unasked"))
  })

  it("charges what nodes of BSV do", () => {
    assert.deepStrictEqual(points, {
      "headers-many": 20,
      "headers-broken": 20,
      "headers-unconnected": 20,
      "header-work": 50,
      "header-bits": 100,
      "addresses-many": 20,
      "version-twice": 1,
      "before-handshake": 1,
      "sendheaders-twice": 1,
      "checksum-flood": 1,
      "payload-malformed": 0,
      "filter-unasked": 100,
      "block-merkle": 0
    })
  })

  it("bears 99 small faults", () => {
    const score = new Score()
    for (let times = 1; times < 100; times++) assert.isFalse(score.charge("version-twice"))
    assert.isTrue(score.charge("version-twice"))
  })

  it("does not count above its limit", () => {
    const score = new Score()
    score.charge("header-bits")
    score.charge("header-bits")
    assert.strictEqual(score.points, 100)
  })
})

describe("wrong checksums", () => {
  const flood = (times: number, every: number, watch = new ChecksumFlood()) =>
    Array.from({ length: times }, (_, index) => watch.spoiled(index * every)).filter(Boolean).length

  it("are a fault from the 101st on that comes right after the others", () => {
    assert.strictEqual(flood(100, 10), 0)
    assert.strictEqual(flood(101, 10), 1)
    assert.strictEqual(flood(202, 10), 2)
  })

  it("are none with half a second between them", () => {
    assert.strictEqual(flood(1_000, 500), 0)
  })

  it("are counted anew after a good message", () => {
    const watch = new ChecksumFlood()
    flood(100, 10, watch)
    watch.good()
    assert.strictEqual(flood(100, 10, watch), 0)
  })
})
