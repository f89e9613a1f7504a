import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { Hex } from "effect/encoding"
import { BodyInvalid, codec, U64, Uuid } from "../../src/protocol/Cbor.ts"
import * as CborScan from "../../src/protocol/CborScan.ts"
import { mangled, noise, seeded } from "../support/Malformed.ts"

const hex = (text: string): Uint8Array => Result.getOrThrow(Hex.decode(text.replaceAll(" ", "")))

const number = codec("number", Schema.Struct({ n: U64 }))
const anything = codec("anything", Schema.Unknown)

const refusal = (bytes: Uint8Array): string => {
  const result = anything.decode(bytes)
  assert.isTrue(Result.isFailure(result), "the body was taken")
  const failure = Result.isFailure(result) ? result.failure : undefined
  assert.instanceOf(failure, BodyInvalid)
  return failure!.detail
}

describe("codec", () => {
  it.prop("gives 64-bit numbers back", [Schema.BigInt], ([n]) => {
    const value = { n: BigInt.asUintN(64, n) }
    assert.deepStrictEqual(Result.getOrThrow(number.decode(number.encode(value))), value)
  })

  it("takes the unsigned 64-bit numbers and no others", () => {
    for (const n of [0n, 23n, 24n, 255n, 256n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      assert.strictEqual(Result.getOrThrow(number.decode(number.encode({ n }))).n, n)
    }
    assert.strictEqual(Hex.encode(number.encode({ n: 2n ** 64n - 1n })), "a1616e1bffffffffffffffff")
    assert.strictEqual(Hex.encode(number.encode({ n: 2n ** 32n })), "a1616e1b0000000100000000", "never as a float")
    const refused = ["20", "3bffffffffffffffff", "f93e00", "fb7ff0000000000000", "f6", "6131", "c249ffffffffffffffffff"]
    for (const value of refused) assert.isTrue(Result.isFailure(number.decode(hex(`a1616e${value}`))), value)
    assert.throws(() => number.encode({ n: 2n ** 64n }))
    assert.throws(() => number.encode({ n: -1n }))
  })

  it("takes a number in every width that CBOR has", () => {
    for (const value of ["07", "1807", "190007", "1a00000007", "1b0000000000000007"]) {
      assert.strictEqual(Result.getOrThrow(number.decode(hex(`a1616e${value}`))).n, 7n)
    }
  })

  it("takes a UUID of 16 bytes and nothing else", () => {
    const id = codec("id", Uuid)
    const text = "00112233-4455-6677-8899-aabbccddeeff"
    assert.strictEqual(Hex.encode(id.encode(text)), "5000112233445566778899aabbccddeeff")
    assert.strictEqual(Result.getOrThrow(id.decode(id.encode(text))), text)
    for (const value of ["40", "4f" + "00".repeat(15), "5100" + "00".repeat(16), "6130", "80", "f6"]) {
      assert.isTrue(Result.isFailure(id.decode(hex(value))), value)
    }
  })

  it("writes every hex digit at every place of a UUID as it is read", () => {
    const id = codec("id", Uuid)
    for (let value = 0; value < 256; value++) {
      for (let at = 0; at < 16; at++) {
        const bytes = new Uint8Array(17).fill(0x5a)
        bytes[0] = 0x50
        bytes[1 + at] = value
        assert.deepStrictEqual(new Uint8Array(id.encode(Result.getOrThrow(id.decode(bytes)))), bytes)
      }
    }
  })

  it("names the body in its failure, in few characters", () => {
    const result = number.decode(hex("a1616e" + "7a00010000" + "61".repeat(65_536)))
    const failure = Result.isFailure(result) ? result.failure : undefined
    assert.include(failure?.message, "number is not readable")
    assert.isAtMost(failure!.message.length, 400)
  })
})

describe("malformed CBOR", () => {
  it("is refused when a length announces more than there is, before anything is allocated", () => {
    for (const major of ["9", "b", "5", "7"]) {
      for (const length of ["affffffff", "bffffffffffffffff", "b0020000000000000", "b0000000100000000", "a10000000"]) {
        refusal(hex(major + length))
        refusal(hex(`81${major}${length}`))
      }
    }
    // An array whose announced length is exactly one more than the bytes that follow.
    assert.include(refusal(hex("83 00 00")), "more items")
    assert.include(refusal(hex("82 00 81")), "more items")
  })

  it("is refused when it is nested deeply, without recursion", () => {
    for (const byte of [0x81, 0xa1, 0x9f, 0xc1, 0xd8]) {
      for (const depth of [CborScan.maxDepth + 2, 5_000, 100_000, 4_000_000]) refusal(new Uint8Array(depth).fill(byte))
    }
    const nested = (depth: number) => Uint8Array.from([...new Array<number>(depth).fill(0x81), 0])
    assert.include(refusal(nested(100_000)), "inside each other")
    assert.isTrue(Result.isSuccess(anything.decode(nested(CborScan.maxDepth))))
    assert.include(refusal(nested(CborScan.maxDepth + 1)), "inside each other")
  })

  it("is refused when it uses tags, indefinite lengths, reserved codes, or keys that are not text", () => {
    for (const bytes of ["c11a00000000", "d81c81d81d00", "d90102 80", "d9dfff 80", "c101"]) {
      assert.include(refusal(hex(bytes)), "tags", bytes)
    }
    for (const bytes of ["9fff", "bfff", "5f41ffff", "7fff", "ff", "1c", "fc"]) {
      assert.include(refusal(hex(bytes)), "missing or reserved", bytes)
    }
    for (const bytes of ["a10100", "a1410000", "a1f600", "a18000"]) assert.include(refusal(hex(bytes)), "key", bytes)
  })

  it("is refused when a key comes twice, at any distance and depth", () => {
    assert.strictEqual(refusal(hex("a2 6161 01 6161 02")), "a key comes twice")
    assert.strictEqual(refusal(hex("81 a1 6162 a3 6161 01 6162 01 780161 02")), "a key comes twice")
    assert.isTrue(Result.isSuccess(anything.decode(hex("82 a1 6161 01 a1 6161 a1 6161 02"))))
  })

  it("is refused when it is empty, cut short or followed by more", () => {
    for (const bytes of ["", "18", "19ff", "1bff", "61", "8101 00", "a1", "a16161", "0000"]) refusal(hex(bytes))
  })

  it("is refused beyond the stated number of items and keys", () => {
    const keys = (n: number) => {
      const body = Array.from(
        { length: n },
        (_, i) => `62${(0x3030 + (i % 10) + 256 * Math.floor(i / 10)).toString(16)}00`
      )
      return hex(`b9${n.toString(16).padStart(4, "0")}${body.join("")}`)
    }
    assert.isTrue(Result.isSuccess(anything.decode(keys(500))))
    assert.include(refusal(hex("b90401" + "6000".repeat(1025))), "keys")
    const many = new Uint8Array(5 + CborScan.maxItems)
    many.set([0x9a, 0, 4, 0, 0])
    assert.include(refusal(many), "items")
  })

  it("cannot reach a prototype", () => {
    const text = (key: string) => (0x60 + key.length).toString(16) + Hex.encode(new TextEncoder().encode(key))
    for (const key of ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"]) {
      for (const value of [`a1${text("polluted")}01`, "80", "f6", "6161"]) {
        const taken = anything.decode(hex(`a1${text(key)}${value}`))
        if (Result.isSuccess(taken)) assert.strictEqual(Object.getPrototypeOf(taken.success), Object.prototype)
        assert.deepStrictEqual(
          Result.getOrThrow(number.decode(hex(`a2 616e 07 ${text(key)}${value}`))),
          { n: 7n },
          "an unknown key is left out"
        )
      }
    }
    assert.isFalse("polluted" in {})
  })

  it("never throws: 30,000 bodies of noise and of spoilt structure", () => {
    const random = seeded(1)
    const valid = anything.encode({ a: [1, "two", { b: new Uint8Array(3), c: null }], d: { e: true, f: 1.5, g: -7 } })
    let taken = 0
    for (let i = 0; i < 30_000; i++) {
      const bytes = i % 2 === 0 ? noise(random, Math.floor(random() * 40)) : mangled(random, valid)
      const result = anything.decode(bytes)
      if (Result.isSuccess(result)) taken++
      else assert.instanceOf(result.failure, BodyInvalid)
    }
    assert.isAbove(taken, 100, "some of the spoilt bodies are still bodies")
  })
})
