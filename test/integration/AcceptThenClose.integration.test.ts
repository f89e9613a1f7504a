/**
 * A peer that accepts and closes is dialled less and less often, and not more often than the breaker lets through if
 * sessions with it start and end. Twenty times as fast as it would be; `npm run soak:links` takes the real times.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { load } from "../../bench/Machine.ts"
import * as Redial from "../../src/protocol/link/Redial.ts"
import * as Hangups from "../support/links/Hangups.ts"

const { maxOpenMillis, openMillis, starts, windowMillis } = Redial.defaults

const figuresOf = (kind: Hangups.Kind) =>
  Effect.tap(Hangups.run({ kind, span: 300_000, scale: 20 }), (figures) =>
    Effect.sync(() => console.log(JSON.stringify({ ...figures, load: load() })))
  )

/** The one start in a window that is too many, as the side that dials has seen it. */
const openedAt = ({ starts: all }: Hangups.Figures): number =>
  all.findIndex((at, index) => index >= starts && at - all[index - starts]! < windowMillis)

describe.concurrent("a peer that accepts and closes", () => {
  for (const kind of ["at once", "after the handshake"] as const) {
    it.live(`${kind} is dialled at most twenty times in a minute, and goes on being dialled`, () =>
      Effect.gen(function* () {
        const { dials, inMinute, sessions } = yield* figuresOf(kind)
        assert.strictEqual(sessions, 0)
        assert.isAtMost(inMinute, 20)
        assert.isAtLeast(dials.length, 6)
        assert.isAtMost(dials.length, 40)
      })
    )
  }

  it.live(
    "after the session's start is dialled as often as the breaker lets through, in longer and longer pauses",
    () =>
      Effect.gen(function* () {
        // A machine that stands still may not come to as many starts as a window must not have: then it begins anew.
        const figures = yield* Effect.repeat(Effect.scoped(figuresOf("after the session's start")), {
          until: (figures) => openedAt(figures) >= 0,
          times: 10
        })
        const { dials, inMinute, sessions } = figures
        assert.isAtLeast(sessions, dials.length - 1)
        assert.isAtMost(inMinute, starts + 1)
        // Then one dial at a time.
        const pauses = figures.starts.slice(openedAt(figures)).flatMap((start) => {
          const next = dials.find((at) => at > start)
          return next === undefined ? [] : [next - start]
        })
        for (const [index, pause] of pauses.entries()) {
          assert.isAtLeast(pause, Math.min(maxOpenMillis, openMillis * 2 ** index), `pause ${index}`)
        }
        assert.isAtLeast(pauses.length, 1)
      })
  )
})
