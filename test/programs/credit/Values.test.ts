import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as Value from "../../../src/programs/credit/CreditValue.ts"
import { balanceOf, chip, exact, limitsOf } from "../../../src/programs/credit/CreditText.ts"
import { meant, TallyUnclear } from "../../../src/programs/credit/Acting.ts"
import { NotPaid } from "../../../src/programs/credit/LiftCommands.ts"
import * as UserText from "../../../src/programs/credit/UserText.ts"
import { IdempotencyKey } from "../../../src/programs/http/CreditModels.ts"
import { referee } from "../../../src/programs/settings/CreditSettings.ts"
import type { FromText } from "../../../src/programs/SettingValue.ts"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import { ChitId } from "../../../src/protocol/credit/Chit.ts"
import { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import { most, Units } from "../../../src/protocol/credit/Units.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"

const read = <A>(schema: FromText<A>, text: string): A | undefined =>
  Option.getOrUndefined(Schema.decodeUnknownOption(schema)(text))

const agent = NodeKey.make("ab".repeat(32))
const cuid = Cuid.make("carol")

describe("what commands of credit take", () => {
  it("amounts are CHIP, or milli-CHIP behind which there is an m", () => {
    const amounts = [
      ["12.5", 12_500n],
      ["12500m", 12_500n],
      ["0.001", 1n],
      ["1m", 1n],
      [" 7 ", 7_000n],
      ["2305843009213693.951", most],
      ["2305843009213693951m", most],
      ["0", 0n]
    ] as const
    for (const [text, units] of amounts) assert.strictEqual(read(Value.amount, text), units)
    for (const text of [
      "",
      "-1",
      "-1m",
      "1.5m",
      "1.2345",
      "1e3",
      "12,5",
      "m",
      "0x1",
      "9".repeat(20),
      "2305843009213693.952",
      "2305843009213693952m",
      `${"9".repeat(19)}m`
    ])
      assert.isUndefined(read(Value.amount, text), text)
    assert.isUndefined(read(Value.someAmount, "0"))
    assert.isUndefined(read(Value.someAmount, "0m"))
    assert.strictEqual(read(Value.someAmount, "1m"), 1n)
  })

  it("amounts that are too great are refused with the greatest there is", () => {
    for (const schema of [Value.amount, Value.someAmount, Value.paid]) {
      for (const text of ["2305843009213693.952", "9".repeat(30), `${"9".repeat(30)}m`])
        assert.throws(() => Schema.decodeUnknownSync(schema)(text), /2305843009213693\.951/)
    }
    // As in the requests of programs.
    assert.throws(() => Schema.decodeUnknownSync(Units)("9".repeat(30)), /2305843009213693951/)
    assert.throws(() => Schema.decodeUnknownSync(Units)("2305843009213693952"), /2305843009213693951/)
  })

  it("whom to pay is an address, with or without where it is reached, or a circle", () => {
    const to = { cuid, agent }
    assert.deepStrictEqual(read(Value.goal, `carol:${agent}@site.example:4000`), { to })
    assert.deepStrictEqual(read(Value.goal, `chip://carol:${agent}@[::1]:4000/`), { to })
    assert.deepStrictEqual(read(Value.goal, `carol:${agent}`), { to })
    assert.deepStrictEqual(read(Value.goal, "circle"), { circle: true })
    for (const text of ["carol", `carol:${agent}@site`, `carol:${agent.slice(1)}`, `-c:${agent}`, ""])
      assert.isUndefined(read(Value.goal, text), text)
  })

  it("what is paid is an amount or an invoice, and a referee has a key and a place", () => {
    const invoice = ChitId.make("0197f3c2-8a40-7d10-9b1e-0f1e2d3c4b5a")
    assert.deepStrictEqual(read(Value.paid, invoice), { invoice })
    assert.deepStrictEqual(read(Value.paid, "1.5"), { units: 1_500n })
    assert.isUndefined(read(Value.paid, "0"))
    assert.deepStrictEqual(read(referee, `${agent}@10.0.0.1:4000`), { key: agent, host: "10.0.0.1", port: 4000 })
    assert.isUndefined(read(referee, `${agent}@10.0.0.1`))
    assert.isUndefined(read(referee, "10.0.0.1:4000"))
  })
})

const half = (id: string, partner: string, over: Partial<TallyHalf> = {}): TallyHalf => ({
  holder: Cuid.make("alice"),
  id: TallyId.make(id),
  side: "stock",
  partner: { cuid: Cuid.make(partner), agent, host: "127.0.0.1", port: 4000 },
  status: "open",
  revision: 1,
  signs: {},
  sets: { stock: {}, foil: {} },
  sums: { net: 1_500n, up: 0n, down: 0n },
  ...over
})

describe("the key of a command", () => {
  const isKey = Schema.is(IdempotencyKey)

  it("is what a header of HTTP carries as it is", () => {
    for (const key of ["a", "order-17", "order 17: two hours!", "~".repeat(64)]) assert.isTrue(isKey(key), key)
  })

  it("has no line's end, no blank at an end, and nothing that a header has no one form of", () => {
    for (const key of ["", " ", " a", "a ", "k\n2", "a\tb", "ключ", "schlüssel", "€", "\u007f", "~".repeat(65)])
      assert.isFalse(isKey(key), JSON.stringify(key))
  })
})

describe("how tallies are shown", () => {
  it("a balance is what the partner owes, whatever side one is", () => {
    assert.strictEqual(balanceOf(half("0197f3c2-8a40-7d10-9b1e-0f1e2d3c4b5a", "bob")), 1_500n)
    assert.strictEqual(balanceOf(half("0197f3c2-8a40-7d10-9b1e-0f1e2d3c4b5a", "bob", { side: "foil" })), -1_500n)
    assert.strictEqual(chip(-1_500n), "-1.500 CHIP")
    assert.strictEqual(exact(1_500n), "1.500 CHIP (1500 milli-CHIP)")
    assert.deepStrictEqual(limitsOf(half("0197f3c2-8a40-7d10-9b1e-0f1e2d3c4b5a", "bob")), { theirs: 0n, mine: 0n })
  })

  it("a tally is meant by its partner, the living ones first, or by the beginning of its id", () => {
    const old = half("0197f3c2-8a40-7d10-9b1e-0f1e2d3c4b5a", "bob", { status: "void" })
    const now = half("0197f3c2-8a40-7d10-9b1e-0f1e2d3c4b5b", "bob")
    const other = half("0297f3c2-8a40-7d10-9b1e-0f1e2d3c4b5b", "carol")
    const all = [old, now, other]
    assert.deepStrictEqual(meant(all, "bob"), [now])
    assert.deepStrictEqual(meant([old, other], "bob"), [old])
    assert.deepStrictEqual(meant(all, "029"), [other])
    assert.deepStrictEqual(meant(all, "01"), [old, now])
    assert.deepStrictEqual(meant(all, ""), [])
    assert.deepStrictEqual(meant(all, "dave"), [])
  })
})

describe("what people are told", () => {
  it("how to open a tally, where there is none with whom is meant", () => {
    const { message } = new TallyUnclear({ text: "bob", user: "alice", tallies: [] })
    for (const part of [
      "none with a partner bob",
      "holdfast tally draft --user alice --limit",
      "holdfast tally ticket"
    ])
      assert.include(message, part)
  })

  it("that clocks are the likely cause, where something came too late", () => {
    assert.include(new NotPaid({ lift: "1", reason: "too-late" }).message, "clock")
    assert.notInclude(new NotPaid({ lift: "1", reason: "no-way" }).message, "clock")
  })

  it("what was there of a user who is added again, and what has changed", () => {
    const certificate = (name: string, type: "person" | "organisation" = "person") => ({
      date: 0,
      chad: { cuid, agent, host: "127.0.0.1", port: 4000 },
      type,
      name,
      public: agent
    })
    const told = UserText.added(undefined, certificate("Carol"))
    assert.include(told, "carol is a user of this node.")
    assert.notInclude(told, "already")
    const same = UserText.added(certificate("Carol"), certificate("Carol"))
    for (const part of ["already", 'name "Carol"', "person", "holdfast user add carol --name"])
      assert.include(same, part)
    const other = UserText.added(certificate("Carol"), certificate("Caro", "organisation"))
    for (const part of ["already", 'name "Carol" is now "Caro"', "person is now organisation"])
      assert.include(other, part)
  })
})
