import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as Value from "../../../src/programs/credit/CreditValue.ts"
import { balanceOf, chip, exact, limitsOf } from "../../../src/programs/credit/CreditText.ts"
import { meant } from "../../../src/programs/credit/Acting.ts"
import { referee } from "../../../src/programs/settings/CreditSettings.ts"
import type { FromText } from "../../../src/programs/SettingValue.ts"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import { ChitId } from "../../../src/protocol/credit/Chit.ts"
import { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
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
      `${"9".repeat(19)}m`
    ])
      assert.isUndefined(read(Value.amount, text), text)
    assert.isUndefined(read(Value.someAmount, "0"))
    assert.isUndefined(read(Value.someAmount, "0m"))
    assert.strictEqual(read(Value.someAmount, "1m"), 1n)
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
