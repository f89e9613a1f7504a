import { assert, describe, it } from "@effect/vitest"
import { Look } from "../../../src/services/delivery/Look.ts"
import { Outbound } from "../../../src/services/delivery/Outbound.ts"

const body = (bytes: number) => new Uint8Array(bytes)
const message = (id: string, bytes = 10) => ({ id, protocol: "p", subject: "", body: body(bytes), void: false })
const wide = { messages: 1_000, bytes: 1_000_000 }
const outbound = (position = 0n, last = position) => new Outbound("stream", position, last, position, new Look())

describe("the outgoing stream of a session", () => {
  it("hands over in order what was numbered, as much as there is room for", () => {
    const out = outbound()
    out.give(1n, [message("a"), message("b")])
    out.give(3n, [message("c")])
    assert.strictEqual(out.last, 3n)
    const first = out.takeGiven({ messages: 2, bytes: 1_000 })
    assert.deepStrictEqual(
      first.map(({ id, seq }) => [id, seq]),
      [
        ["a", 1n],
        ["b", 2n]
      ]
    )
    out.sent({ upTo: 2n, messages: 2, bytes: 20 })
    assert.deepStrictEqual(
      out.takeGiven({ messages: 5, bytes: 1 }).map(({ id }) => id),
      ["c"]
    )
  })

  it("hands over nothing that would leave out what only the database has", () => {
    const behind = outbound(0n, 2n)
    behind.give(3n, [message("c")])
    assert.deepStrictEqual([behind.last, behind.takeGiven(wide)], [3n, []])
    const gap = outbound()
    gap.give(1n, [message("a")])
    gap.give(5n, [message("e")])
    assert.deepStrictEqual([gap.last, gap.takeGiven(wide)], [5n, []])
    const raised = outbound()
    raised.give(1n, [message("a")])
    // The database was asked how far it had come.
    raised.last = 5n
    raised.give(6n, [message("f")])
    assert.deepStrictEqual([raised.last, raised.takeGiven(wide)], [6n, []])
    const read = outbound()
    read.give(1n, [message("a")])
    // The pump has read it from the database.
    read.sent({ upTo: 1n, messages: 1, bytes: 10 })
    assert.deepStrictEqual(read.takeGiven(wide), [])
  })

  it("has room for what its window holds, in messages and in bytes, and none while it is unsure", () => {
    const out = outbound()
    const window = { messages: 4, bytes: 100 }
    assert.isTrue(out.hasRoom(window, { messages: 4, bytes: 100 }))
    out.give(1n, [message("a", 60)])
    assert.isTrue(out.hasRoom(window, { messages: 3, bytes: 40 }))
    assert.isFalse(out.hasRoom(window, { messages: 4, bytes: 1 }))
    assert.isFalse(out.hasRoom(window, { messages: 1, bytes: 41 }))
    out.takeGiven(wide)
    out.sent({ upTo: 1n, messages: 1, bytes: 60 })
    assert.isFalse(out.hasRoom(window, { messages: 1, bytes: 41 }))
    out.unsure = true
    assert.isFalse(out.hasRoom(window, { messages: 1, bytes: 1 }))
  })

  it("settles in whole batches of so many bytes, one at least, and says only what is on the disk", () => {
    const out = outbound()
    for (const upTo of [2n, 4n, 6n, 8n]) out.sent({ upTo, messages: 2, bytes: 60 })
    const most = { messages: 100, bytes: 130 }
    assert.strictEqual(out.settleStep(8n, most), 4n)
    assert.strictEqual(out.settleStep(3n, most), 3n)
    out.settle(4n, false)
    assert.deepStrictEqual([out.settled, out.seen], [4n, 0n])
    assert.strictEqual(out.settleStep(8n, { messages: 100, bytes: 1 }), 6n)
    assert.strictEqual(out.settleStep(8n, { messages: 1, bytes: 1_000 }), 5n)
    out.settle(8n, true)
    assert.deepStrictEqual([out.settled, out.seen], [8n, 8n])
  })
})
