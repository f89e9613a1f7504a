import { assert, describe, it } from "@effect/vitest"
import type { Sent } from "../../../src/testing/ledger/LedgerMessage.ts"
import { prompt, Promptness, unhindered } from "../../../src/testing/ledger/Promptness.ts"
import type { Fault } from "../../../src/testing/faults/FaultPlan.ts"
import * as NodeKey from "../../../src/protocol/NodeKey.ts"
import { planWith, watched } from "../cluster/Watched.ts"

const keyOf = (n: number): NodeKey.NodeKey => NodeKey.fromBytes(new Uint8Array(32).fill(n))
const keys = { a: keyOf(1), b: keyOf(2), c: keyOf(3) }

const message = (n: number, wish: Sent["wish"], subject = "s"): Sent => ({
  id: `id ${n}`,
  n,
  subject,
  wish,
  again: false,
  padding: "",
  to: keys.b,
  messageId: `0197a000-0000-7000-8000-00000000000${n}`
})

/** What is found once these messages of "a", sent in their order, have taken effect at "b" after so long. */
const after = (millis: number, sent: ReadonlyArray<Sent>, ...faults: ReadonlyArray<Fault>) => {
  const { violations, watching } = watched()
  const nodes = Object.entries(keys).map(([name, key]) => ({
    name,
    key,
    life: 1,
    state: "running" as const,
    registry: undefined
  }))
  const view = { nodes, now: 0 }
  const promptness = new Promptness({ ...watching, view }, planWith(...faults))
  for (const row of sent) promptness.sent("a", row)
  view.now = millis * 1_000
  for (const { messageId: _messageId, to: _to, ...row } of sent) promptness.effect("a", "b", { ...row, from: keys.a })
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

describe("a message between two nodes while a third one is bad", () => {
  const kill: Fault = { _tag: "Kill", node: "c", down: 9_000, end: "silence" }
  const stall: Fault = { _tag: "Stall", from: "c", to: "a", for: 9_000 }

  it("takes effect as soon as ever", () => {
    assert.deepStrictEqual(after(5_001, [message(1, "plain")], kill), [unhindered])
    assert.deepStrictEqual(after(5_001, [message(1, "plain")], kill, stall), [unhindered])
    assert.deepStrictEqual(after(5_000, [message(1, "plain")], kill, stall), [])
  })

  it("is not judged where one of the two is the bad one, or more than one is", () => {
    assert.deepStrictEqual(after(9_000, [message(1, "plain")], { ...kill, node: "b" }), [])
    assert.deepStrictEqual(after(9_000, [message(1, "plain")], stall, { ...stall, from: "a", to: "b" }), [])
    assert.deepStrictEqual(after(9_000, [message(1, "plain")], kill, { _tag: "Stall", for: 9_000 }), [])
  })

  it("does not wait for one that was put off and has been taken back", () => {
    const { violations, watching } = watched()
    const view = { nodes: [], now: 0 }
    const promptness = new Promptness({ ...watching, view }, planWith())
    promptness.sent("a", message(1, "later"))
    promptness.takenBack("a", message(1, "later"))
    promptness.sent("a", message(2, "plain"))
    view.now = 9_000_000
    const { messageId: _messageId, to: _to, ...row } = message(2, "plain")
    promptness.effect("a", "b", { ...row, from: keys.a })
    assert.deepStrictEqual(
      violations.map(([property]) => property),
      [prompt]
    )
  })
})
