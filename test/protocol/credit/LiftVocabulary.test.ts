import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Cbor from "../../../src/protocol/Cbor.ts"
import { UuidText } from "../../../src/protocol/Cbor.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import * as LiftRecord from "../../../src/protocol/credit/LiftRecord.ts"
import { signWith } from "../../../src/protocol/credit/Signature.ts"
import * as Samples from "../../support/credit/CreditSamples.ts"

const { goodRecord, keyOf, plan, planDigest, promises, signerOf, voidRecord, votesFor } = Samples
const encoded = Schema.encodeSync(LiftPlan.LiftPlan)(plan)
const takes = (change: object): boolean =>
  Result.isSuccess(Schema.decodeUnknownResult(LiftPlan.LiftPlan)({ ...encoded, ...change }))
const firstLeg = encoded.legs[0]!
const secondLeg = encoded.legs[1]!

describe("a lift's plan", () => {
  it("comes back through CBOR as it left, with the same digest", () => {
    const codec = Cbor.codec("a plan", LiftPlan.LiftPlan)
    const copy = Result.getOrThrow(codec.decode(codec.encode(plan)))
    assert.deepStrictEqual(copy, plan)
    assert.strictEqual(LiftPlan.digest(copy), planDigest)
    assert.notStrictEqual(LiftPlan.digest({ ...plan, units: 5_001n }), planDigest)
  })

  it("joins its legs, goes over no tally twice, and ends where payor and payee are", () => {
    assert.isTrue(takes({}))
    assert.isFalse(takes({ legs: [] }))
    assert.isFalse(takes({ legs: [secondLeg, firstLeg] }))
    assert.isFalse(takes({ legs: [firstLeg, { ...secondLeg, from: keyOf("site-c") }] }), "a gap")
    assert.isFalse(takes({ legs: [firstLeg, { ...secondLeg, tally: firstLeg.tally }] }), "a tally twice")
    assert.isFalse(takes({ payor: { ...encoded.payor, agent: keyOf("site-b") } }))
    assert.isFalse(takes({ payee: { ...encoded.payee, agent: keyOf("site-a") } }))
    assert.isFalse(takes({ legs: [firstLeg] }), "ends before the payee's agent")
  })

  it("has an odd number of different referees", () => {
    const [one, two, three] = encoded.referees
    assert.isTrue(takes({ referees: [one] }))
    for (const referees of [[], [one, two], [one, two, two], Array.from({ length: 9 }, () => three)]) {
      assert.isFalse(takes({ referees }))
    }
    assert.strictEqual(LiftPlan.majority(plan), 2)
    assert.strictEqual(LiftPlan.majority({ ...plan, referees: plan.referees.slice(0, 1) }), 1)
  })

  it("ends within a day of its date, since room is held until its end and rounds are granted from its date", () => {
    assert.isTrue(takes({ expires: plan.date + 86_400_000 }))
    assert.isFalse(takes({ expires: plan.date + 86_400_001 }))
    assert.isFalse(takes({ date: 0 }))
  })

  it("has twelve legs at most, and moves something", () => {
    const circle = (length: number) =>
      Array.from({ length }, (_, n) => ({
        tally: `00000000-0000-4000-8000-0000000000${String(n).padStart(2, "0")}`,
        by: "foil",
        from: keyOf("site-a"),
        to: keyOf("site-a")
      }))
    const payee = encoded.payor
    assert.isTrue(takes({ legs: circle(12), payee }))
    assert.isFalse(takes({ legs: circle(13), payee }))
    for (const units of ["0", "-1", 5, undefined]) assert.isFalse(takes({ units }))
  })

  it("names its nodes once each, in the order of value", () => {
    const sites = ["site-a", "site-b", "site-c"].map(keyOf)
    assert.deepStrictEqual(LiftPlan.nodes(plan), sites)
    const around = [...plan.legs, { ...plan.legs[0]!, from: sites[2]!, to: sites[0]! }]
    assert.deepStrictEqual(LiftPlan.nodes({ ...plan, legs: around }), sites)
    assert.strictEqual(LiftPlan.originator(plan), sites[0])
  })

  it.prop("gives each leg's chit an id of its own, a UUID of version 8", [Schema.Int, Schema.Int], ([a, b]) => {
    const lift = LiftPlan.LiftId.make(`00000000-0000-4000-8000-${(Math.abs(a) % 1e12).toString().padStart(12, "0")}`)
    const legs = Array.from({ length: 12 }, (_, leg) => LiftPlan.chitId(lift, leg))
    assert.strictEqual(new Set(legs).size, 12)
    const id = legs[Math.abs(b) % 12]!
    assert.isTrue(Result.isSuccess(Schema.decodeUnknownResult(UuidText)(id)))
    assert.match(id, /^.{14}8.{4}[89ab]/)
  })

  it("gives both ends of a leg the same chit, dated by the plan", () => {
    const chit = LiftPlan.chitOf(plan, 1)
    const uuid = LiftPlan.chitId(plan.lift, 1)
    const { date, lift, units } = plan
    const tally = Samples.secondDocument.uuid
    assert.deepStrictEqual(chit, { type: "lift", tally, uuid, by: "foil", date, units, lift, leg: 1 })
  })
})

describe("a ballot", () => {
  it("is nobody's in round 0 and somebody's later", () => {
    const takesBallot = (json: unknown) => Result.isSuccess(Schema.decodeUnknownResult(LiftRecord.Ballot)(json))
    const by = keyOf("site-a")
    for (const good of [{ round: 0 }, { round: 1, by }, { round: 1_000_000, by }]) assert.isTrue(takesBallot(good))
    for (const bad of [{ round: 0, by }, { round: 1 }, { round: -1, by }, { round: 1_000_001, by }, { round: 0.5 }]) {
      assert.isFalse(takesBallot(bad), JSON.stringify(bad))
    }
  })

  it("comes before those of later rounds, and in a round before those of greater keys", () => {
    const [less, more] = [keyOf("site-a"), keyOf("site-b")].toSorted()
    const order = [LiftRecord.first, { round: 1, by: less! }, { round: 1, by: more! }, { round: 2, by: less! }]
    order.forEach((one, i) =>
      order.forEach((other, j) => assert.strictEqual(LiftRecord.isBefore(one, other), i < j, `${i} ${j}`))
    )
  })
})

describe("a lift's record", () => {
  it("is valid with the votes of a majority, and for good with all promises", () => {
    assert.isTrue(LiftRecord.isValid(goodRecord))
    assert.isTrue(LiftRecord.isValid(voidRecord))
    const codec = Cbor.codec("a record", LiftRecord.LiftRecord)
    for (const record of [goodRecord, voidRecord]) {
      const copy = Result.getOrThrow(codec.decode(codec.encode(record)))
      assert.deepStrictEqual(copy, record)
      assert.isTrue(LiftRecord.isValid(copy))
    }
  })

  it("is not valid once anything in it is another", () => {
    const later = Samples.laterBallot
    const spoilt: ReadonlyArray<readonly [string, LiftRecord.LiftRecord]> = [
      ["another plan", { ...goodRecord, plan: { ...plan, units: 5_001n } }],
      ["the authority of somebody else", { ...goodRecord, authority: signWith(signerOf("bob"), "lift", planDigest) }],
      [
        "an authority for another purpose",
        { ...goodRecord, authority: signWith(signerOf("alice"), "chit", planDigest) }
      ],
      ["another verdict", { ...goodRecord, verdict: "void" }],
      ["another ballot", { ...goodRecord, ballot: later }],
      [
        "a void of round 0",
        { ...voidRecord, ballot: { round: 0 }, votes: votesFor({ round: 0 }, "void", ["referee-1", "referee-2"]) }
      ],
      ["one vote of three", { ...goodRecord, votes: goodRecord.votes.slice(0, 1) }],
      ["one vote twice", { ...goodRecord, votes: [goodRecord.votes[0]!, goodRecord.votes[0]!] }],
      [
        "votes of nodes that are no referees",
        { ...voidRecord, votes: votesFor(later, "void", ["site-a", "referee-1"]) }
      ],
      ["votes for the other verdict", { ...voidRecord, votes: votesFor(later, "good", ["referee-1", "referee-2"]) }],
      [
        "a vote in the name of another",
        { ...goodRecord, votes: goodRecord.votes.map((vote, n) => ({ ...vote, referee: plan.referees[n]!.key })) }
      ],
      ["a promise missing", { ...goodRecord, promises: promises.slice(1) }],
      [
        "a promise in the name of another",
        { ...goodRecord, promises: [promises[0]!, promises[1]!, { ...promises[1]!, node: keyOf("site-c") }] }
      ],
      ["no promises", { ...goodRecord, promises: [] }]
    ]
    for (const [what, record] of spoilt) assert.isFalse(LiftRecord.isValid(record), what)
  })

  it("counts a good vote among bad ones, and one in any order", () => {
    const bad = { ...goodRecord.votes[0]!, sign: promises[0]!.sign }
    assert.isTrue(LiftRecord.isValid({ ...goodRecord, votes: [bad, ...goodRecord.votes.toReversed()] }))
    assert.isTrue(LiftRecord.isValid({ ...goodRecord, promises: promises.toReversed() }))
  })

  it("has no more votes than referees can be, and no more promises than nodes", () => {
    const json = Schema.encodeSync(LiftRecord.LiftRecord)(goodRecord)
    const decode = Schema.decodeUnknownResult(LiftRecord.LiftRecord)
    const takesRecord = (change: object) => Result.isSuccess(decode({ ...json, ...change }))
    assert.isTrue(takesRecord({}))
    assert.isFalse(takesRecord({ votes: [] }))
    assert.isFalse(takesRecord({ votes: Array.from({ length: 8 }, () => json.votes[0]) }))
    assert.isFalse(takesRecord({ promises: Array.from({ length: 14 }, () => json.promises[0]) }))
  })
})
