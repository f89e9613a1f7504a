/**
 * 25 machines on real TCP, each at an IP address of its own: the peer count is the number of machines, at every moment.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { availableParallelism, loadavg } from "node:os"
import { load } from "../../bench/Machine.ts"
import * as Mesh from "../support/links/Mesh.ts"

/**
 * Milliseconds. The bar is for cores that nobody else wants; where others do, handshakes run into their time-outs and are repeated, so that
 * it takes longer by more than the share that is left.
 */
const most = (): number => {
  const [busy = 0] = loadavg()
  return 10_000 * Math.max(1, busy / availableParallelism()) ** 2
}

describe("25 machines that all know each other", () => {
  it.live("have 24 peers each within 10 seconds, and never more while some go away and come back", () =>
    Effect.gen(function* () {
      // Before, because the machines are a load themselves.
      const limit = most()
      const figures = yield* Mesh.run({ machines: 25, rounds: 2, leaving: 5 })
      console.log(JSON.stringify({ ...figures, load: load() }))
      assert.strictEqual(figures.sessions, 300)
      assert.isAtMost(figures.complete, limit)
      assert.strictEqual(figures.most, 24)
      assert.isAbove(figures.samples, 1_000)
    })
  )
})
