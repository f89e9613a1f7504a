import { assert, describe, it } from "@effect/vitest"
import { Losses } from "../../../src/protocol/link/Losses.ts"

const outages = (times: ReadonlyArray<number>) => {
  const losses = new Losses()
  return times.map((at) => losses.lost(at))
}

describe("lost peers", () => {
  it("are an outage from the fourth within a second on", () => {
    assert.deepStrictEqual(outages([0, 0, 0, 0, 0]), [false, false, false, true, true])
    assert.deepStrictEqual(outages([0, 300, 600, 999]), [false, false, false, true])
    assert.deepStrictEqual(outages([0, 300, 600, 1_000]), [false, false, false, false])
  })

  it("count for the second that they are in, and no longer", () => {
    assert.deepStrictEqual(outages([0, 0, 0, 0, 5_000, 5_000, 5_000, 5_000]).slice(4), [false, false, false, true])
    assert.isTrue(outages(Array.from({ length: 1_000 }, (_, i) => i * 334)).every((outage) => !outage))
  })
})
