/**
 * Pings overtake frames of 1 MiB that two nodes send each other as fast as they can over real TCP. `npm run torture --
 * pings` does it for five minutes.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as PingsUnderBulk from "../support/hostile/PingsUnderBulk.ts"

describe("two nodes that send each other frames of 1 MiB for half a minute", () => {
  it.live("lose no frame, make no mistake in one, and answer every ping ahead of what waits", () =>
    Effect.gen(function* () {
      const figures = yield* PingsUnderBulk.run(30)
      console.log(`pings under bulk: ${JSON.stringify(figures)}`)
      assert.deepStrictEqual(figures.endings, [])
      assert.isAbove(figures.frames, 100)
      assert.isAbove(figures.pings, 100)
      assert.isBelow(figures.loaded.p99, 2_000)
      // What the system's buffers hold, and the frame that is being written: a free machine shows two frames.
      assert.isBelow(figures.overtaken, 24 * 1024 * 1024)
    })
  )
})
