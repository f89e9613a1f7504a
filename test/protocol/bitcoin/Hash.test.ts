import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import * as Hash from "../../../src/protocol/bitcoin/Hash.ts"
import { checksum, sha256d, sha256dOf } from "../../../src/protocol/bitcoin/Sha256d.ts"
import { hexOf } from "../../support/BitcoinVectors.ts"

/** Bytes that differ from each other, behind others that are not theirs. */
const bytesOf = (length: number): Uint8Array => {
  const buffer = new Uint8Array(length + 3)
  return buffer.map((_, index) => index * 7 + (index >> 8)).subarray(3)
}

const twice = (bytes: Uint8Array): Buffer => {
  const once = createHash("sha256").update(bytes).digest()
  return createHash("sha256").update(once).digest()
}

describe("hashes", () => {
  it("are displayed with their bytes reversed, and read back", () => {
    const bytes = bytesOf(32)
    const text = Buffer.from(bytes).reverse().toString("hex")
    assert.strictEqual(Hash.display(bytes), text)
    assert.strictEqual(hexOf(Hash.wire(text)), hexOf(bytes))
  })

  it("are displayed many at once as one by one", () => {
    for (const count of [0, 1, 15, 16, 17, 64, 100]) {
      const bytes = bytesOf(count * 36)
      const at = (index: number) => index * 36 + 4
      const one = Array.from({ length: count }, (_, index) => Hash.display(bytes.subarray(at(index), at(index) + 32)))
      assert.deepStrictEqual(Hash.displayAll(Hash.viewOf(bytes), count, at), one)
    }
  })
})

describe("SHA-256 of SHA-256", () => {
  it("is what others compute, of short and long bytes, alone and many at once", () => {
    for (const length of [0, 1, 32, 55, 56, 64, 80, 255, 256, 257, 5_000]) {
      const bytes = bytesOf(length)
      assert.strictEqual(hexOf(sha256d(bytes)), twice(bytes).toString("hex"), `${length} bytes`)
      assert.strictEqual(checksum(bytes), twice(bytes).readUInt32LE(0), `checksum of ${length} bytes`)
    }
    const all = bytesOf(300)
    const starts = [0, 80, 81, 220]
    const separate = starts.map((start) => twice(all.subarray(start, start + 80)))
    assert.strictEqual(hexOf(sha256dOf(all, starts, 80)), Buffer.concat(separate).toString("hex"))
  })

  it("gives digests that no later one changes", () => {
    const first = sha256d(bytesOf(10))
    const before = hexOf(first)
    sha256d(bytesOf(11))
    checksum(bytesOf(12))
    assert.strictEqual(hexOf(first), before)
  })
})
