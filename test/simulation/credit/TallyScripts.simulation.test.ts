/**
 * S1 to S10 of credit (docs/credit.md) as they happen to whole nodes: how two parties come to a tally, with messages that are lost, that
 * come again when they are long over, that cross, and that nobody has signed.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type Case, group } from "../../support/credit/script/Cases.ts"
import * as Parties from "../../support/credit/script/Parties.ts"
import * as Steps from "../../support/credit/script/Steps.ts"
import { back, forth, held, lost } from "../../support/credit/script/Ways.ts"

const { accepts, agreed, isNow, isStill, met, offers, ofTally, tally } = Parties
const { again, answered, awaits, begins, does, ends, finds, has, pause, says, sees, wasTold } = Steps

const users = ["a1", "b1"]
const [heldForth, heldBack, heldTicket] = [held(forth), held(back), held(back, "Ticket")]

const haveTallies = (step: typeof awaits, count: number) =>
  step("a1", `${count} tallies`, (credit, user) =>
    Effect.map(credit.tallies(user, { limit: 100 }), (all) => all.length === count)
  )

const [hour, day] = [3_600_000, 86_400_000]

const cases: ReadonlyArray<Case> = [
  {
    name: "an offer that was written to a dead line comes, once, and nobody does anything for it (S1)",
    users,
    steps: [
      ...met,
      offers(),
      isStill("a1", "offered"),
      isNow("b1", "received"),
      wasTold("b1", ["tally.received"], ofTally)
    ],
    strikes: (moment) => [
      {
        when: { commit: { node: "a", nth: moment("a1 offers").commit } },
        fault: { _tag: "Silence", from: "a", to: "b" }
      }
    ],
    judge: ({ board, result }) => {
      assert.strictEqual(result.figures["fault: Silence"], 1)
      assert.deepStrictEqual(board.answers("Offer", "a", "b"), ["ok"])
      const at = (step: string) => result.trace.find(({ detail }) => detail["step"] === step)?.at ?? 0
      // Longer than on a line that lives: until it was found out that this one does not.
      assert.isAbove(at("until b1 sees received") - at("a1 offers"), 1_000_000)
    }
  },
  {
    name: "an offer that comes three times is received once, and answered three times (S2)",
    users,
    steps: [
      ...met,
      offers(),
      isNow("b1", "received"),
      again("Offer", forth),
      again("Offer", forth),
      answered("Offer", "a", "b", "stale", 2),
      answered("Offer", "a", "b", "ok"),
      isStill("b1", "received"),
      wasTold("b1", ["tally.received"], ofTally)
    ]
  },
  {
    name: "an offer that reappears after its counter-offer changes nothing (S3)",
    users,
    steps: [
      ...met,
      offers(),
      does("b1", "b1 revises", {
        _tag: "ReviseTally",
        tally,
        revision: 1,
        side: "foil",
        terms: { limit: 50n },
        partnerTerms: { limit: 700n }
      }),
      offers("b1"),
      sees("a1", tally, "the counter-offer", ({ revision, status }) => revision === 2 && status === "received"),
      again("Offer", forth),
      answered("Offer", "a", "b", "stale"),
      has("b1", tally, "its own offer", (half) => half?.revision === 2 && half.status === "offered"),
      accepts("a1", 2),
      ...agreed
    ]
  },
  {
    name: "an offer that was refused stays void when it reappears after days (S4)",
    users,
    steps: [
      ...met,
      offers(),
      does("b1", "b1 refuses", { _tag: "RefuseTally", tally, revision: 1 }),
      isNow("a1", "void"),
      pause(60_000),
      again("Offer", forth),
      answered("Offer", "a", "b", "stale"),
      isStill("b1", "void"),
      isStill("a1", "void")
    ],
    duration: 100_000,
    strikes: (moment) =>
      ["a", "b"].map((node) => ({
        when: { at: moment("until a1 sees void").millis + 1_000 },
        fault: { _tag: "ClockStep", node, by: day }
      })),
    judge: ({ result }) => assert.strictEqual(result.figures["fault: ClockStep"], 2)
  },
  {
    name: "an old offer, withdrawal, refusal and draft are nothing to an open tally (S5)",
    users,
    steps: [
      ...met,
      offers(),
      accepts("b1"),
      ...agreed,
      again("Offer", forth),
      says("a", "b", "an old withdrawal appears", () =>
        Effect.succeed({ _tag: "Withdraw", tally, by: "stock", revision: 1 })
      ),
      says("b", "a", "an old refusal appears", () =>
        Effect.succeed({ _tag: "Refuse", tally, by: "foil", revision: 1 })
      ),
      says("b", "a", "an old draft appears", () => Effect.succeed({ _tag: "Revise", tally, by: "foil", revision: 1 })),
      answered("Offer", "a", "b", "stale"),
      answered("Withdraw", "a", "b", "stale"),
      answered("Refuse", "b", "a", "stale"),
      answered("Revise", "b", "a", "stale"),
      isStill("a1", "open"),
      isStill("b1", "open")
    ]
  },
  {
    name: "a tally opens at both ends though the acceptance was lost after its receipt (S6)",
    users,
    steps: [
      ...met,
      offers(),
      begins(lost(back, "Open")),
      accepts("b1"),
      answered("Open", "b", "a", "lost"),
      isStill("b1", "open"),
      isStill("a1", "offered"),
      ...agreed
    ]
  },
  {
    name: "a withdrawal that crosses the acceptance loses against it at both ends (S7)",
    users,
    steps: [
      ...met,
      offers(),
      isNow("b1", "received"),
      begins(heldForth),
      begins(heldBack),
      does("a1", "a1 withdraws", { _tag: "WithdrawTally", tally }),
      accepts("b1"),
      isStill("a1", "void"),
      isStill("b1", "open"),
      ends(heldForth),
      ends(heldBack),
      ...agreed
    ]
  },
  {
    name: "a reusable ticket makes one tally for each request, however often that comes (S8)",
    users,
    steps: [
      Parties.drafts,
      Parties.ticket(true),
      Parties.shows("first"),
      answered("Ticket", "b", "a", "ok"),
      again("Ticket", back),
      Parties.shows("second"),
      Steps.until("a", "three tickets", (board) => board.heard("Ticket", "b", "a").length === 3),
      haveTallies(awaits, 3),
      pause(3_000),
      haveTallies(finds, 3)
    ]
  },
  {
    name: "a ticket is shown by a node that was killed before it could (S9)",
    users,
    steps: [
      Parties.drafts,
      Parties.ticket(false),
      begins(heldTicket),
      Parties.shows("request"),
      pause(500),
      ends(heldTicket),
      sees("a1", tally, "who has the ticket", ({ draft }) => draft?.partner !== undefined),
      pause(500),
      wasTold("b1", ["ticket.granted"], (kind) => kind.startsWith("ticket."))
    ],
    strikes: (moment) => [
      {
        when: { event: moment("b1 shows the ticket as request").event },
        fault: { _tag: "Kill", node: "b", down: 2_000, end: "rst" }
      }
    ],
    judge: ({ result }) => assert.strictEqual(result.figures["fault: Kill"], 1)
  },
  {
    name: "who has shown a ticket is told that it has expired on its way (S9)",
    users,
    steps: [
      Parties.drafts,
      Parties.ticket(false, 2_000),
      begins(heldTicket),
      Parties.shows("request"),
      pause(10_000),
      wasTold("b1", ["ticket.refused"], (kind) => kind.startsWith("ticket.")),
      ends(heldTicket),
      has("a1", tally, "nobody", (half) => half?.draft?.partner === undefined)
    ]
  },
  {
    name: "an opening with other terms or another certificate than were signed is refused (S10)",
    users,
    steps: [
      ...met,
      offers(),
      isNow("b1", "received"),
      says(
        "b",
        "a",
        "b opens with other terms",
        Parties.forgedOpen((all) => ({ ...all, stock: { ...all.stock, terms: { limit: 1_000_000n } } }))
      ),
      answered("Open", "b", "a", "refused: bad-signature"),
      says(
        "b",
        "a",
        "b opens with another certificate",
        Parties.forgedOpen((all) => ({
          ...all,
          foil: { ...all.foil, cert: { ...all.foil.cert, name: "Somebody else" } }
        }))
      ),
      answered("Open", "b", "a", "refused: bad-signature", 2),
      isStill("a1", "offered"),
      accepts("b1"),
      ...agreed,
      has("a1", tally, "the terms that it has signed", (half) => half?.document?.stock.terms.limit === Parties.limit)
    ]
  }
]

group("how parties come to a tally", hour, cases)
