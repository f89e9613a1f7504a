/**
 * A peer that sends a node as much as it takes does not keep others from it. Peers live in threads of their own; figures
 * are printed with the load of the machine, and bars are far above what a free one needs.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Kind } from "../../src/protocol/link/Frame.ts"
import * as Flood from "../support/hostile/Flood.ts"

describe("eight peers that ask for one thing after the other, while a ninth floods the node", () => {
  for (const [what, role, kind, size] of [
    ["with small frames", "floods", Kind.Data, 100],
    ["with frames of 1 MB", "floods", Kind.Data, 1_000_000],
    ["with more gossip than it may", "floods", Kind.Gossip, 100],
    ["with empty frames that nobody knows", "floods", 200, 0],
    ["with a large frame in records of one byte", "dribbles", 200, 1_000_000]
  ] as const) {
    it.live(`${what} are served evenly, and none starves`, () =>
      Effect.gen(function* () {
        const figures = yield* Flood.run({ role, kind, size, millis: 2_000 })
        console.log(`flooded ${what}: ${JSON.stringify(figures)}`)
        const { flood, flooded, quiet } = figures
        assert.isAbove(flood, 0)
        assert.isAtLeast(quiet.fairness, 0.95)
        assert.isAtLeast(flooded.fairness, 0.95)
        const sum = (answers: ReadonlyArray<number>): number => answers.reduce((all, one) => all + one, 0)
        assert.isAbove(Math.min(...flooded.answers), 0)
        assert.isAbove(sum(flooded.answers), sum(quiet.answers) / 500)
        assert.isBelow(flooded.worst, 1_000)
      })
    )
  }
})
