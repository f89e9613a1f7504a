import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as SortKey from "../../src/protocol/SortKey.ts"

const Text = Schema.String.check(Schema.makeFilter((text) => text.isWellFormed()))
const largest = 10n ** 99n - 1n
const Large = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: -largest, maximum: largest }))
const PartOf = Schema.Union([Large, Schema.Int, Text])
const Parts = Schema.Array(PartOf).check(Schema.isMaxLength(3))
type Parts = typeof Parts.Type

/** As PostgreSQL's "C" collation compares. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
const byUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const compareParts = (a: SortKey.Part, b: SortKey.Part): number => {
  if (typeof a === "string") return typeof b === "string" ? byBytes(a, b) : 1
  if (typeof b === "string") return -1
  return a < b ? -1 : a > b ? 1 : 0
}

/** What the order should be: part by part, and the shorter one first. */
const compare = (a: Parts, b: Parts): number => {
  for (let n = 0; n < Math.min(a.length, b.length); n++) {
    const order = compareParts(a[n]!, b[n]!)
    if (order !== 0) return order
  }
  return a.length - b.length
}

const samples: ReadonlyArray<Parts> = [
  [],
  ...[-(10n ** 98n), -100n, -99, -10n, -9, -1n, 0, 7, 9n, 10, 99, 100n, 10n ** 98n].map((part) => [part]),
  ...[
    "",
    "\0",
    "\u0001",
    "\u0002",
    "\u0003",
    "a",
    "a\0",
    "a\u0001b",
    "ab",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\u{10000}"
  ].map((part) => [part]),
  ["a", 1],
  ["a", 2n],
  ["a", 10],
  ["a", "b", -1],
  ["1"],
  ["a\u0001", "b"]
]

const agree = (a: Parts, b: Parts): void => {
  const wanted = Math.sign(compare(a, b))
  const [one, other] = [SortKey.encode(a), SortKey.encode(b)]
  assert.strictEqual(Math.sign(byBytes(one, other)), wanted)
  assert.strictEqual(Math.sign(byUnits(SortKey.forUtf16(one), SortKey.forUtf16(other))), wanted)
  assert.strictEqual(one.startsWith(other), compare(a.slice(0, b.length), b) === 0)
  assert.isFalse(one.includes("\0"))
}

describe("a sort key", () => {
  it("sorts as its parts do, in bytes and in UTF-16, and begins with the key of its first parts", () => {
    for (const a of samples) for (const b of samples) agree(a, b)
  })

  it.prop("does so for any parts", [Parts, Parts, Schema.Natural], ([a, b, n]) => {
    agree(a, b)
    agree(a, [...a.slice(0, n % 3), ...b].slice(0, 3))
  })

  it("finds what begins with a prefix, and what comes after or before others of it", () => {
    const sorted = samples.toSorted(compare)
    for (const [prefix, after] of [
      [[], undefined],
      [["a"], undefined],
      [["a"], ["a", 1]],
      [[], [7]],
      [["a"], ["a"]]
    ] as const) {
      for (const backwards of [false, true]) {
        const end = after === undefined ? undefined : SortKey.encode(after)
        const { from, to } = SortKey.within(SortKey.encode(prefix), end, backwards)
        const begins = (parts: Parts, first: Parts) => compare(parts.slice(0, first.length), first) === 0
        const beyond = (parts: Parts) =>
          after === undefined ||
          (backwards ? compare(parts, after) < 0 : compare(parts, after) > 0 && !begins(parts, after))
        assert.deepStrictEqual(
          sorted.map(SortKey.encode).filter((key) => byBytes(key, from) >= 0 && byBytes(key, to) < 0),
          sorted.filter((parts) => begins(parts, prefix) && beyond(parts)).map(SortKey.encode)
        )
      }
    }
  })

  it("says which parts cannot be in one", () => {
    assert.isUndefined(SortKey.problem([1n, "\0", Number.MAX_SAFE_INTEGER, -largest, largest]))
    for (const part of [1.5, Number.NaN, Number.MAX_SAFE_INTEGER + 1, 10n ** 99n, "\ud800", "a\udfffb"])
      assert.isString(SortKey.problem(["a", part]), String(part))
  })
})
