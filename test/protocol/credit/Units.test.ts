import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import * as Cbor from "../../../src/protocol/Cbor.ts"
import * as Units from "../../../src/protocol/credit/Units.ts"

const balance = Cbor.codec("a balance", Units.Balance)
const raw = Cbor.codec("anything", Schema.Unknown)
const takes = <A, I>(schema: Schema.Codec<A, I>, text: unknown): boolean =>
  Result.isSuccess(Schema.decodeUnknownResult(schema)(text))

const within = (n: bigint): bigint => BigInt.asIntN(61, n)

describe("an amount", () => {
  it.prop("comes back through CBOR as it left, with its sign", [Schema.BigInt], ([n]) => {
    const value = within(n)
    assert.strictEqual(Result.getOrThrow(balance.decode(balance.encode(value))), value)
    assert.strictEqual(Result.getOrThrow(raw.decode(balance.encode(value))), value.toString(), "as decimal text")
  })

  it("goes up to the largest and no further, in either direction", () => {
    for (const schema of [Units.Units, Units.SomeUnits, Units.Balance]) {
      assert.isTrue(takes(schema, `${Units.most}`))
      assert.isFalse(takes(schema, `${Units.most + 1n}`))
    }
    assert.isTrue(takes(Units.Balance, `${-Units.most}`))
    assert.isFalse(takes(Units.Balance, `${-Units.most - 1n}`))
    assert.isTrue(takes(Units.Units, "0"))
    assert.isFalse(takes(Units.Units, "-1"))
    assert.isFalse(takes(Units.SomeUnits, "0"))
    assert.throws(() => balance.encode(Units.most + 1n))
  })

  it("has one text: nothing else that means the same is taken", () => {
    const refused = [
      "",
      "-",
      "-0",
      "00",
      "01",
      "-01",
      "+1",
      " 1",
      "1 ",
      "1.0",
      "1e3",
      "0x10",
      "١",
      "1_000",
      "1n",
      "1\n"
    ]
    for (const text of refused) assert.isFalse(takes(Units.Balance, text), JSON.stringify(text))
    for (const other of [1, 1n, null, true, ["1"], { units: "1" }, undefined]) {
      assert.isFalse(takes(Units.Balance, other), String(other))
    }
  })

  it("is refused by its length before its digits are read", () => {
    const failure = Result.getFailure(balance.decode(raw.encode("9".repeat(100_000))))
    assert.include(Option.getOrThrow(failure).detail, "an amount is a whole number in decimal digits")
    assert.isAtMost(Option.getOrThrow(failure).message.length, 400)
  })
})

describe("CHIP as people write them", () => {
  it.prop("reads what it prints", [Schema.BigInt], ([n]) => {
    const value = within(n)
    assert.deepStrictEqual(Units.parse(Units.format(value)), Option.some(value))
  })

  it("has three decimals at most, and no more than the largest amount", () => {
    const read: ReadonlyArray<readonly [string, bigint]> = [
      ["12", 12_000n],
      ["0.5", 500n],
      ["-3.125", -3_125n],
      ["-0", 0n],
      [" 007.10 ", 7_100n],
      ["2305843009213693.951", Units.most]
    ]
    for (const [text, units] of read) assert.deepStrictEqual(Units.parse(text), Option.some(units), text)
    const refused = [
      "",
      "-",
      ".5",
      "1.",
      "1.2345",
      "1,5",
      "1e3",
      "+1",
      "--1",
      "0x1",
      "2305843009213693.952",
      "1 2",
      "٣"
    ]
    for (const text of refused) assert.deepStrictEqual(Units.parse(text), Option.none(), JSON.stringify(text))
    assert.deepStrictEqual(Units.parse("9".repeat(100_000)), Option.none())
  })

  it("prints the decimals and the sign", () => {
    assert.deepStrictEqual([0n, 1n, -1n, 999n, 1_000n, -12_345n, Units.most].map(Units.format), [
      "0.000",
      "0.001",
      "-0.001",
      "0.999",
      "1.000",
      "-12.345",
      "2305843009213693.951"
    ])
  })
})
