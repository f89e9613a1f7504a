import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as BlockHeader from "../../../src/protocol/chain/BlockHeader.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import { headerOf, vectors } from "../../support/ChainVectors.ts"
import { bitFlips, mangled, seeded, truncations } from "../../support/Malformed.ts"

const [open, first, second, greatest] = vectors.headers
const secret = NodeSecret.fromSeed(new Uint8Array(32).fill(1))
const id = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))
const u32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))
const Fields = Schema.Struct({
  height: u32,
  previous: id,
  payload: id,
  time: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  producer: id,
  weight: u32
})
const Signature = Schema.Uint8Array.check(Schema.isMinLength(64), Schema.isMaxLength(64))

/** Why these bytes are no headers; nothing if they are. */
const reason = (bytes: Uint8Array, most = 10): string | undefined => {
  const result = BlockHeader.decodeAll(bytes, most)
  return Result.isFailure(result) ? result.failure.reason : undefined
}

const changed = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const out = Uint8Array.from(bytes)
  out[at] = value
  return out
}

describe("a native header", () => {
  for (const vector of vectors.headers) {
    it(`has the bytes and the id that it always had: ${vector.name}`, () => {
      const header = headerOf(vector)
      assert.strictEqual(
        Buffer.from(BlockHeader.encode(header)).toString("hex"),
        Buffer.from(vector.hex).toString("hex")
      )
      assert.deepStrictEqual(BlockHeader.decode(vector.hex), header)
      assert.deepStrictEqual(BlockHeader.identified(header, header.signature), header)
    })
  }

  it.prop("comes back as it went", [Fields, Schema.UndefinedOr(Signature)], ([fields, signature]) => {
    const header = BlockHeader.identified(fields, signature)
    const bytes = BlockHeader.encode(header)
    assert.strictEqual(bytes.length, signature === undefined ? 114 : BlockHeader.maxSize)
    assert.deepStrictEqual(BlockHeader.decode(bytes), header)
    assert.deepStrictEqual(BlockHeader.decodeAll(bytes, 1), Result.succeed([header]))
  })

  it("is signed by its producer and by nobody else, over all that its id stands for", () => {
    const header = headerOf(first!)
    assert.deepStrictEqual(
      BlockHeader.signed(header, (bytes) => NodeSecret.sign(secret, bytes)),
      header
    )
    assert.isTrue(BlockHeader.isSignedBy(header, secret.key))
    assert.isFalse(BlockHeader.isSignedBy(header, NodeSecret.fromSeed(new Uint8Array(32).fill(2)).key))
    assert.isFalse(BlockHeader.isSignedBy({ ...header, weight: 2 }, secret.key))
    assert.isFalse(BlockHeader.isSignedBy({ ...header, signature: undefined }, secret.key))
  })

  it("is none in any bytes but its own", () => {
    for (const bytes of truncations(second!.hex)) assert.isUndefined(BlockHeader.decode(bytes))
    assert.isUndefined(BlockHeader.decode(Buffer.concat([second!.hex, Uint8Array.of(0)])))
    for (const bytes of bitFlips(open!.hex)) assert.notStrictEqual(BlockHeader.decode(bytes)?.id, open!.id)
  })

  it("cannot be written with numbers that its fields do not hold", () => {
    const header = headerOf(greatest!)
    for (const field of ["height", "weight"] as const) {
      assert.throws(() => BlockHeader.encode({ ...header, [field]: 2 ** 32 }))
      assert.throws(() => BlockHeader.encode({ ...header, [field]: -1 }))
    }
    assert.throws(() => BlockHeader.encode({ ...header, time: -1 }))
    assert.throws(() => BlockHeader.encode({ ...header, time: 0.5 }))
  })
})

describe("native headers one after the other", () => {
  const both = Buffer.concat([first!.hex, second!.hex])

  it("come back in their order; no bytes are none", () => {
    const headers = [headerOf(first!), headerOf(second!)]
    assert.deepStrictEqual(BlockHeader.decodeAll(both, 2), Result.succeed(headers))
    assert.deepStrictEqual(Buffer.from(BlockHeader.encodeAll(headers)), both)
    assert.deepStrictEqual(BlockHeader.decodeAll(new Uint8Array(0), 2), Result.succeed([]))
  })

  it("are refused by the name of what is wrong with them", () => {
    for (let length = 1; length < both.length; length++) {
      if (length !== first!.hex.length) assert.strictEqual(reason(both.subarray(0, length)), "truncated", `${length}`)
    }
    assert.strictEqual(reason(changed(both, 0, 2)), "version")
    assert.strictEqual(reason(changed(both, first!.hex.length, 0)), "version")
    for (const length of [1, 63, 65, 255]) {
      assert.strictEqual(reason(changed(both, BlockHeader.unsignedSize, length)), "signature-length")
    }
    assert.strictEqual(reason(changed(greatest!.hex, 70, 0x20)), "time")
    assert.isUndefined(reason(greatest!.hex))
    assert.strictEqual(reason(both, 1), "too-many")
  })

  it("are refused unless each names the one before it and has the next height", () => {
    assert.strictEqual(reason(Buffer.concat([second!.hex, first!.hex])), "unlinked")
    assert.strictEqual(reason(Buffer.concat([first!.hex, first!.hex])), "unlinked")
    const skipping = BlockHeader.identified({ ...headerOf(second!), height: 3 })
    assert.strictEqual(reason(Buffer.concat([first!.hex, BlockHeader.encode(skipping)])), "unlinked")
  })

  it("say which header is wrong, and where it lies", () => {
    const result = BlockHeader.decodeAll(both.subarray(0, both.length - 1), 2)
    assert.strictEqual(
      Result.isFailure(result) && result.failure.message,
      "truncated header: header 2, at byte 178 of 355"
    )
  })

  it("that are spoiled are refused or are other headers, and never throw", () => {
    const random = seeded(11)
    for (let round = 0; round < 2_000; round++) {
      const result = BlockHeader.decodeAll(mangled(random, both), 2)
      if (Result.isSuccess(result)) assert.isAtMost(result.success.length, 2)
    }
  })
})
