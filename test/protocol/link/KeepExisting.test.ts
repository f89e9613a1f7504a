import { assert, describe, it } from "@effect/vitest"
import { type Direction, keepExisting } from "../../../src/protocol/link/KeepExisting.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"

const directions = ["inbound", "outbound"] as const

/** The founding plan's code: its comment says "the lower one keeps outbound", what it does is "the lower one keeps". */
const founding = (local: string, peer: string, existing: Direction, incoming: Direction): boolean =>
  existing === incoming || local < peer

describe("the rule by direction", () => {
  it.prop("keeps what is there when both connections go the same way", [NodeKey, NodeKey], ([local, peer]) => {
    for (const direction of directions) assert.isTrue(keepExisting(local, peer, direction, direction))
  })

  it.prop(
    "lets the lower one's dial stay on both sides, in whichever order they came",
    [NodeKey, NodeKey],
    ([a, b]) => {
      if (a === b) return
      const low = a < b ? a : b
      /** Who dialled the connection that stays at `local`, where `first` dialled the one that was there. */
      const stays = (local: NodeKey, peer: NodeKey, first: NodeKey) => {
        const existing = first === local ? "outbound" : "inbound"
        const kept = keepExisting(local, peer, existing, existing === "outbound" ? "inbound" : "outbound")
        return kept ? first : first === a ? b : a
      }
      for (const first of [a, b]) assert.deepStrictEqual([stays(a, b, first), stays(b, a, first)], [low, low])
    }
  )

  it.prop("is the founding plan's code exactly where what is there is outbound", [NodeKey, NodeKey], ([a, b]) => {
    if (a === b) return
    for (const incoming of directions) {
      assert.strictEqual(keepExisting(a, b, "outbound", incoming), founding(a, b, "outbound", incoming))
    }
    assert.notStrictEqual(keepExisting(a, b, "inbound", "outbound"), founding(a, b, "inbound", "outbound"))
  })

  it("orders IP addresses as numbers, since their texts compare wrongly", () => {
    const [nine, ten] = [0x0a000009n, 0x0a00000an]
    assert.isTrue(keepExisting(nine, ten, "outbound", "inbound"))
    assert.isFalse(keepExisting("10.0.0.9", "10.0.0.10", "outbound", "inbound"))
  })
})
