import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as NodeKey from "../../src/protocol/NodeKey.ts"

const Bytes32 = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))).check(
  Schema.isMinLength(32),
  Schema.isMaxLength(32)
)

describe("a node key", () => {
  it.prop("comes back from its bytes, and compares as they do", [Bytes32, Bytes32], ([a, b]) => {
    const [x, y] = [NodeKey.fromBytes(Uint8Array.from(a)), NodeKey.fromBytes(Uint8Array.from(b))]
    assert.deepStrictEqual([...NodeKey.toBytes(x)], a)
    assert.strictEqual(x < y, Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0)
    assert.strictEqual(NodeKey.short(x), x.slice(0, 8))
  })

  it("is 64 lower-case hex digits and nothing else", () => {
    const fine = "0123456789abcdef".repeat(4)
    const wrong = [
      "",
      fine.slice(1),
      `${fine}0`,
      fine.toUpperCase(),
      `${fine.slice(1)}g`,
      ` ${fine.slice(1)}`,
      `${fine}\n`,
      7,
      null
    ]
    const read = Schema.decodeUnknownOption(NodeKey.NodeKey)
    assert.isTrue(Option.isSome(read(fine)))
    for (const value of wrong) assert.isTrue(Option.isNone(read(value)), String(value))
    assert.throws(() => NodeKey.fromBytes(new Uint8Array(31)))
    assert.throws(() => NodeKey.fromBytes(new Uint8Array(33)))
  })
})
