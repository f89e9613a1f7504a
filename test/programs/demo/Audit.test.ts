import { assert, describe, it } from "@effect/vitest"
import { audit, type Evidence } from "../../../src/programs/demo/Audit.ts"
import type { Fault } from "../../../src/programs/demo/Board.ts"
import { delivered } from "./Delivered.ts"

const row = (evidence: ReadonlyArray<Evidence>, from: string, to: string) => {
  const found = audit(evidence, []).directions.find((it) => it.from === from && it.to === to)
  if (found === undefined) throw new Error(`no direction from ${from} to ${to}`)
  return found
}

describe("the accounting of the demo", () => {
  it("finds that everything sent was delivered once", () => {
    const { directions, totals } = audit(delivered(5), [])
    assert.deepStrictEqual(
      directions.map(({ from, to }) => from + to),
      ["AB", "AC", "BA", "BC", "CA", "CB"]
    )
    assert.deepInclude(totals, { sent: 30, deliveredOnce: 30, lost: 0, doubled: 0, foreign: 0, owed: 0, reconnects: 6 })
    for (const direction of directions) assert.deepInclude(direction, { sent: 5, deliveredOnce: 5, reconnects: 2 })
  })

  it("finds a message that had no effect, in its direction alone", () => {
    const evidence = delivered(5, ({ received }) => received.filter((it) => it.sender !== "A" || it.number !== 3), "B")
    assert.deepInclude(row(evidence, "A", "B"), { sent: 5, deliveredOnce: 4, lost: 1, doubled: 0, foreign: 0 })
    assert.deepInclude(row(evidence, "C", "B"), { deliveredOnce: 5, lost: 0 })
    assert.deepInclude(row(evidence, "A", "C"), { deliveredOnce: 5, lost: 0 })
    assert.deepInclude(audit(evidence, []).totals, { sent: 30, deliveredOnce: 29, lost: 1 })
  })

  it("finds a message that took effect twice, and does not let it make up for a lost one", () => {
    const evidence = delivered(
      5,
      ({ received }) =>
        received.flatMap((it) => (it.sender !== "A" ? [it] : it.number === 3 ? [] : it.number === 4 ? [it, it] : [it])),
      "B"
    )
    assert.deepInclude(row(evidence, "A", "B"), { sent: 5, deliveredOnce: 3, lost: 1, doubled: 1, foreign: 0 })
    assert.deepInclude(audit(evidence, []).totals, { deliveredOnce: 28, lost: 1, doubled: 1 })
  })

  it("finds effects that no ledger knows, of a known sender and of a stranger", () => {
    const evidence = delivered(
      5,
      ({ received }) => [
        ...received,
        { sender: "A", number: 6, receivedAt: 1 },
        { sender: "a stranger", number: 1, receivedAt: 1 }
      ],
      "B"
    )
    assert.deepInclude(row(evidence, "A", "B"), { sent: 5, deliveredOnce: 5, foreign: 1 })
    assert.deepInclude(row(evidence, "a stranger", "B"), { sent: 0, deliveredOnce: 0, foreign: 1 })
    assert.deepInclude(audit(evidence, []).totals, { sent: 30, deliveredOnce: 30, foreign: 2 })
  })

  it("counts a number that is in the ledger twice as two messages", () => {
    const [a, ...others] = delivered(5)
    const again = { receiver: "B", number: 3, sentAt: 9 } as const
    const evidence = [{ ...a!, ledger: [...a!.ledger, again] }, ...others]
    assert.deepInclude(row(evidence, "A", "B"), { sent: 6, deliveredOnce: 5, lost: 1, doubled: 0 })
  })

  it("takes duplicates from the receiver, what is owed from the sender, and reconnects from what both ends saw", () => {
    const [a, b, c] = delivered(5)
    const link = { peer: "B", sessions: 9, duplicates: 7, owed: 4 } as const
    const evidence = [{ ...a!, links: [link, ...a!.links.filter(({ peer }) => peer !== "B")] }, b!, c!]
    assert.deepInclude(row(evidence, "A", "B"), { owed: 4, duplicatesSuppressed: 0, reconnects: 2 })
    assert.deepInclude(row(evidence, "B", "A"), { owed: 0, duplicatesSuppressed: 7, reconnects: 2 })
    assert.strictEqual(audit(evidence, []).totals.reconnects, 6)
  })

  it("measures from the sender's transaction to the receiver's, with and without what a fault stood in the way of", () => {
    const evidence: ReadonlyArray<Evidence> = [
      {
        node: "A",
        ledger: [
          { receiver: "B", number: 1, sentAt: 100 },
          { receiver: "B", number: 2, sentAt: 200 },
          { receiver: "B", number: 3, sentAt: 5_000 },
          { receiver: "C", number: 1, sentAt: 190 }
        ],
        received: [],
        links: []
      },
      {
        node: "B",
        ledger: [],
        received: [
          { sender: "A", number: 1, receivedAt: 110 },
          { sender: "A", number: 2, receivedAt: 4_200 },
          { sender: "A", number: 3, receivedAt: 5_030 }
        ],
        links: []
      },
      { node: "C", ledger: [], received: [{ sender: "A", number: 1, receivedAt: 690 }], links: [] }
    ]
    const cut: Fault = { kind: "cut", nodes: ["A", "B"], at: 205, owed: 1, until: 4_000, recovered: 4_100 }
    const { interrupted, totals } = audit(evidence, [
      cut,
      { ...cut, kind: "kill", nodes: ["C"], at: 300, recovered: 400 }
    ])
    assert.deepInclude(totals, { p50: 30, p99: 4_000, p99Undisturbed: 30 })
    assert.deepStrictEqual(interrupted, [1, 1])
  })

  it("holds a fault that was never undone against everything after it", () => {
    const evidence = delivered(5)
    const at = evidence[0]!.ledger[0]!.sentAt
    const kill: Fault = { kind: "kill", nodes: ["A"], at, owed: 1, until: undefined, recovered: undefined }
    const { totals } = audit(evidence, [kill])
    assert.strictEqual(
      totals.p99Undisturbed,
      audit(
        evidence.filter(({ node }) => node !== "A"),
        []
      ).totals.p99
    )
  })
})
