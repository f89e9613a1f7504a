/**
 * 25 machines on real TCP, each at an IP address of its own: the peer count is the number of machines, at every moment.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { load } from "../../bench/Machine.ts"
import * as Mesh from "../support/links/Mesh.ts"

/**
 * Milliseconds of this process. Ten seconds is for a machine on which a pair that is alone needs a sixtieth of one. Where
 * others want the cores too, it takes longer by more than the share that is left.
 */
const most = ({ complete, own, pair, sessions }: Mesh.Figures): number =>
  Math.max(10_000, 2 * sessions * pair) * Math.max(1, complete / own) ** 2

describe("25 machines that all know each other", () => {
  it.live("have 24 peers each within 10 seconds, and never more while some go away and come back", () =>
    Effect.gen(function* () {
      const figures = yield* Mesh.run({ machines: 25, rounds: 2, leaving: 5, handshakeTimeout: 120_000 })
      console.log(JSON.stringify({ ...figures, load: load() }))
      assert.strictEqual(figures.sessions, 300)
      assert.isAtMost(figures.own, most(figures))
      assert.strictEqual(figures.most, 24)
      assert.isAbove(figures.samples, 1_000)
    })
  )
})
