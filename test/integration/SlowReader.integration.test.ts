/**
 * A peer that stops reading costs a node no more than its queue, is cut off, and is nobody else's trouble. Figures are
 * printed with the load of the machine, and bars are far above what a free one needs.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as SlowReader from "../support/hostile/SlowReader.ts"

/** Longer than a busy machine lets this process stand still: who stands still takes nothing that is written either. */
const writeTimeout = 6_000

describe("one of five peers that stops reading while each is told 100 MiB", () => {
  for (const how of ["gossip", "send"] as const) {
    it.live(`by ${how} waits in its own queue alone, and is cut off as slow`, () =>
      Effect.gen(function* () {
        const figures = yield* SlowReader.run({ how, mebibytes: 100, writeTimeout })
        console.log(`slow reader by ${how}: ${JSON.stringify(figures)}`)
        const { budget, dropped, droppedOthers, ended, endedAfter, endings, notReading, queued, reading } = figures
        assert.isAtMost(queued, budget)
        assert.isAbove(queued, 0)
        assert.strictEqual(ended?.reason, "slow")
        assert.isAtLeast(endedAfter, writeTimeout)
        assert.isBelow(endedAfter, writeTimeout + 20_000)
        // Nobody else has lost the session, nor what was for them, nor waited for it.
        assert.deepStrictEqual(endings, [])
        if (how === "gossip") assert.isAbove(dropped, droppedOthers)
        else assert.deepStrictEqual([dropped, droppedOthers], [0, 0])
        assert.isAtLeast(notReading.answers, reading.answers * 0.8)
        assert.isBelow(notReading.p99, 3 * reading.p99 + 250)
        assert.isBelow(notReading.memory, reading.memory + 64)
      })
    )
  }
})
