import { assert, describe, it } from "@effect/vitest"
import { audit, type Evidence } from "../../../src/programs/demo/Audit.ts"
import { type Fault, names } from "../../../src/programs/demo/Board.ts"
import { failures, type Outcome } from "../../../src/programs/demo/Verdict.ts"
import { delivered } from "./Delivered.ts"

const messages = 5
/** Numbers 1 and 2 were sent before the faults at 2,010, and number 2 arrived after them. */
const fault = { at: 2_010, owed: 10, until: 2_100, recovered: 2_200 }
const faults: ReadonlyArray<Fault> = [
  { ...fault, kind: "kill", nodes: ["A"] },
  { ...fault, kind: "cut", nodes: ["B", "C"] },
  { ...fault, kind: "freeze", nodes: ["C"] }
]

const withDuplicates = (evidence: ReadonlyArray<Evidence>): ReadonlyArray<Evidence> =>
  evidence.map((it) => ({ ...it, links: it.links.map((link) => ({ ...link, duplicates: 1 })) }))

const outcome = (
  change: Partial<Outcome> & { readonly evidence?: ReadonlyArray<Evidence> } = {}
): ReadonlyArray<string> => {
  const chosen = change.faults ?? faults
  return failures({
    audited: audit(change.evidence ?? withDuplicates(delivered(messages)), chosen),
    stops: names.map((node) => ({ node, code: 0, signal: null, millis: 200 })),
    messages,
    ranOutAfter: undefined,
    ...change,
    faults: chosen
  })
}

describe("the verdict of the demo", () => {
  it("passes when everything took effect once and every fault struck", () => {
    assert.deepStrictEqual(outcome(), [])
  })

  it("fails for a lost, a doubled and a foreign message, and says where", () => {
    const lost = withDuplicates(delivered(messages, ({ received }) => received.slice(1), "B"))
    assert.deepStrictEqual(outcome({ evidence: lost }), ["1 message from A to B had no effect"])
    const doubled = withDuplicates(delivered(messages, ({ received }) => [...received, received[0]!], "C"))
    assert.deepStrictEqual(outcome({ evidence: doubled }), ["1 message from A to C took effect more than once"])
    const foreign = withDuplicates(
      delivered(messages, ({ received }) => [...received, { sender: "B", number: 6, receivedAt: 1 }], "A")
    )
    assert.deepStrictEqual(outcome({ evidence: foreign }), ["1 effect from B to A belongs to no message in the ledger"])
    const stranger = withDuplicates(
      delivered(messages, ({ received }) => [...received, { sender: "x", number: 6, receivedAt: 1 }], "A")
    )
    assert.deepStrictEqual(outcome({ evidence: stranger }), [
      "1 effect from x to A belongs to no message in the ledger"
    ])
  })

  it("fails when less was sent than was asked for, even if all of that was delivered", () => {
    const found = outcome({ evidence: withDuplicates(delivered(4)) })
    assert.strictEqual(found.length, 6)
    assert.strictEqual(found[0], "only 4 of 5 messages from A to B were sent")
  })

  it("fails for what is still owed, and when the time ran out", () => {
    const evidence = withDuplicates(delivered(messages)).map((it) =>
      it.node === "A" ? { ...it, links: it.links.map((link) => ({ ...link, owed: 2 })) } : it
    )
    assert.deepStrictEqual(outcome({ evidence, ranOutAfter: 180 }), [
      "not everything was delivered within 180 s",
      "2 messages from A to B had their effect but are still owed",
      "2 messages from A to C had their effect but are still owed"
    ])
  })

  it("fails when a fault did not happen, was not undone, or came when nothing was owed", () => {
    assert.deepStrictEqual(outcome({ faults: faults.slice(1) }), ["the kill did not happen"])
    assert.deepStrictEqual(outcome({ faults: [faults[0]!, faults[1]!] }), ["the freeze did not happen"])
    const endless = faults.map((it) => (it.kind === "cut" ? { ...it, until: undefined } : it))
    assert.deepStrictEqual(outcome({ faults: endless }), ["the cut was not undone"])
    const unowed = faults.map((it) => (it.kind === "kill" ? { ...it, owed: 0 } : it))
    assert.deepStrictEqual(outcome({ faults: unowed }), [
      "the kill came at a moment when nothing was owed (the nodes said 0, the databases show 4)"
    ])
    const late = faults.map((it) => (it.kind === "cut" ? { ...it, at: 9_000 } : it))
    assert.deepStrictEqual(outcome({ faults: late }), [
      "the cut came at a moment when nothing was owed (the nodes said 10, the databases show 0)"
    ])
  })

  it("fails with two reconnects, and without a duplicate", () => {
    const sessions = (count: number) =>
      withDuplicates(delivered(messages)).map((it) => ({
        ...it,
        links: it.links.map((link) => ({ ...link, sessions: [it.node, link.peer].includes("A") ? count : 1 }))
      }))
    assert.deepStrictEqual(outcome({ evidence: sessions(2) }), [
      "there were 2 reconnects, 3 at least belong to the faults"
    ])
    assert.deepStrictEqual(outcome({ evidence: sessions(3) }), [])
    assert.deepStrictEqual(outcome({ evidence: delivered(messages) }), ["no duplicate came, so none was suppressed"])
  })

  it("fails when a node does not stop in order and in time", () => {
    const stops = [
      { node: "A", code: 1, signal: null, millis: 200 },
      { node: "B", code: null, signal: "SIGKILL", millis: 10_000 },
      { node: "C", code: 0, signal: null, millis: 5_001 }
    ] as const
    assert.deepStrictEqual(outcome({ stops }), [
      "node A did not stop in order: it ended with code 1",
      "node B did not stop in order: it ended by SIGKILL",
      "node C took 5001 ms to stop, 5000 are allowed"
    ])
  })
})
