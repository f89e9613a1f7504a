/**
 * Connections that come, become sessions and go, by the thousand and in every way: nothing of them is left.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { load } from "../../bench/Machine.ts"
import * as Churn from "../support/links/Churn.ts"

describe("a thousand connections", () => {
  it.live("leave no heap, no file, no fiber, no timer and no handle behind", () =>
    Effect.gen(function* () {
      const figures = yield* Churn.run({ cycles: 1_000, warmUp: 3_000 })
      console.log(JSON.stringify({ ...figures, load: load() }))
      // As many MiB in these thousand.
      assert.isBelow(figures.growth / 10, 1)
      assert.deepStrictEqual(figures.after, figures.before)
    })
  )
})
