/**
 * Two nodes that dial each other at the same moment end with one connection, the same one on both sides: 200 pairs of
 * whole nodes on real TCP.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { load } from "../../bench/Machine.ts"
import * as MutualDials from "../support/links/MutualDials.ts"

const pairs = 200

describe("mutual dials", () => {
  it.live("end with one connection, the same on both sides, and stay so", () =>
    Effect.gen(function* () {
      const figures = yield* MutualDials.run({ pairs, inFlight: 8, calm: 2_000 })
      console.log(JSON.stringify({ ...figures, load: load() }))
      assert.strictEqual(figures.pairs, pairs)
      assert.isAtLeast(figures.crossed, pairs / 2)
      // `npm run soak:links` measures it; here only what no busy machine reaches.
      assert.isBelow(figures.live.p99, 5_000)
    })
  )
})
