/**
 * Peers that say anything in any order to a node's real links. A failure says how to see it again; `FUZZ_SEED` gives other
 * peers, and `npm run torture -- talk` many more.
 */
import { assert, describe, it } from "@effect/vitest"
import { seedOr } from "../../support/hostile/Fuzz.ts"
import * as TalkFuzz from "../../support/hostile/TalkFuzz.ts"

describe("links with peers that say HELLO, COMMIT, REJECT, GOODBYE and worse in any order", () => {
  it("end each connection once, with a type, and begin sessions only where both have said so", async () => {
    const seed = seedOr(1)
    const report = await TalkFuzz.fuzz({ seed, inputs: 3_200 })
    console.log(`talk, seed ${seed}: ${JSON.stringify(report)}`)
    assert.strictEqual(report.inputs, 16_000)
    assert.isAbove(report.sessions, 4_000)
    assert.isAbove(report.lanes, 200)
    for (const reason of ["violation", "goodbye", "rejected", "refused", "closed", "network", "truncated"] as const) {
      assert.isAbove(report.ends[reason]!, 50, reason)
    }
  })

  it("say the same again under the same seed", async () => {
    const once = await TalkFuzz.fuzz({ seed: 3, inputs: 40 })
    assert.deepStrictEqual(await TalkFuzz.fuzz({ seed: 3, inputs: 40 }), once)
  })
})
