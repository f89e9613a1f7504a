import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Action, Unfit } from "../../../src/protocol/credit/Action.ts"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import { endsAt, type Found } from "../../../src/protocol/credit/LiftEnds.ts"
import type { LiftStepped, Message } from "../../../src/protocol/credit/LiftEvent.ts"
import { step } from "../../../src/protocol/credit/LiftMachine.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import { promise } from "../../../src/protocol/credit/LiftRecord.ts"
import { LiftState } from "../../../src/protocol/credit/LiftState.ts"
import {
  date,
  expires,
  foundAt,
  keyOf,
  planOf,
  secretOf,
  type Shape,
  signed,
  siteOf
} from "../../support/lift/LiftLab.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"

const line: Shape = { way: ["A", "B", "C"], referees: ["R"] }
const promiseOf = (plan: LiftPlan.LiftPlan, name: string) =>
  promise(LiftPlan.digest(plan), keyOf(name), (bytes) => NodeSecret.sign(secretOf(name), bytes))

const ok = (answer: LiftStepped | Unfit): LiftStepped =>
  answer._tag === "Stepped" ? answer : assert.fail(`${answer.outcome}: ${answer.reason}`)
const no = (answer: LiftStepped | Unfit): string =>
  answer._tag === "Unfit" ? `${answer.outcome}: ${answer.reason}` : assert.fail("it was taken")

const nameOf = (key: string): string => ["A", "B", "C", "D", "R", "S", "T"].find((name) => keyOf(name) === key) ?? key
const sends = (actions: ReadonlyArray<Action>): ReadonlyArray<string> =>
  actions.flatMap((action) => (action._tag === "Send" ? [`${action.message._tag} to ${nameOf(action.to)}`] : []))
const tells = (actions: ReadonlyArray<Action>): ReadonlyArray<string> =>
  actions.flatMap((action) => (action._tag === "Tell" ? [`${action.kind} to ${action.user ?? "the operator"}`] : []))
const sent = <Tag extends CreditMessage["_tag"]>(tag: Tag, actions: ReadonlyArray<Action>) => {
  for (const action of actions) {
    if (action._tag !== "Send") continue
    const { message } = action
    if (message._tag === tag) return message as Extract<CreditMessage, { readonly _tag: Tag }>
  }
  return assert.fail(`no ${tag}`)
}

interface Asked {
  readonly shape?: Shape
  readonly at?: string
  readonly from?: string
  readonly promised?: ReadonlyArray<string>
  readonly found?: (found: ReadonlyArray<Found>) => ReadonlyArray<Found>
  readonly now?: number
  readonly plan?: (plan: LiftPlan.LiftPlan) => LiftPlan.LiftPlan
}

/** A node is asked to promise. */
const ask = (state: LiftState | undefined, asked: Asked = {}) => {
  const { at = "B", found = (all) => all, from = "A", now = date, promised = ["A"], shape = line } = asked
  const plan = (asked.plan ?? ((same) => same))(planOf(shape))
  const promises = promised.map((name) => promiseOf(plan, name))
  return step(siteOf(at), state, {
    _tag: "Heard",
    from: keyOf(from),
    message: { _tag: "Promise", ...signed(plan), promises },
    found: found(foundAt(plan, keyOf(at))),
    now,
    random: 0
  })
}

const hear = (state: LiftState | undefined, from: string, message: Message, at = "B", now = date) =>
  step(siteOf(at), state, { _tag: "Heard", from: keyOf(from), message, found: [], now, random: 0 })

const begin = (shape: Shape = line, now = date) => {
  const plan = planOf(shape)
  return step(siteOf("A"), undefined, {
    _tag: "Begin",
    ...signed(plan),
    found: foundAt(plan, keyOf("A")),
    now,
    random: 0
  })
}

describe("promising a lift", () => {
  it("reserves at the payor's node and asks the next one", () => {
    const begun = ok(begin())
    assert.strictEqual(begun.state.status, "promised")
    assert.deepStrictEqual(begun.reserve, [{ leg: 0, end: "from" }])
    assert.deepStrictEqual(sends(begun.actions), ["Promise to B"])
    assert.deepStrictEqual(tells(begun.actions), ["lift.begun to payor"])
  })

  it("reserves both ends at a node between, and passes all promises on", () => {
    const taken = ok(ask(undefined))
    assert.deepStrictEqual(taken.reserve, endsAt(planOf(line), keyOf("B")))
    assert.lengthOf(taken.reserve, 2)
    assert.deepStrictEqual(sends(taken.actions), ["Promise to C"])
    assert.lengthOf(sent("Promise", taken.actions).promises, 2)
  })

  it("asks all referees where everybody has promised", () => {
    const shape: Shape = { way: ["A", "B", "C"], referees: ["R", "S", "T"] }
    const taken = ok(ask(undefined, { shape, at: "C", from: "B", promised: ["A", "B"] }))
    assert.deepStrictEqual(sends(taken.actions), ["Decide to R", "Decide to S", "Decide to T"])
    assert.deepStrictEqual(sent("Decide", taken.actions).ballot, { round: 0 })
  })

  it("gives the same answer to the same question, and reserves once", () => {
    const taken = ok(ask(undefined))
    const again = ok(ask(taken.state))
    assert.deepStrictEqual(again.state, taken.state)
    assert.deepStrictEqual(again.actions, taken.actions)
    assert.deepStrictEqual(again.reserve, [])
  })

  it("refuses another plan under the same id", () => {
    const { state } = ok(ask(undefined))
    const other = { plan: (plan: LiftPlan.LiftPlan) => ({ ...plan, units: plan.units + 1n }) }
    assert.strictEqual(no(ask(state, other)), "refused: other-plan")
  })

  it("believes nobody who is no neighbour, has no authority, or brings no promises of those before", () => {
    assert.strictEqual(no(ask(undefined, { from: "C" })), "refused: not-neighbour")
    assert.strictEqual(no(ask(undefined, { at: "D" })), "refused: not-neighbour")
    assert.strictEqual(no(ask(undefined, { promised: [] })), "refused: not-promised")
    assert.strictEqual(no(ask(undefined, { at: "C", from: "B", promised: ["B"] })), "refused: not-promised")
    const plan = planOf(line)
    const message: Message = {
      _tag: "Promise",
      plan: { ...plan, units: 6_000n },
      authority: signed(plan).authority,
      promises: []
    }
    assert.strictEqual(no(hear(undefined, "A", message)), "refused: bad-authority")
    const forged = { ...promiseOf(plan, "A"), node: keyOf("A"), sign: promiseOf(plan, "C").sign }
    const lie: Message = { _tag: "Promise", ...signed(plan), promises: [forged] }
    assert.strictEqual(no(hear(undefined, "A", lie)), "refused: not-promised")
  })

  it("keeps a state that can be stored and read again", () => {
    const { state } = ok(ask(undefined))
    const codec = Schema.toCodecJson(LiftState)
    const stored: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(codec)(state)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(codec)(stored), state)
  })
})

describe("refusing a lift", () => {
  const reasons: ReadonlyArray<readonly [string, Asked]> = [
    ["too-late", { now: expires - 1_999 }],
    ["too-long", { now: expires - 86_400_001 }],
    ["no-room", { found: ([one, ...rest]) => [{ ...one!, hasRoom: false }, ...rest] }],
    ["no-tally", { found: (all) => all.filter(({ end }) => end === "to") }],
    ["not-joined", { found: ([one, ...rest]) => [{ ...one!, holder: Cuid.make("stranger") }, ...rest] }],
    ["wrong-side", { found: (all) => all.map((one) => ({ ...one, side: one.side === "foil" ? "stock" : "foil" })) }],
    ["wrong-partner", { found: ([one, two]) => [one!, { ...two!, partner: keyOf("D") }] }],
    ["wrong-payor-key", { found: (all) => all.map((one) => ({ ...one, pledger: keyOf("D") })) }],
    [
      "not-the-payee",
      {
        at: "C",
        from: "B",
        promised: ["A", "B"],
        found: (all) => all.map((one) => ({ ...one, holder: Cuid.make("stranger") }))
      }
    ]
  ]
  for (const [reason, asked] of reasons) {
    it(`is signed, goes back and to the referees at once: ${reason} (S39)`, () => {
      const refused = ok(ask(undefined, asked))
      assert.strictEqual(refused.state.status, "refused")
      assert.strictEqual(refused.state.reason, reason)
      assert.deepStrictEqual(refused.reserve, [])
      assert.include(sends(refused.actions), `Refusal to ${asked.from ?? "A"}`)
      assert.include(sends(refused.actions), "Prepare to R")
      assert.isUndefined(refused.state.wakeAt)
      // And it stays so, whatever there is room for later.
      const again = ok(ask(refused.state, { ...asked, now: date, found: (all) => all }))
      assert.strictEqual(again.state.status, "refused")
      assert.include(sends(again.actions), `Refusal to ${asked.from ?? "A"}`)
    })
  }

  it("keeps nothing of a plan whose sender shares no open tally of it with this node, and answers nobody", () => {
    const strangers: ReadonlyArray<Asked> = [
      { found: () => [] },
      { found: (all) => all.filter(({ end }) => end === "from") },
      { found: (all) => all.map((one) => ({ ...one, partner: keyOf("D") })) },
      { found: () => [], now: expires }
    ]
    for (const asked of strangers) assert.strictEqual(no(ask(undefined, asked)), "refused: not-neighbour")
    // What was answered before the tally was closed stays as it was answered.
    const taken = ok(ask(undefined))
    assert.deepStrictEqual(ok(ask(taken.state, { found: () => [] })).state, taken.state)
  })

  it("keeps who has come with a plan that it refuses, and not with one that it promises", () => {
    const refused = ok(ask(undefined, { now: expires }))
    assert.strictEqual(refused.state.asker, keyOf("A"))
    assert.isUndefined(ok(ask(undefined)).state.asker)
  })

  it("keeps to the operator's choice of referees", () => {
    const plan = planOf(line)
    const message: Message = { _tag: "Promise", ...signed(plan), promises: [promiseOf(plan, "A")] }
    const found = foundAt(plan, keyOf("B"))
    const picky = siteOf("B", { accepts: (referees) => referees.every(({ key }) => key === keyOf("S")) })
    const refused = ok(
      step(picky, undefined, { _tag: "Heard", from: keyOf("A"), message, found, now: date, random: 0 })
    )
    assert.strictEqual(refused.state.reason, "referees")
  })

  it("begins nothing that the payor's own node would refuse", () => {
    assert.strictEqual(no(begin(line, expires)), "refused: too-late")
    assert.strictEqual(no(begin(line, expires - 86_400_001)), "refused: too-long")
  })

  it("releases nothing by itself, but makes the others ask soon, and goes back to the payor's node", () => {
    const shape: Shape = { way: ["A", "B", "C", "D"], referees: ["R"] }
    const refused = ok(ask(undefined, { shape, at: "C", from: "B", promised: ["A", "B"], now: expires }))
    const refusal = sent("Refusal", refused.actions)
    const taken = ok(ask(undefined, { shape }))
    const heard = ok(hear(taken.state, "C", refusal))
    assert.strictEqual(heard.state.status, "promised")
    assert.deepStrictEqual(heard.release, [])
    assert.deepStrictEqual(sends(heard.actions), ["Refusal to A"])
    assert.isBelow(heard.state.wakeAt ?? expires, date + 10_000)
    assert.strictEqual(no(hear(heard.state, "C", refusal)), "stale: refused")
    assert.strictEqual(no(hear(taken.state, "C", { ...refusal, node: keyOf("D") })), "refused: bad-signature")
  })
})

describe("waiting for the end of a lift", () => {
  it("ends nothing when the time is over, only begins to ask, ever more slowly and for ever", () => {
    let { state } = ok(ask(undefined))
    assert.strictEqual(no(step(siteOf("B"), state, { _tag: "Wake", now: expires, random: 0 })), "stale: too-early")
    const pauses: Array<number> = []
    const told: Array<string> = []
    for (let asked = 1; asked <= 12; asked++) {
      const now = state.wakeAt ?? assert.fail("it gave up")
      const woken = ok(step(siteOf("B"), state, { _tag: "Wake", now, random: 0.5 }))
      assert.deepStrictEqual(sends(woken.actions), ["Inquire to A", "Inquire to C", "Prepare to R"])
      assert.strictEqual(sent("Prepare", woken.actions).ballot.round, asked)
      assert.strictEqual(woken.state.status, "promised")
      assert.deepStrictEqual([woken.release, woken.settle], [[], []])
      pauses.push((woken.state.wakeAt ?? now) - now)
      told.push(...tells(woken.actions))
      state = woken.state
    }
    assert.deepStrictEqual(pauses, [
      1_500,
      3_000,
      6_000,
      12_000,
      24_000,
      48_000,
      96_000,
      192_000,
      ...Array<number>(4).fill(225_000)
    ])
    assert.deepStrictEqual(told, ["lift.pending to the operator"])
  })

  it("lets those nearest the end ask first", () => {
    const at = (name: string, from: string, promised: ReadonlyArray<string>) =>
      ok(ask(undefined, { at: name, from, promised })).state.wakeAt
    assert.strictEqual(at("C", "B", ["A", "B"]), expires)
    assert.strictEqual(at("B", "A", ["A"]), expires + 500)
    assert.strictEqual(ok(begin()).state.wakeAt, expires + 1_000)
  })

  it("lets only the payor's node abort, which asks the referees at once", () => {
    const aborted = ok(step(siteOf("A"), ok(begin()).state, { _tag: "Abort", now: date, random: 0 }))
    assert.deepStrictEqual(sends(aborted.actions), ["Prepare to R"])
    assert.strictEqual(aborted.state.status, "promised")
    assert.strictEqual(aborted.state.against?.why, "abort")
    const between = step(siteOf("B"), ok(ask(undefined)).state, { _tag: "Abort", now: date, random: 0 })
    assert.strictEqual(no(between), "refused: not-originator")
  })
})
