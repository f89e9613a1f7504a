/**
 * S18 to S29 of credit (docs/credit.md) as they happen to whole nodes: what is written on a tally, with messages that are lost after their
 * receipts, come again, cross and are forged, and with nodes that forget.
 */
import { Effect } from "effect"
import type { Board, Heard, Kind, MessageOf, Way } from "../../support/credit/script/Board.ts"
import { type Case, group } from "../../support/credit/script/Cases.ts"
import * as Chits from "../../support/credit/script/Chits.ts"
import { opened, tally } from "../../support/credit/script/Parties.ts"
import * as Steps from "../../support/credit/script/Steps.ts"
import { back, forth, held, lost } from "../../support/credit/script/Ways.ts"

const { bothHave, noted, pays } = Chits
const { again, answered, begins, does, ends, has, must, pause, says, until } = Steps

const pair = { users: ["a1", "b1"], opened: [opened] }
const [heldForth, heldBack] = [held(forth), held(back)]
const lostBy = (kind: Kind, { from, to }: Way, count = 1) => answered(kind, from, to, "lost", count)

/** The last message of a kind that came on a way, as a step says it again. */
const newest =
  <K extends Kind>(kind: K, { from, to }: Way, other: (message: MessageOf<K>) => MessageOf<K> = (same) => same) =>
  (board: Board) =>
    Effect.sync(() => {
      const last: (Heard & { readonly message: MessageOf<K> }) | undefined = board.heard(kind, from, to).at(-1)
      return last && other(last.message)
    })

const cases: ReadonlyArray<Case> = [
  {
    name: "a single payment comes though it was lost after its receipt, and nothing follows it (S18)",
    ...pair,
    steps: [
      begins(lost(back, "Entered")),
      pays("b1", 5n, "one"),
      lostBy("Entered", back),
      has("a1", tally, "nothing", (half) => half?.sums.net === 0n),
      ...bothHave(5n, 1),
      begins(lost(forth, "Propose")),
      pays("a1", 3n, "two"),
      lostBy("Propose", forth),
      has("b1", tally, "nothing more", (half) => half?.sums.net === 5n),
      ...bothHave(2n, 2)
    ]
  },
  {
    name: "a chit that comes again and again counts once, and each time is answered (S19)",
    ...pair,
    steps: [
      pays("a1", 7n, "one"),
      ...bothHave(-7n, 1),
      noted("Propose", forth),
      ...[1, 2, 3].map(() => says("a", "b", "a proposes it again", newest("Propose", forth))),
      noted("Entered", back),
      ...[1, 2, 3].map(() => says("b", "a", "b enters it again", newest("Entered", back))),
      Chits.came("Propose", forth, 3),
      Chits.came("Entered", back, 3),
      ...bothHave(-7n, 1)
    ]
  },
  {
    name: "a late invoice and a late refusal are nothing to an invoice that is paid (S20)",
    ...pair,
    steps: [
      does("a1", "a1 asks", { _tag: "Ask", tally, units: 9n }, (done, board) => board.kept.set("chit", done.chit)),
      does("b1", "b1 pays", (board) => ({ _tag: "PayInvoice", tally, chit: Chits.chitIn(board) })),
      ...bothHave(9n, 1),
      again("Invoice", forth),
      answered("Invoice", "a", "b", "stale"),
      says("b", "a", "b declines", (board) =>
        Effect.sync(() => ({ _tag: "Decline", tally, chit: Chits.chitIn(board), revision: 1 }))
      ),
      answered("Decline", "b", "a", "stale"),
      ...bothHave(9n, 1)
    ]
  },
  {
    name: "chits that are signed at both ends at once have foil's order at both (S21)",
    ...pair,
    steps: [
      begins(heldForth),
      begins(heldBack),
      pays("a1", 2n, "of stock"),
      pays("b1", 5n, "of foil"),
      has("a1", tally, "its own alone, without a place", (half) => {
        return half?.chain?.unplaced === 1 && half.chain.at.index === 0 && half.sums.net === -2n
      }),
      has("b1", tally, "its own alone", (half) => half?.chain?.at.index === 1 && half.sums.net === 5n),
      ends(heldForth),
      ends(heldBack),
      ...bothHave(3n, 2),
      Chits.hasOrder("a1", ["of foil", "of stock"]),
      Chits.hasOrder("b1", ["of foil", "of stock"])
    ]
  },
  {
    name: "five chits, of which two were lost each way, are in one order at both ends (S22)",
    ...pair,
    steps: [
      begins(lost(forth, "Propose", 2)),
      begins(lost(back, "Entered", 2)),
      pays("a1", 1n, "1"),
      pays("a1", 2n, "2"),
      pays("b1", 4n, "3"),
      pays("b1", 8n, "4"),
      lostBy("Propose", forth, 2),
      lostBy("Entered", back, 2),
      pays("b1", 16n, "5"),
      ...bothHave(25n, 5)
    ]
  },
  {
    name: "five chits behind the eighth come in one message, in the order of numbers (S23)",
    ...pair,
    steps: [
      ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => pays("b1", 1n, String(n))),
      ...bothHave(8n, 8),
      begins(lost(back, "Entered", 5)),
      ...[9, 10, 11, 12, 13].map((n) => pays("b1", BigInt(n), String(n))),
      lostBy("Entered", back, 5),
      ...bothHave(63n, 13),
      must("five of them have come at once", (board) =>
        board
          .heard("Entered", "b", "a")
          .some(({ answer, message }) => answer === "ok" && message.after.index === 8 && message.entries.length === 5)
      ),
      Chits.hasOrder("a1", ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13"])
    ]
  },
  {
    name: "a word of stock's that was lost is said again, and an old one changes nothing (S24, S25)",
    ...pair,
    steps: [
      begins(lost(forth, "Ack")),
      pays("b1", 1n, "1"),
      lostBy("Ack", forth),
      has("b1", tally, "nothing that both have", (half) => half?.chain?.agreed === 0),
      ...bothHave(1n, 1),
      pays("b1", 1n, "2"),
      pays("b1", 1n, "3"),
      ...bothHave(3n, 3),
      noted("Ack", forth),
      again("Ack", forth),
      Chits.came("Ack", forth, 1),
      has("b1", tally, "what both have", (half) => half?.chain?.agreed === 3)
    ]
  },
  {
    name: "of two chits with one id foil's counts at both ends, and the other is kept as evidence (S26)",
    ...pair,
    steps: [
      begins(heldForth),
      begins(heldBack),
      pays("a1", 2n, "one"),
      pays("b1", 5n, "one"),
      ends(heldForth),
      answered("Propose", "a", "b", "refused: conflict"),
      ends(heldBack),
      ...bothHave(5n, 1),
      Chits.hasEvidence("a1"),
      Chits.hasEvidence("b1"),
      Steps.isTold("a", "a1", "chit.conflict"),
      Steps.isTold("b", "b1", "chit.conflict")
    ]
  },
  {
    name: "a foil that was put back to before its last three chits has them again (S27)",
    ...pair,
    steps: [
      pays("b1", 1n, "1"),
      ...bothHave(1n, 1),
      pause(1_000),
      ...["2", "3", "4"].map((name) => pays("b1", 1n, name)),
      ...bothHave(4n, 4),
      pause(100),
      until("a", "the order was shown", (board) => board.heard("History", "a", "b").length > 0),
      ...bothHave(4n, 4)
    ],
    strikes: (moment) => [
      {
        when: { event: moment("100 ms pass").event },
        fault: { _tag: "RestoreBackup", node: "b", takenAt: moment("1000 ms pass").millis - 500, down: 300 }
      }
    ]
  },
  {
    name: "a foil that has lost everything has its tally again, and all that is written on it (S27)",
    ...pair,
    steps: [
      pays("b1", 1n, "1"),
      pays("a1", 3n, "2"),
      ...bothHave(-2n, 2),
      pause(100),
      until("a", "the order was shown", (board) => board.heard("History", "a", "b").length > 0),
      ...bothHave(-2n, 2)
    ],
    strikes: (moment) => [
      {
        when: { event: moment("100 ms pass").event },
        fault: { _tag: "Kill", node: "b", down: 300, end: "rst", wipe: true }
      }
    ]
  },
  {
    name: "a setting that was lost takes effect once, in the order of the chain (S28)",
    ...pair,
    steps: [
      begins(lost(back, "Entered")),
      does("b1", "b1 sets", { _tag: "SetTally", tally, sets: { bound: 70n } }),
      lostBy("Entered", back),
      has("a1", tally, "nothing set", (half) => half?.sets.foil.bound === undefined),
      ...bothHave(0n, 1),
      begins(lost(forth, "Propose")),
      does("a1", "a1 sets", { _tag: "SetTally", tally, sets: { target: 40n } }),
      lostBy("Propose", forth),
      has("a1", tally, "its own not yet, as it has no place", (half) => half?.sets.stock.target === undefined),
      ...bothHave(0n, 2),
      ...["a1", "b1"].map((user) =>
        has(user, tally, "both", (half) => half?.sets.foil.bound === 70n && half.sets.stock.target === 40n)
      )
    ]
  },
  {
    name: "of chits of which one is forged none counts, and the forged one is kept as evidence (S29)",
    ...pair,
    steps: [
      begins(lost(forth, "Propose")),
      pays("a1", 2n, "one"),
      lostBy("Propose", forth),
      says(
        "a",
        "b",
        "a proposes another one with the same signature",
        newest("Propose", forth, (all) => ({ ...all, chits: [...all.chits, ...all.chits.map(Chits.forged)] }))
      ),
      answered("Propose", "a", "b", "refused: bad-signature"),
      has("b1", tally, "none of them", (half) => half?.sums.net === 0n && half.chain?.at.index === 0),
      Chits.hasEvidence("b1"),
      ...bothHave(-2n, 1)
    ]
  }
]

group("what is written on a tally", 7_200_000, cases)
