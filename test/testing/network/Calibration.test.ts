/** Simulated loss against what a real stack did: echoes of 100 bytes over a lossy line. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { runInWorld } from "../../support/InWorld.ts"
import { exact, networkLab } from "../../support/NetworkLab.ts"

/** Share of packets lost each way; share of echoes delayed; by how many milliseconds on average, where it was measured. */
const measured = [
  { loss: 0.01, delayed: 0.018, mean: 209 },
  { loss: 0.05, delayed: 0.09, mean: 231 },
  { loss: 0.1, delayed: 0.183, mean: undefined },
  { loss: 0.2, delayed: 0.32, mean: 684 }
]

const echoes = 20_000

describe("simulated loss", () => {
  for (const { delayed, loss, mean } of measured) {
    it(`delays echoes at ${loss * 100} % as a real stack does`, () =>
      runInWorld(
        Effect.gen(function* () {
          const lab = yield* networkLab({ ...exact, loss })
          const { far, near } = yield* lab.pair("a", "b")
          const late: Array<number> = []
          for (let i = 0; i < echoes; i++) {
            const delay = (yield* lab.crossing(near, far, 100)) + (yield* lab.crossing(far, near, 100)) - 20
            if (delay > 0) late.push(delay)
          }
          assert.approximately(late.length / echoes, delayed, 0.03)
          if (mean !== undefined) {
            const average = late.reduce((sum, delay) => sum + delay, 0) / late.length
            assert.approximately(average, mean, mean / 4)
          }
        })
      ))
  }
})
