/**
 * Processes that stand still: TCP tells nobody, so the heartbeat does, in its time, neither before nor much after; and
 * who stood still itself blames nobody.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { load } from "../../bench/Machine.ts"
import { profiles } from "../../src/protocol/link/Heartbeat.ts"
import * as Frozen from "../support/links/Frozen.ts"

describe.concurrent("a peer whose process stands still", () => {
  for (const profile of ["fast", "default"] as const) {
    it.live(`is noticed within the bound of the heartbeat ${profile}, and not before its time-out`, () =>
      Effect.gen(function* () {
        const figures = yield* Frozen.noticed(profile)
        console.log(JSON.stringify({ ...figures, load: load() }))
        const { interval, timeout } = profiles[profile]
        assert.isAtLeast(figures.silent, timeout)
        // Several timers lead there, each of which may be late; one that is very late is a reason to ask again.
        const slack = 100 + 10 * figures.late + (figures.late < interval / 8 ? 0 : timeout)
        assert.isAtMost(figures.silent, Frozen.bounds[profile] + slack)
      })
    )
  }

  it.live("keeps its session if it goes on before the time-out of the heartbeat fast", () =>
    Frozen.thawed("fast", 2_500)
  )

  it.live("keeps its session if it goes on before the time-out of the heartbeat default", () =>
    Frozen.thawed("default", 20_000)
  )

  it.live("lets nobody go when it goes on itself", () =>
    Effect.map(Frozen.blocked(8_000, 3), (figures) => console.log(JSON.stringify({ ...figures, load: load() })))
  )
})
