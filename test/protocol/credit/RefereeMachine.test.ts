import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Action, Stepped, Unfit } from "../../../src/protocol/credit/Action.ts"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import { against } from "../../../src/protocol/credit/LiftEvidence.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import { first, isValid, promise } from "../../../src/protocol/credit/LiftRecord.ts"
import { step } from "../../../src/protocol/credit/RefereeMachine.ts"
import { RefereeState } from "../../../src/protocol/credit/RefereeState.ts"
import { date, expires, keyOf, planOf, signed, siteOf } from "../../support/lift/LiftLab.ts"

type Of<Tag extends CreditMessage["_tag"]> = Extract<CreditMessage, { readonly _tag: Tag }>

const plan = planOf({ way: ["A", "B"], referees: ["R", "S", "T"] })
const alone = planOf({ way: ["A", "B"], referees: ["R"] })
const promisesOf = (of: LiftPlan.LiftPlan) =>
  ["A", "B"].map((name) => promise(LiftPlan.digest(of), keyOf(name), siteOf(name).sign))
const mine = (round: number, name = "A") => ({ round, by: keyOf(name) })

const good: Of<"Decide"> = {
  _tag: "Decide",
  ...signed(plan),
  ballot: first,
  verdict: "good",
  promises: promisesOf(plan),
  ready: []
}
const prepare = (round: number, name = "A"): Of<"Prepare"> => ({
  _tag: "Prepare",
  ...signed(plan),
  ballot: mine(round, name)
})

interface Told {
  readonly at?: string
  readonly from?: string
  readonly now?: number
}
const tell = (
  state: RefereeState | undefined,
  message: Of<"Prepare" | "Decide" | "Inquire" | "Ended">,
  { at = "R", from = "A", now = date }: Told = {}
) => step(siteOf(at), state, { from: keyOf(from), message, now })

const ok = (answer: Stepped<RefereeState> | Unfit): Stepped<RefereeState> =>
  answer._tag === "Stepped" ? answer : assert.fail(`${answer.outcome}: ${answer.reason}`)
const no = (answer: Stepped<RefereeState> | Unfit): string =>
  answer._tag === "Unfit" ? `${answer.outcome}: ${answer.reason}` : assert.fail("it was taken")
const answer = ([action]: ReadonlyArray<Action>): string => {
  if (action?._tag !== "Send") return "nothing"
  const { message } = action
  if (message._tag === "Voted") return `voted ${message.verdict} in ${message.ballot.round}`
  return message._tag === "Unvoted" ? message.why : message._tag
}
const readyBy = (name: string, ballot: { readonly round: number }, state?: RefereeState) => {
  const [action] = ok(tell(state, prepare(ballot.round), { at: name })).actions
  return action?._tag === "Send" && action.message._tag === "Ready"
    ? action.message.readiness
    : assert.fail("not ready")
}

describe("a referee that does not decide for whoever has begun the lift", () => {
  const picky = (names: ReadonlyArray<string>) => ({
    ...siteOf("R"),
    decidesFor: (node: string) => names.some((name) => keyOf(name) === node)
  })
  const heard = (names: ReadonlyArray<string>, message: Of<"Prepare" | "Decide">, state?: RefereeState) =>
    ok(step(picky(names), state, { from: keyOf("B"), message, now: date }))

  it("does not vote good, and keeps nothing of having been asked", () => {
    const asked: Of<"Decide"> = { ...good, ...signed(alone), promises: promisesOf(alone) }
    const declined = heard(["B"], asked)
    assert.strictEqual(answer(declined.actions), "declined")
    assert.isUndefined(declined.state.ready ?? declined.state.voted ?? declined.state.record)
    assert.strictEqual(answer(heard(["A"], asked).actions), "Ended")
  })

  it("votes void before the time is over, and for whom it decides does not", () => {
    const asked: Of<"Prepare"> = { _tag: "Prepare", ...signed(alone), ballot: mine(1, "B") }
    const prepared = heard([], asked)
    const [action] = prepared.actions
    const ready = action?._tag === "Send" && action.message._tag === "Ready" ? [action.message.readiness] : []
    const decide: Of<"Decide"> = { ...asked, _tag: "Decide", verdict: "void", promises: [], ready }
    assert.strictEqual(answer(heard(["A"], decide, prepared.state).actions), "too-early")
    const ended = heard([], decide, prepared.state)
    assert.strictEqual(ended.state.record?.verdict, "void")
    assert.isTrue(isValid(ended.state.record!))
  })

  it("helps to an end what others have voted good already", () => {
    const voted = ok(tell(undefined, good, { at: "S" })).state
    const ready = [readyBy("S", { round: 1 }, voted), readyBy("T", { round: 1 })]
    const decide: Of<"Decide"> = { ...good, ballot: mine(1, "A"), ready }
    assert.strictEqual(
      answer(ok(step(picky([]), undefined, { from: keyOf("A"), message: decide, now: date })).actions),
      "voted good in 1"
    )
  })
})

describe("the first ballot", () => {
  it("is voted good with everybody's promise and in time, and the same for ever", () => {
    const voted = ok(tell(undefined, good))
    assert.strictEqual(answer(voted.actions), "voted good in 0")
    const again = ok(tell(voted.state, good, { now: expires * 2 }))
    assert.deepStrictEqual(again, voted)
    const codec = Schema.toCodecJson(RefereeState)
    const stored: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(codec)(voted.state)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(codec)(stored), voted.state)
  })

  it("is voted by nobody without a promise, for void, or when the time is over", () => {
    assert.strictEqual(
      answer(ok(tell(undefined, { ...good, promises: good.promises.slice(1) })).actions),
      "no-evidence"
    )
    const forged = good.promises.map((one) => ({ ...one, sign: good.promises[0]!.sign }))
    assert.strictEqual(answer(ok(tell(undefined, { ...good, promises: forged })).actions), "no-evidence")
    assert.strictEqual(answer(ok(tell(undefined, { ...good, verdict: "void" })).actions), "no-evidence")
    assert.strictEqual(answer(ok(tell(undefined, good, { now: expires })).actions), "too-late")
  })

  it("is over as soon as the referee is ready for a later one", () => {
    const { state } = ok(tell(undefined, prepare(1)))
    assert.strictEqual(answer(ok(tell(state, good)).actions), "later-ballot")
  })

  it("is the record where there is one referee, who answers everything with it from then on", () => {
    const decide = { ...good, ...signed(alone), promises: promisesOf(alone) }
    const voted = ok(tell(undefined, decide))
    assert.strictEqual(answer(voted.actions), "Ended")
    assert.isTrue(isValid(voted.state.record!))
    for (const message of [decide, { ...prepare(3), ...signed(alone) }]) {
      assert.strictEqual(answer(ok(tell(voted.state, message)).actions), "Ended")
    }
    const inquiry: Of<"Inquire"> = { _tag: "Inquire", lift: alone.lift, plan: LiftPlan.digest(alone) }
    assert.strictEqual(answer(ok(tell(voted.state, inquiry)).actions), "Ended")
  })
})

describe("a later ballot", () => {
  const free = ["R", "S"].map((name) => readyBy(name, mine(1)))
  const decide: Of<"Decide"> = { ...good, ballot: mine(1), verdict: "void", promises: [], ready: free }

  it("needs a majority that is ready, each once, with its own signature and for this ballot", () => {
    const late = { now: expires }
    assert.strictEqual(answer(ok(tell(undefined, decide, late)).actions), "voted void in 1")
    const few: ReadonlyArray<Of<"Decide">["ready"]> = [
      free.slice(1),
      [free[0]!, free[0]!],
      [free[0]!, { ...free[1]!, referee: keyOf("T") }],
      [free[0]!, readyBy("S", mine(2))]
    ]
    for (const ready of few) {
      assert.strictEqual(answer(ok(tell(undefined, { ...decide, ready }, late)).actions), "no-evidence")
    }
  })

  it("is voted void once the time is over by the referee's own clock, or on a node's word", () => {
    assert.strictEqual(answer(ok(tell(undefined, decide, { now: expires - 1 })).actions), "too-early")
    const digest = LiftPlan.digest(plan)
    const refused = { ...decide, against: against(digest, "refusal", siteOf("B")) }
    assert.strictEqual(answer(ok(tell(undefined, refused)).actions), "voted void in 1")
    const aborted = { ...decide, against: against(digest, "abort", siteOf("A")) }
    assert.strictEqual(answer(ok(tell(undefined, aborted)).actions), "voted void in 1")
    for (const worthless of [
      against(digest, "abort", siteOf("B")),
      against(digest, "refusal", siteOf("C")),
      { ...against(digest, "refusal", siteOf("B")), why: "abort" as const },
      against(LiftPlan.digest(alone), "refusal", siteOf("B"))
    ]) {
      assert.strictEqual(
        answer(ok(tell(undefined, { ...decide, against: worthless }, { now: expires })).actions),
        "no-evidence"
      )
    }
  })

  it("goes on with what was voted last, whatever the time or anybody's word", () => {
    const { state } = ok(tell(undefined, good, { at: "S" }))
    const [r, s] = [readyBy("R", mine(1)), readyBy("S", mine(1), state)]
    const other = { ...decide, ready: [r, s] }
    assert.strictEqual(answer(ok(tell(undefined, other, { now: expires })).actions), "no-evidence")
    const same = { ...other, verdict: "good" as const, promises: good.promises }
    assert.strictEqual(answer(ok(tell(undefined, same, { now: expires })).actions), "voted good in 1")
    assert.strictEqual(answer(ok(tell(undefined, { ...same, promises: [] }, { now: expires })).actions), "no-evidence")
  })

  it("gives whoever asks the promises that it has voted good with", () => {
    const [action] = ok(tell(ok(tell(undefined, good)).state, prepare(1))).actions
    assert.lengthOf(action?._tag === "Send" && action.message._tag === "Ready" ? action.message.promises : [], 2)
  })

  it("is voted once: asked for the other verdict in it, the referee refuses", () => {
    const both = { ...decide, against: against(LiftPlan.digest(plan), "abort", siteOf("A")) }
    const { state } = ok(tell(undefined, both))
    assert.strictEqual(no(tell(state, { ...both, verdict: "good", promises: good.promises })), "refused: two-verdicts")
    assert.strictEqual(answer(ok(tell(state, both)).actions), "voted void in 1")
    assert.strictEqual(answer(ok(tell(state, prepare(1))).actions), "voted void in 1")
  })

  it("ends all earlier ones", () => {
    const { state } = ok(tell(undefined, prepare(2)))
    assert.strictEqual(answer(ok(tell(state, decide, { now: expires })).actions), "later-ballot")
    assert.strictEqual(answer(ok(tell(state, prepare(1))).actions), "later-ballot")
    const byOther = ["A", "B"].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
    const high = ok(tell(undefined, prepare(2, byOther[1]), { from: byOther[1]! })).state
    assert.strictEqual(answer(ok(tell(high, prepare(2, byOther[0]), { from: byOther[0]! })).actions), "later-ballot")
  })

  it("can be begun by a node of the plan in its own name, and not far ahead of time", () => {
    assert.strictEqual(no(tell(undefined, prepare(1), { from: "B" })), "refused: bad-ballot")
    assert.strictEqual(no(tell(undefined, prepare(1, "C"), { from: "C" })), "refused: not-in-plan")
    assert.strictEqual(no(tell(undefined, prepare(0))), "refused: bad-ballot")
    assert.strictEqual(no(tell(undefined, { ...good, ballot: mine(0) })), "refused: bad-ballot")
    assert.strictEqual(no(tell(undefined, prepare(257))), "refused: bad-ballot")
    assert.strictEqual(answer(ok(tell(undefined, prepare(257), { now: date + 10_000 })).actions), "Ready")
  })

  it("can be begun in 11,776 rounds at the most until the longest plan expires, of which the newest alone is kept", () => {
    const longest = { ...plan, expires: date + LiftPlan.longestMillis }
    const ask = (state: RefereeState | undefined, round: number, now: number) =>
      tell(state, { _tag: "Prepare", ...signed(longest), ballot: mine(round) }, { now })
    assert.strictEqual(no(ask(undefined, 11_777, longest.expires)), "refused: bad-ballot")
    const last = ok(ask(undefined, 11_776, longest.expires)).state
    let state = ok(ask(undefined, 1, date)).state
    for (let round = 2; round <= 256; round++) state = ok(ask(state, round, date)).state
    assert.deepStrictEqual(ok(ask(state, 11_776, longest.expires)).state, last)
    // As long as nothing is decided there are eight more each minute, up to the last one that a ballot can have.
    const minute = 60_000
    assert.strictEqual(no(ask(last, 999_993, date + 124_967 * minute)), "refused: bad-ballot")
    assert.strictEqual(answer(ok(ask(last, 1_000_000, date + 124_968 * minute)).actions), "Ready")
  })

  it("keeps one verdict though its beginner asks for good here and for void there", () => {
    // The payor's node is dishonest: it has all promises, and its own wish to abort.
    const wish = against(LiftPlan.digest(plan), "abort", siteOf("A"))
    const asGood: Of<"Decide"> = { ...decide, verdict: "good", promises: good.promises }
    const states = new Map([
      ["R", ok(tell(undefined, asGood, { at: "R" })).state],
      ["S", ok(tell(undefined, { ...decide, against: wish }, { at: "S" })).state],
      ["T", ok(tell(undefined, { ...decide, against: wish }, { at: "T" })).state]
    ])
    // S and T make it void. Whoever hears of R and one of them must not make it good.
    const next = (...names: ReadonlyArray<string>) => names.map((name) => readyBy(name, mine(2), states.get(name)))
    const again = (verdict: "good" | "void", ...names: ReadonlyArray<string>) => {
      const message = { ...asGood, verdict, ballot: mine(2), ready: next(...names) }
      return answer(ok(tell(states.get("R"), message, { now: expires })).actions)
    }
    assert.strictEqual(again("good", "R", "S"), "no-evidence")
    assert.strictEqual(again("void", "R", "S"), "no-evidence")
    assert.strictEqual(again("good", "R", "S", "T"), "no-evidence")
    assert.strictEqual(again("void", "R", "S", "T"), "voted void in 2")
    assert.strictEqual(again("void", "S", "T"), "voted void in 2")
  })
})

describe("a referee", () => {
  it("has nothing to do with plans that do not name it, have no authority, or share an id with another", () => {
    assert.strictEqual(no(tell(undefined, good, { at: "U" })), "refused: no-referee")
    const unsigned = { ...good, authority: signed(alone).authority }
    assert.strictEqual(no(tell(undefined, unsigned)), "refused: bad-authority")
    const { state } = ok(tell(undefined, good))
    assert.strictEqual(no(tell(state, { ...good, ...signed(alone) })), "refused: other-plan")
    assert.strictEqual(
      no(tell(undefined, { _tag: "Inquire", lift: plan.lift, plan: LiftPlan.digest(plan) })),
      "stale: unknown-lift"
    )
  })
})
