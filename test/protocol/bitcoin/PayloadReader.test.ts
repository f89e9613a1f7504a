import { assert, describe, it } from "@effect/vitest"
import { PayloadReader } from "../../../src/protocol/bitcoin/PayloadReader.ts"
import { bytesOf, compactSizes } from "../../support/BitcoinVectors.ts"

const reasons: Readonly<Record<string, string>> = {
  "error:non-canonical": "non-canonical",
  "error:truncated": "short"
}

describe("a payload", () => {
  for (const { consumed, expect, hex, id, value } of compactSizes()) {
    it(`has numbers in as few bytes as they need: ${id}`, () => {
      const reader = new PayloadReader(bytesOf(hex))
      const read = reader.compactSize()
      if (expect === undefined) {
        assert.strictEqual(String(read), value)
        assert.strictEqual(reader.left, bytesOf(hex).length - (consumed ?? 0))
        assert.isUndefined(reader.failed)
      } else assert.strictEqual(reader.failed?.reason, reasons[expect])
    })
  }

  it("is read field by field, the port alone with its highest byte first", () => {
    const reader = new PayloadReader(
      bytesOf("01 0203 0405 06070809 ffffffff 0100000000000080 ffffffffffffffff".replaceAll(" ", ""))
    )
    assert.deepStrictEqual(
      [reader.u8(), reader.u16(), reader.port(), reader.u32(), reader.i32()],
      [1, 0x0302, 0x0405, 0x09080706, -1]
    )
    assert.deepStrictEqual([reader.u64(), reader.i64()], [0x8000000000000001n, -1n])
    assert.deepStrictEqual([reader.left, reader.failed], [0, undefined])
  })

  it("reads as nothing from the first field on that is wrong, and says which", () => {
    const reader = new PayloadReader(bytesOf("0102030405"))
    assert.strictEqual(reader.u8(), 1)
    assert.strictEqual(reader.u64(), 0n)
    assert.deepStrictEqual([reader.u8(), reader.bytes(1).length, reader.compactSize(), reader.left], [0, 0, 0n, 0])
    assert.strictEqual(reader.failed?.message, "short: 8 bytes are needed, 4 are left, at byte 1")
  })

  it("is believed no count that its bytes or the command do not allow", () => {
    const reasonOf = (hex: string, most?: number) => {
      const reader = new PayloadReader(bytesOf(hex))
      assert.strictEqual(reader.count("items", 36, most), 0)
      return reader.failed?.reason
    }
    assert.strictEqual(reasonOf("ffffffffffffffffff"), "too-large")
    assert.strictEqual(reasonOf("feffffff0f"), "short")
    assert.strictEqual(reasonOf("fdd107", 2_000), "too-many")
    assert.strictEqual(new PayloadReader(bytesOf(`02${"00".repeat(72)}`)).count("items", 36, 2), 2)
  })

  it("has texts of their length, and none that is longer than its field allows", () => {
    const reader = new PayloadReader(bytesOf("03616263"))
    assert.strictEqual(Buffer.from(reader.sized("a text", 3)).toString(), "abc")
    const long = new PayloadReader(bytesOf(`fd0101${"61".repeat(257)}`))
    assert.strictEqual(long.sized("the user agent", 256).length, 0)
    assert.strictEqual(long.failed?.message, "too-large: the user agent of 257 bytes, 256 at the most, at byte 3")
  })
})
