/**
 * A connection that dies without a word is replaced by the next dial or the one after it, though the other side holds on
 * to it: no old socket keeps a peer out.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as HalfOpen from "../support/links/HalfOpen.ts"

describe.concurrent("a session whose bytes vanish", () => {
  for (const it_ of HalfOpen.cases) {
    const { alert, dialler, lost } = it_
    const bytes = lost === "both" ? "bytes of both" : `bytes ${lost} one`
    it.live(`is replaced in two dials: ${bytes}, dialled by the ${dialler} one, noticed by the ${alert} alone`, () =>
      Effect.gen(function* () {
        const { dials, replaced } = yield* HalfOpen.run(it_)
        console.log(`${alert}, ${dialler}, ${lost}: ${dials} dials, ${replaced} ms`)
        assert.isAtMost(dials, 2)
      })
    )
  }
})
