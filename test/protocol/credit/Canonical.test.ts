import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { Result, Schema } from "effect"
import { canonical, Digest, digestBy, digestOf } from "../../../src/protocol/credit/Canonical.ts"

const isDigest = (text: string): boolean => Result.isSuccess(Schema.decodeUnknownResult(Digest)(text))

describe("the canonical form", () => {
  it("is what RFC 8785 says of its own example", () => {
    const json: unknown = JSON.parse(`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
      "literals": [null, true, false]
    }`)
    const expected =
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert.strictEqual(canonical(json), expected)
  })

  it("sorts keys by UTF-16 units, not by characters and not by a language", () => {
    const json = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\u{1f600}": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis"
    }
    const order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\u{1f600}", "\ufb33"]
    assert.deepStrictEqual(
      [...canonical(json).matchAll(/"((?:[^"\\]|\\.)*)":/gu)].map(([, key]) => JSON.parse(`"${key}"`) as string),
      order
    )
    assert.strictEqual(
      canonical({ b: 1, B: 2, a: { d: 3, c: 4 }, "10": 5, "9": 6 }),
      '{"10":5,"9":6,"B":2,"a":{"c":4,"d":3},"b":1}'
    )
  })

  it("writes numbers as ECMAScript does", () => {
    const numbers: ReadonlyArray<readonly [number, string]> = [
      [0, "0"],
      [-0, "0"],
      [5e-324, "5e-324"],
      [1.7976931348623157e308, "1.7976931348623157e+308"],
      [9007199254740991, "9007199254740991"],
      [295147905179352830000, "295147905179352830000"],
      [1e21, "1e+21"],
      [999999999999999900000, "999999999999999900000"],
      [0.000001, "0.000001"],
      [0.0000001, "1e-7"]
    ]
    for (const [number, text] of numbers) assert.strictEqual(canonical(number), text)
  })

  it("escapes what JSON must and keeps everything else, in UTF-8", () => {
    assert.strictEqual(
      canonical('\b\t\n\f\r"\\/\u0000\u001f\u007f\u0080é€\u2028\u{1f600}'),
      '"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\u007f\u0080é€\u2028\u{1f600}"'
    )
    assert.strictEqual(canonical("e\u0301"), '"e\u0301"', "without normalising")
    const bytes = createHash("sha256").update('{"é":"😀"}', "utf8").digest("base64url")
    assert.strictEqual(digestOf({ é: "😀" }), bytes)
  })

  it("does not exist for what JSON cannot say", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, "\ud800", "a\udc00b", 1n]) {
      assert.throws(() => canonical(value), undefined, undefined, String(value))
      assert.throws(() => canonical({ inside: [{ deep: value }] }), undefined, undefined, String(value))
    }
    for (const value of [undefined, () => 1, Symbol("s")]) assert.throws(() => canonical(value), TypeError)
    assert.throws(() => canonical({ "\udfff": 1 }))
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    assert.throws(() => canonical(cycle))
  })

  it.prop("is the same however its keys were ordered", [Schema.Record(Schema.String, Schema.Int)], ([json]) => {
    // JSON has one zero.
    const wellFormed = Object.entries(json)
      .filter(([key]) => key.isWellFormed() && key !== "__proto__")
      .map(([key, n]) => [key, n === 0 ? 0 : n] as const)
    const text = canonical(Object.fromEntries(wellFormed))
    assert.strictEqual(canonical(Object.fromEntries(wellFormed.toReversed())), text)
    assert.deepStrictEqual(JSON.parse(text), Object.fromEntries(wellFormed))
    assert.strictEqual(canonical(JSON.parse(text)), text)
  })

  it("leaves fields out that are undefined", () => {
    assert.strictEqual(canonical({ a: undefined, b: 1 }), '{"b":1}')
    assert.strictEqual(digestOf({ a: undefined, b: 1 }), digestOf({ b: 1 }))
  })
})

describe("a digest", () => {
  it("is SHA-256 in 43 characters of base64url", () => {
    assert.strictEqual(digestOf({}), "RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o")
    assert.isTrue(isDigest(digestOf({})))
  })

  it("has one text, and no other length", () => {
    const good = digestOf("x")
    for (const bad of [
      "",
      good.slice(1),
      `${good}A`,
      `${good}=`,
      `${good}\n`,
      `${good.slice(0, -1)}B`,
      `+${good.slice(1)}`
    ]) {
      assert.isFalse(isDigest(bad), bad)
    }
  })

  it("of a value is that of its encoded form, and is worked out once", () => {
    let encoded = 0
    const Counted = Schema.Struct({
      n: Schema.BigIntFromString.check(
        Schema.makeFilter(() => {
          encoded += 1
          return true
        })
      )
    })
    const digest = digestBy(Counted)
    const value = { n: 12n }
    assert.strictEqual(digest(value), digestOf({ n: "12" }))
    const once = encoded
    assert.strictEqual(digest(value), digestOf({ n: "12" }))
    assert.strictEqual(encoded, once)
    assert.strictEqual(digest({ n: 12n }), digest(value), "another object of the same value has the same one")
    assert.isAbove(encoded, once)
  })
})
