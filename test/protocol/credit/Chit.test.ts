import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Cbor from "../../../src/protocol/Cbor.ts"
import * as Chit from "../../../src/protocol/credit/Chit.ts"
import { chitOf } from "../../../src/protocol/credit/LiftPlan.ts"
import { type Purpose, signWith } from "../../../src/protocol/credit/Signature.ts"
import * as Units from "../../../src/protocol/credit/Units.ts"
import { Command } from "../../../src/services/credit/Command.ts"
import {
  entries,
  keyOf,
  noon,
  plainPledge,
  plan,
  pledge,
  setting,
  signerOf
} from "../../support/credit/CreditSamples.ts"

const codec = Cbor.codec("a chit", Chit.Chit)
const takes = (json: unknown): boolean => Result.isSuccess(Schema.decodeUnknownResult(Chit.Core)(json))
const encoded = Schema.encodeSync(Chit.Core)(pledge)
const lifted = chitOf(plan, 0)

describe("a chit", () => {
  it("comes back through CBOR as it left, with the same digest, and signed", () => {
    for (const { chit } of entries) {
      const copy = Result.getOrThrow(codec.decode(codec.encode(chit)))
      assert.deepStrictEqual(copy, chit)
      assert.strictEqual(Chit.digest(copy.core), Chit.digest(chit.core))
      const key = keyOf(chit.core.by === "stock" ? "alice" : "bob")
      assert.strictEqual(Chit.isSignedBy(copy, key), chit.core.type !== "lift")
    }
  })

  it.prop(
    "comes back whatever its amount, date and memo",
    [Schema.BigInt, Schema.Int, Schema.String],
    ([n, at, text]) => {
      const units = BigInt.asUintN(61, n) === 0n ? 1n : BigInt.asUintN(61, n)
      const memo = text.toWellFormed().replaceAll("\0", "").slice(0, 500).toWellFormed()
      const core: Chit.Core = { ...pledge, units, date: Math.abs(at) % 2 ** 47, memo }
      const copy = Result.getOrThrow(codec.decode(codec.encode({ core })))
      assert.deepStrictEqual(copy.core, core)
      assert.strictEqual(Chit.digest(copy.core), Chit.digest(core))
      assert.isTrue(units <= Units.most)
    }
  )

  it("has another digest after any change", () => {
    const cores: ReadonlyArray<Chit.Core> = [
      pledge,
      { ...pledge, units: 12_346n },
      { ...pledge, by: "stock" },
      { ...pledge, date: noon },
      { ...pledge, memo: "Zwo\u0308lf Äpfel, 12 €, 😀" },
      { ...pledge, memo: "order 7", ref: pledge.memo },
      { ...pledge, tally: plan.legs[1]!.tally },
      plainPledge,
      { ...plainPledge, memo: "" },
      setting,
      { ...setting, sets: {} },
      lifted,
      chitOf(plan, 1)
    ]
    assert.strictEqual(new Set(cores.map(Chit.digest)).size, cores.length)
  })

  it("binds by the signature of its issuer over its core, for this purpose, and by no other", () => {
    const key = keyOf("bob")
    const sign = (purpose: Purpose, name: string) => signWith(signerOf(name), purpose, Chit.digest(pledge))
    assert.isTrue(Chit.isSignedBy({ core: pledge, sign: sign("chit", "bob") }, key))
    assert.isFalse(Chit.isSignedBy({ core: pledge }, key))
    assert.isFalse(Chit.isSignedBy({ core: pledge, sign: sign("chit", "alice") }, key))
    assert.isFalse(Chit.isSignedBy({ core: pledge, sign: sign("tally", "bob") }, key))
    assert.isFalse(Chit.isSignedBy({ core: { ...pledge, units: 1n }, sign: sign("chit", "bob") }, key))
  })

  it("of a lift is bound by no signature, even by one that would fit", () => {
    const sign = signWith(signerOf("alice"), "chit", Chit.digest(lifted))
    assert.isFalse(Chit.isSignedBy({ core: lifted, sign }, keyOf("alice")))
  })

  it("moves the balance towards the other side, and a setting moves nothing", () => {
    assert.strictEqual(Chit.effect(pledge), 12_345n)
    assert.strictEqual(Chit.effect({ ...pledge, by: "stock" }), -12_345n)
    assert.strictEqual(Chit.effect(setting), 0n)
    assert.strictEqual(Chit.effect(lifted), -5_000n)
  })

  it("is refused where a field is missing, wrong or beyond its limits", () => {
    assert.isTrue(takes(encoded))
    for (const field of ["tally", "uuid", "by", "date", "type", "units"]) {
      assert.isFalse(takes({ ...encoded, [field]: undefined }), field)
    }
    const bad: ReadonlyArray<object> = [
      { units: "0" },
      { units: "-1" },
      { units: 1 },
      { units: `${Units.most + 1n}` },
      { units: "1.5" },
      { by: "payor" },
      { type: "chit" },
      { uuid: "7" },
      { date: -1 },
      { memo: "x".repeat(1_025) },
      { memo: "\ud83d" },
      { ref: null }
    ]
    for (const change of bad) assert.isFalse(takes({ ...encoded, ...change }), JSON.stringify(change).slice(0, 60))
    const set = Schema.encodeSync(Chit.Core)(setting)
    for (const sets of [{ close: false }, { bound: "-1" }, { target: 5 }, null, "close"]) {
      assert.isFalse(takes({ ...set, sets }), JSON.stringify(sets))
    }
    const lift = Schema.encodeSync(Chit.Core)(lifted)
    assert.isTrue(takes(lift))
    for (const leg of [-1, 32, 0.5, "0"]) assert.isFalse(takes({ ...lift, leg }), String(leg))
  })

  it("that is written has no id that the chit of a lift will have, which anybody can reckon beforehand", () => {
    for (const core of [pledge, plainPledge, setting]) {
      const written = Schema.encodeSync(Chit.Core)(core)
      assert.isTrue(takes(written))
      assert.isFalse(takes({ ...written, uuid: lifted.uuid }))
    }
    const command = { _tag: "Pay", tally: pledge.tally, units: "1" }
    const isCommand = (json: unknown) => Result.isSuccess(Schema.decodeUnknownResult(Command)(json))
    assert.isTrue(isCommand({ ...command, chit: pledge.uuid }))
    assert.isFalse(isCommand({ ...command, chit: lifted.uuid }))
  })
})
