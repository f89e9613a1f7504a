/**
 * S11 to S17, and S30 to S32, of credit (docs/credit.md) as they happen to whole nodes: processes that die at the worst moments, a database
 * that goes away, users who were not there, and lines that are cut or break.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { isDeepStrictEqual } from "node:util"
import type { Fault } from "../../../src/testing/faults/FaultPlan.ts"
import type { TraceEvent } from "../../../src/testing/world/Trace.ts"
import { type Case, group } from "../../support/credit/script/Cases.ts"
import * as Chits from "../../support/credit/script/Chits.ts"
import * as Events from "../../support/credit/script/Events.ts"
import { opened, tally } from "../../support/credit/script/Parties.ts"
import * as Steps from "../../support/credit/script/Steps.ts"
import { back, held } from "../../support/credit/script/Ways.ts"

const { bothHave, pays, paysOften } = Chits
const { begins, does, ends, has, pause } = Steps

const pair = { users: ["a1", "b1"], opened: [opened] }
const heldBack = held(back)
const kill = (node: string, down: number): Fault => ({ _tag: "Kill", node, down, end: "rst" })

const timeOf = (trace: ReadonlyArray<TraceEvent>, is: (event: TraceEvent) => boolean): number => {
  const event = trace.find(is)
  assert.isDefined(event)
  return event!.at / 1_000
}
const isStart =
  (of: string, life: number) =>
  ({ detail, kind, node }: TraceEvent): boolean =>
    kind === "start" && node === of && detail["life"] === life
const isStep =
  (name: string) =>
  ({ detail, kind }: TraceEvent): boolean =>
    kind === "step" && detail["step"] === name
const lives = (trace: ReadonlyArray<TraceEvent>): number => trace.filter(({ kind }) => kind === "start").length

const cases: ReadonlyArray<Case> = [
  {
    name: "what users have filed goes out at once when their node starts again, however young it is (S11)",
    ...pair,
    steps: [
      begins(heldBack),
      ...["1", "2", "3"].map((name) => pays("b1", 1n, name)),
      ends(heldBack),
      ...bothHave(3n, 3)
    ],
    strikes: (moment) => [{ when: { event: moment("b1 pays 3").event }, fault: kill("b", 2_000) }],
    judge: ({ result: { trace } }) => {
      const [first] = bothHave(3n, 3)
      const [started, there] = [timeOf(trace, isStart("b", 2)), timeOf(trace, isStep(first!.name))]
      assert.isAbove(there, started)
      assert.isBelow(there - started, 5_000)
    }
  },
  {
    name: "a payment whose node dies before it can send or answer is one chit when it is given again (S12, S17)",
    ...pair,
    steps: [pays("b1", 5n, "one"), ...bothHave(5n, 1)],
    strikes: (moment) => [
      { when: { commit: { node: "b", nth: moment("b1 pays one").commit } }, fault: kill("b", 500) }
    ],
    judge: ({ board }) => assert.isAbove(board.attempts.get("b1 pays one") ?? 0, 1)
  },
  {
    name: "a payment that has come, and whose node dies before it knows, counts once (S13)",
    ...pair,
    steps: [pays("b1", 5n, "one"), ...bothHave(5n, 1)],
    strikes: (moment) => [
      {
        when: { event: moment(({ detail, kind }) => kind === "heard" && detail["of"] === "Entered").event },
        fault: kill("b", 500)
      }
    ],
    judge: ({ board, result: { figures } }) => {
      assert.strictEqual(figures["fault: Kill"], 1)
      assert.strictEqual(board.answers("Entered", "b", "a")[0], "ok")
    }
  },
  {
    name: "what users file while the database is away is done when it is back (S14)",
    ...pair,
    steps: [...["1", "2", "3"].map((name) => pays("b1", 1n, name)), ...bothHave(3n, 3)],
    strikes: (moment) => [
      { when: { event: moment("b1 pays 1").event }, fault: { _tag: "DatabaseRestart", node: "b", for: 3_000 } }
    ],
    judge: ({ board, result: { trace } }) => {
      assert.isAbove(board.attempts.get("b1 pays 2") ?? 0, 1)
      assert.strictEqual(lives(trace), 2)
    }
  },
  {
    name: "a user who was away is told all that came meanwhile, in order and once, and what waits for them (S16)",
    ...pair,
    steps: [
      does("b1", "b1 has paid before", { _tag: "Pay", tally, units: 1n }),
      ...bothHave(1n, 1),
      Events.leaves("b1"),
      does("a1", "a1 asks", { _tag: "Ask", tally, units: 9n }),
      pays("a1", 4n, "one"),
      does("a1", "a1 sets", { _tag: "SetTally", tally, sets: { bound: 5n } }),
      ...bothHave(-3n, 3),
      pause(100),
      Events.comesBack("b1", "chit.", ["chit.asked", "chit.good", "chit.good"]),
      Steps.finds("b1", "the invoice that waits", () =>
        Effect.map(Events.waitsFor("b1"), (kinds) => isDeepStrictEqual(kinds, ["chit.asked"]))
      )
    ],
    strikes: (moment) => [{ when: { event: moment("a1 asks").event }, fault: kill("b", 1_000) }],
    judge: ({ result: { figures } }) => assert.strictEqual(figures["fault: Kill"], 1)
  },
  {
    name: "two nodes that were cut off for long, with a hundred chits each way, come to one order in few frames (S30)",
    ...pair,
    steps: [
      pause(5_000),
      paysOften("a1", 100),
      paysOften("b1", 100),
      pause(60_000),
      has("b1", tally, "its own alone", (half) => half?.chain?.at.index === 100 && half.chain.agreed === 0),
      ...bothHave(0n, 200)
    ],
    duration: 1_300_000,
    strikes: () => [
      { when: { at: 4_000 }, fault: { _tag: "Partition", for: 1_200_000, shape: "isolate", side: ["a"] } }
    ],
    judge: ({ result: { figures } }) => {
      assert.strictEqual(figures["fault: Partition"], 1)
      assert.isBelow(figures["frames: DATA"] ?? 0, 600)
    }
  },
  {
    name: "payments come over lines that are reset within a frame, fall silent, or are refused (S31, S32)",
    ...pair,
    steps: [...["1", "2", "3", "4"].flatMap((name) => [pays("b1", 1n, name), pause(4_000)]), ...bothHave(4n, 4)],
    duration: 60_000,
    strikes: (moment) => {
      const at = (name: string, fault: Fault) => ({ when: { commit: { node: "b", nth: moment(name).commit } }, fault })
      return [
        at("b1 pays 1", { _tag: "CloseAfter", from: "b", to: "a", bytes: 100 }),
        { when: { at: moment("b1 pays 2").millis }, fault: { _tag: "Silence", from: "a", to: "b" } },
        { when: { at: moment("b1 pays 3").millis }, fault: { _tag: "Close", from: "a", to: "b", how: "rst" } },
        {
          when: { at: moment("b1 pays 3").millis },
          fault: { _tag: "Dials", from: "a", to: "b", for: 1_000, how: "refuse", share: 1 }
        }
      ]
    },
    judge: ({ result: { figures, trace } }) => {
      for (const kind of ["CloseAfter", "Silence", "Close", "Dials"])
        assert.isAbove(figures[`fault: ${kind}`] ?? 0, 0, kind)
      assert.strictEqual(lives(trace), 2)
    }
  }
]

group("nodes that die and lines that break", 14_400_000, cases)
