/**
 * A hub that is killed, and 200 nodes that were connected to it: all come back within the minute, without a stampede and
 * not in step. Four times as fast as it would be; `npm run soak:links` takes the real times.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { load } from "../../bench/Machine.ts"
import * as HubReturn from "../support/links/HubReturn.ts"

const clients = 200
const admission = { burst: 5, perSecond: 25 }

describe("200 nodes whose hub was away for a minute", () => {
  it.live(
    "are back within a minute of its return, dial it no more than three times as fast as it lets in, and not in step",
    () =>
      Effect.gen(function* () {
        const figures = yield* HubReturn.run({ clients, away: 60_000, admission, scale: 4 })
        console.log(JSON.stringify({ ...figures, load: load() }))
        assert.strictEqual(figures.clients, clients)
        // On a busy machine the last of them may take long for what they do.
        assert.isAtMost(figures.all, 120_000 + figures.stoodStill)
        assert.isAtMost(figures.peak, 3 * admission.perSecond)
        assert.isAtMost(figures.crest, clients / 8)
        assert.isAtMost(figures.crestAway, clients / 8)
      })
  )
})
