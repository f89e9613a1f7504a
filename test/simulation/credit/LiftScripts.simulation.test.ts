/**
 * S33 to S40 of credit (docs/credit.md) as they happen to whole nodes: lifts over a line of them, with whoever does not answer, dies, is cut
 * off, decides twice, wants the same room or is passed twice.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import { vote } from "../../../src/protocol/credit/LiftRecord.ts"
import { Credit } from "../../../src/services/credit/Credit.ts"
import { Identity } from "../../../src/services/link/Identity.ts"
import type { Fault } from "../../../src/testing/faults/FaultPlan.ts"
import type { Rule } from "../../support/credit/script/Board.ts"
import { type Case, group } from "../../support/credit/script/Cases.ts"
import * as Lifts from "../../support/credit/script/Lifts.ts"
import * as Steps from "../../support/credit/script/Steps.ts"
import { held } from "../../support/credit/script/Ways.ts"

const { along, comesTo, is, lastAt, stands, units } = Lifts
const { again, awaits, begins, ends, pause, says, until } = Steps

const line = ["a1", "b1", "c1"]
const over = { users: line, opened: along(...line) }
const one = { name: "the lift", over: line, referees: ["c"], life: 4_000 }
const three = { ...one, referees: ["a", "b", "c"] }
const free = [...stands("a1", "b1", 0n), ...stands("b1", "c1", 0n)]
const settled = [...stands("a1", "b1", units), ...stands("b1", "c1", units)]

const kill = (node: string, down: number): Fault => ({ _tag: "Kill", node, down, end: "rst" })
const apart = (node: string, millis: number): Fault => ({
  _tag: "Partition",
  for: millis,
  shape: "isolate",
  side: [node]
})

/** Nobody hears a node, nor does it hear anybody. */
const silenced = (node: string, others: ReadonlyArray<string>): ReadonlyArray<Rule> =>
  others.flatMap((other) => [held({ from: node, to: other }), held({ from: other, to: node })])
const away = silenced("d", ["a", "b", "c"])
const atOnce = [held({ from: "a", to: "b" }), held({ from: "d", to: "b" })]
const late = held({ from: "b", to: "c" }, "Promise")

/** A verdict that nobody may give any more, by the only referee. */
const contrary = Effect.fnUntraced(function* () {
  const lift = yield* (yield* Credit).lift(Lifts.idOf(one.name))
  const { key, sign } = yield* Identity
  if (lift === undefined) return undefined
  const ballot = { round: 7, by: key }
  const votes = [vote(LiftPlan.digest(lift.plan), ballot, "void", key, sign)]
  const { authority, plan } = lift
  return { _tag: "Ended", record: { plan, authority, verdict: "void", ballot, votes, promises: [] } } as const
})

const cases: ReadonlyArray<Case> = [
  {
    name: "a lift that the last one never promises is void, holds nothing, and a late promise changes nothing (S33)",
    ...over,
    nodes: 4,
    steps: [
      begins(late),
      Lifts.begins({ ...one, referees: ["d"] }),
      ...comesTo(one.name, ["a1", "b1"], "promised"),
      ...stands("a1", "b1", 0n, units),
      ...comesTo(one.name, ["a1", "b1"], "void"),
      ...free,
      ends(late),
      until("c", "the promise has come late", (board) => board.heard("Promise", "b", "c").length > 0),
      ...is(one.name, ["c1"], undefined, "void"),
      ...free
    ]
  },
  {
    name: "a relay that is killed after its promise and before passing it on does not forget it (S34)",
    ...over,
    steps: [Lifts.begins(one), ...comesTo(one.name, ["b1"], "good", "void"), pause(100)],
    strikes: (moment) => [
      { when: { commit: { node: "b", nth: moment(Lifts.at("b", "promised")).commit } }, fault: kill("b", 1_000) }
    ],
    judge: ({ board, result: { figures, trace } }) => {
      assert.strictEqual(figures["fault: Kill"], 1)
      const killed = trace.findIndex(({ kind, node }) => kind === "kill" && node === "b")
      const passed = trace.findIndex(
        ({ detail, kind, node }) => kind === "heard" && node === "c" && detail["of"] === "Promise"
      )
      assert.isTrue(killed > 0 && (passed === -1 || killed < passed))
      assert.strictEqual(lastAt(trace, "b"), lastAt(trace, "a"))
      assert.isAbove(board.heard("Promise", "a", "b").length, 0)
    }
  },
  {
    name: "a lift is void in a split as most referees say, and promised on the other side until that is over (S35)",
    ...over,
    steps: [
      Lifts.begins(three),
      ...comesTo(one.name, ["a1", "b1"], "void"),
      ...is(one.name, ["c1"], "promised"),
      ...comesTo(one.name, ["c1"], "void"),
      ...free
    ],
    strikes: (moment) => [
      { when: { commit: { node: "c", nth: moment(Lifts.at("c", "promised")).commit } }, fault: apart("c", 12_000) }
    ],
    judge: ({ result: { figures } }) => assert.strictEqual(figures["fault: Partition"], 1)
  },
  {
    name: "a lift is good in a split as most referees say, and promised on the other side until that is over (S35)",
    ...over,
    steps: [
      Lifts.begins(three),
      ...comesTo(one.name, ["b1", "c1"], "good"),
      ...is(one.name, ["a1"], "promised"),
      ...comesTo(one.name, ["a1"], "good"),
      ...settled
    ],
    strikes: (moment) => [
      { when: { commit: { node: "c", nth: moment(Lifts.at("c", "promised")).commit } }, fault: apart("a", 6_000) }
    ],
    judge: ({ result: { figures } }) => assert.strictEqual(figures["fault: Partition"], 1)
  },
  {
    name: "a lift is good everywhere though its originator dies when that is decided (S36)",
    ...over,
    steps: [Lifts.begins(one), ...comesTo(one.name, ["c1", "b1", "a1"], "good"), ...settled],
    strikes: (moment) => [
      { when: { commit: { node: "c", nth: moment(Lifts.at("c", "good")).commit } }, fault: kill("a", 6_000) }
    ],
    judge: ({ result: { figures, trace } }) => {
      assert.strictEqual(figures["fault: Kill"], 1)
      const good = (node: string) => trace.find(Lifts.at(node, "good"))?.at ?? 0
      assert.isAbove(good("a") - good("c"), 5_000_000)
    }
  },
  {
    name: "a lift stays promised, holds its room and is told to the operators while nobody decides, and ends when they are back (S37)",
    ...over,
    nodes: 4,
    steps: [
      ...away.map(begins),
      Lifts.begins({ ...one, referees: ["d"] }),
      ...comesTo(one.name, line, "promised"),
      ...["a", "b", "c"].map((node) => Steps.isTold(node, "", "lift.pending")),
      ...is(one.name, line, "promised"),
      ...stands("a1", "b1", 0n, units),
      ...stands("b1", "c1", 0n, units),
      ...away.map(ends),
      ...comesTo(one.name, line, "good", "void"),
      awaits("a1", "no room held", (credit, user) =>
        Effect.map(credit.tallies(user, { limit: 1 }), ([half]) => half?.sums.down === 0n && half.sums.up === 0n)
      )
    ],
    duration: 1_000_000
  },
  {
    name: "a verdict that comes again has no second effect, and an old promise none (S38)",
    ...over,
    steps: [
      Lifts.begins(one),
      ...comesTo(one.name, line, "good"),
      again("Ended", { from: "c", to: "b" }),
      again("Promise", { from: "a", to: "b" }),
      again("Promise", { from: "b", to: "c" }),
      until("b", "they have come", (board) => board.heard("Promise", "a", "b").length > 1),
      until("c", "they have come", (board) => board.heard("Promise", "b", "c").length > 1),
      ...is(one.name, line, "good"),
      ...settled
    ]
  },
  {
    name: "a contrary verdict of referees that lie changes nothing, and is kept and told (S38)",
    ...over,
    isOfLiars: true,
    steps: [
      Lifts.begins(one),
      ...comesTo(one.name, line, "good"),
      says("c", "a", "c says that it is void", contrary),
      Steps.isTold("a", "", "lift.contradiction"),
      ...is(one.name, line, "good"),
      awaits("a1", "the contrary verdict kept", (credit) =>
        Effect.map(credit.lift(Lifts.idOf(one.name)), (lift) => lift?.contrary?.verdict === "void")
      ),
      ...settled
    ]
  },
  {
    name: "of two lifts that want one room at the same instant one gets it, and the other is refused at once (S39)",
    users: [...line, "d1"],
    opened: [...along(...line), Lifts.between("d1", "b1")],
    steps: [
      ...atOnce.map(begins),
      Lifts.begins({ ...one, life: 3_600_000 }),
      Lifts.begins({ ...one, name: "the other", over: ["d1", "b1", "c1"], life: 3_600_000 }),
      pause(500),
      ...atOnce.map(ends),
      ...comesTo(one.name, ["a1"], "good", "void"),
      ...comesTo("the other", ["d1"], "good", "void"),
      ...stands("b1", "c1", units)
    ],
    judge: ({ result: { trace } }) => {
      const statuses = ["a", "d"].map((node) => lastAt(trace, node))
      assert.deepStrictEqual(statuses.toSorted(), ["good", "void"])
      assert.isTrue(trace.some(({ detail, kind }) => kind === "heard" && detail["of"] === "Refusal"))
    }
  },
  {
    name: "a lift that comes back to a node is promised there once, and all of its ends are good together (S40)",
    users: [...line, "b2"],
    opened: along(...line, "b2"),
    steps: [
      Lifts.begins({ ...one, over: [...line, "b2"] }),
      ...comesTo(one.name, line, "good"),
      ...settled,
      ...stands("c1", "b2", units)
    ],
    judge: ({ result: { trace } }) => {
      const good = trace.filter(({ detail, kind, node }) => {
        return kind === "chit" && node === "b" && detail["kind"] === "lift" && detail["status"] === "good"
      })
      const holders = new Set(
        good.filter(({ detail }) => detail["index"] !== undefined).map(({ detail }) => detail["holder"])
      )
      assert.deepStrictEqual([...holders].toSorted(), ["b1", "b2"])
      assert.strictEqual(trace.filter(Lifts.at("b", "good")).length, 1)
    }
  },
  {
    name: "a lift that comes back to a node without room for it is void at all of its ends (S40)",
    users: [...line, "b2"],
    opened: [...along(...line), { ...Lifts.between("c1", "b2"), grants: { stock: 1n, foil: 0n } }],
    steps: [
      Lifts.begins({ ...one, over: [...line, "b2"] }),
      ...comesTo(one.name, ["a1"], "void"),
      ...free,
      ...stands("c1", "b2", 0n)
    ]
  }
]

group("lifts over several nodes", 10_800_000, cases)
