import { assert, describe, it } from "@effect/vitest"
import type { Sent } from "../../../src/testing/ledger/LedgerMessage.ts"
import { prompt, Promptness } from "../../../src/testing/ledger/Promptness.ts"
import type { Fault } from "../../../src/testing/faults/FaultPlan.ts"
import { planWith, watched } from "../cluster/Watched.ts"

const message = (n: number, wish: Sent["wish"], subject = "s"): Sent => ({
  id: `id ${n}`,
  n,
  subject,
  wish,
  again: false,
  padding: "",
  to: "key of b"
})

/** What is found once these messages of "a", sent in their order, have taken effect at "b" after so long. */
const after = (millis: number, sent: ReadonlyArray<Sent>, ...faults: ReadonlyArray<Fault>) => {
  const { violations, watching } = watched()
  const view = { nodes: [], now: 0 }
  const promptness = new Promptness({ ...watching, view }, planWith(...faults))
  for (const row of sent) promptness.sent("a", row)
  view.now = millis * 1_000
  for (const { to: _to, ...row } of sent) promptness.effect("a", "b", { ...row, from: "key of a" })
  return violations.map(([property]) => property)
}

describe("a message in a calm run", () => {
  it("takes effect within five seconds of its commit", () => {
    assert.deepStrictEqual(after(5_001, [message(1, "plain")]), [prompt])
    assert.deepStrictEqual(after(5_000, [message(1, "plain")]), [])
  })

  it("may wait if it is put off, or behind one that is", () => {
    assert.deepStrictEqual(after(9_000, [message(1, "later")]), [])
    assert.deepStrictEqual(after(9_000, [message(1, "later"), message(2, "plain")]), [])
    assert.deepStrictEqual(after(9_000, [message(1, "later"), message(2, "plain", "t")]), [prompt])
    assert.deepStrictEqual(after(9_000, [message(1, "plain"), message(2, "later")]), [prompt])
  })

  it("is not judged where something is wrong", () => {
    assert.deepStrictEqual(after(9_000, [message(1, "plain")], { _tag: "Move", node: "a" }), [])
  })
})
