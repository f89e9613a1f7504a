import { assert, describe, it } from "@effect/vitest"
import { Rng } from "../../../src/testing/world/Rng.ts"
import { Trace } from "../../../src/testing/world/Trace.ts"

const traceOf = (events: number, change = -1): Trace => {
  const trace = new Trace({ kept: 10 })
  for (let n = 0; n < events; n++) {
    trace.tick(n * 7)
    trace.mix(n === change ? 1 : 0)
  }
  return trace
}

describe("a trace", () => {
  it("has one hash for one run and another for every other", () => {
    assert.strictEqual(traceOf(100).hash, traceOf(100).hash)
    const hashes = new Set(
      Array.from(
        { length: 10_000 },
        (_, change) =>
          traceOf(50, change % 50).hash + (change - (change % 50) > 0 ? traceOf(51 + (change % 97)).hash : "")
      )
    )
    assert.isAbove(hashes.size, 4_000)
  })

  it("sees every bit of a chunk of bytes", () => {
    const rng = new Rng(1, "bytes")
    for (const size of [1, 5, 64, 256]) {
      const bytes = rng.bytes(size)
      const hashOf = (chunk: Uint8Array) => {
        const trace = new Trace()
        trace.mixBytes(chunk)
        return trace.hash
      }
      for (let bit = 0; bit < size * 8; bit++) {
        const turned = Uint8Array.from(bytes)
        turned[bit >> 3]! ^= 1 << (bit & 7)
        assert.notStrictEqual(hashOf(turned), hashOf(bytes))
      }
    }
  })

  it("keeps the last events in words, oldest first", () => {
    const trace = new Trace({ kept: 3 })
    for (let n = 0; n < 5; n++) {
      trace.tick(n)
      trace.record(n, "a", "thing", { n })
    }
    assert.deepStrictEqual(
      trace.events.map(({ detail }) => detail["n"]),
      [2, 3, 4]
    )
  })

  it("tells where two runs part, however long they are", () => {
    const [one, other] = [traceOf(50_000), traceOf(50_000, 33_333)]
    const parted = one.checkpoints.find(({ hash }, index) => hash !== other.checkpoints[index]?.hash)
    assert.strictEqual(parted?.n, 34_000)
    assert.isBelow(traceOf(10_000_000).checkpoints.length, 4_096)
  })

  it("remembers what its hash was, at twice as many events whenever it has enough", () => {
    const trace = new Trace()
    const hashes = new Map<number, string>()
    for (let n = 1; n <= 5_000_000; n++) {
      trace.tick(n)
      if (n % 1_000 === 0) hashes.set(n, trace.hash)
    }
    const { checkpoints } = trace
    assert.deepStrictEqual([checkpoints[0]?.n, checkpoints.at(-1)?.n, checkpoints.length], [2_000, 5_000_000, 2_500])
    for (const { hash, n } of checkpoints) assert.strictEqual(hash, hashes.get(n))
  })
})
