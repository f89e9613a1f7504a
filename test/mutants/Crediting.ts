/**
 * Bugs in how credit is kept, hunted in the scenario `credit`: the first four are those that every check of credit must find.
 */
import { granted, laws, settled } from "../../src/testing/credit/CreditLaws.ts"
import type { Mutant } from "./Mutant.ts"

export const crediting: ReadonlyArray<Mutant> = [
  {
    name: "credit-acknowledged-on-write",
    what: "A message is receipted as it arrives: what its handler then fails to commit never comes again.",
    file: "src/services/delivery/Exchange.ts",
    find: `yield* decoded(DeliveryFrame.data.decode(frame.body))`,
    replace: `yield* Effect.tap(decoded(DeliveryFrame.data.decode(frame.body)), ({ first, items, stream }) => session.send(Kind.Receipt, DeliveryFrame.receipt.encode({ stream, upTo: first + BigInt(items.length) - 1n, answers: [] })))`,
    property: granted,
    also: [settled, laws.I7, laws.I8, "nobody is accused", "no restore without a restore", "no restore goes unnoticed"],
    profile: "calm",
    scenario: "credit"
  },
  {
    name: "credit-counts-again",
    what: "A chit that is good already counts once more when it gets its place.",
    file: "src/protocol/credit/Booking.ts",
    find: `const isGood = known?.status === "good"`,
    replace: `const isGood = known?.index !== undefined`,
    property: laws.I3,
    profile: "calm",
    scenario: "credit"
  },
  {
    name: "credit-void-on-time-out",
    what: "Whoever waits too long for the end of a lift takes it for void.",
    file: "src/protocol/credit/LiftMachine.ts",
    find: `  const inquiry: CreditMessage = {`,
    replace: `  if (attempts > 0) return { ...still({ ...begun.state, status: "void" }, []), release: endsAt(plan, site.key) }; const inquiry: CreditMessage = {`,
    property: laws.I10,
    also: [laws.I8],
    profile: "network",
    scenario: "credit"
  },
  {
    name: "credit-places-sorted-as-text",
    what: "Chits are read in the order of their places as texts: the tenth before the second.",
    file: "src/services/credit/CreditTables.ts",
    find: `(index === undefined ? undefined : [holder, core.tally, index]),`,
    replace: `(index === undefined ? undefined : [holder, core.tally, String(index)]),`,
    property: settled,
    also: [laws.I6, "no defects"],
    profile: "calm",
    scenario: "credit"
  },
  {
    name: "credit-promise-not-stored",
    what: "A promise is passed on and not written down.",
    file: "src/services/credit/LiftDesk.ts",
    find: `yield* (yield* Records).put(Tables.lifts, state)`,
    replace: `if (state.status !== "promised") yield* (yield* Records).put(Tables.lifts, state)`,
    property: laws.I8,
    profile: "calm",
    scenario: "credit"
  },
  {
    name: "credit-hold-kept",
    what: "What was held for a lift that is void is held for ever.",
    file: "src/services/credit/LiftDesk.ts",
    find: `ChainDesk.moved(half, hold(plan, end.leg, half, -1n))`,
    replace: `ChainDesk.moved(half, half)`,
    property: laws.I3,
    profile: "calm",
    scenario: "credit"
  },
  {
    name: "credit-room-unchecked",
    what: "A node promises a lift whether there is room for it or not.",
    file: "src/services/credit/LiftDesk.ts",
    find: `const hasRoom = Capacity.room(half, by, "lift") >= plan.units`,
    replace: `const hasRoom = Capacity.room(half, by, "lift") >= 0n`,
    property: laws.I11,
    profile: "calm",
    scenario: "credit"
  },
  {
    name: "credit-invoice-as-room",
    what: "What a user has asked for, and nobody has paid, makes room for payments of theirs.",
    file: "src/services/credit/InvoiceDesk.ts",
    find: `const room = Capacity.room(half, half.side, "pledge")`,
    replace: `const room = Capacity.room(half, half.side, "pledge") + (yield* (yield* Records).page(Tables.chits, "asked", { prefix: [half.holder, half.id], limit: 100 })).reduce((sum, { core }) => (core.type === "tran" && core.by !== half.side ? sum + core.units : sum), 0n)`,
    property: laws.I11,
    profile: "calm",
    scenario: "credit"
  },
  {
    name: "credit-conflict-overwrites",
    what: "Another chit under the id of a good one takes its place.",
    file: "src/protocol/credit/FoilOrdering.ts",
    find: `if (known !== undefined && !isSame) {`,
    replace: `if (known !== undefined && known.core.type === "set" && !isSame) {`,
    property: laws.I12,
    also: [laws.I3, laws.I5, laws.I6, settled],
    profile: "slow",
    scenario: "credit"
  },
  {
    name: "credit-floor-sinks",
    what: "Foil takes an older word of stock's for the newest: what both have agreed on is less again.",
    file: "src/protocol/credit/FoilPushing.ts",
    find: `const agreed = Math.max(chain.agreed, index)`,
    replace: `const agreed = index`,
    property: laws.I6,
    profile: "slow",
    scenario: "credit"
  },
  {
    name: "credit-referee-forgets",
    what: "A referee does not write down how it has voted, and votes again.",
    file: "src/services/credit/RefereeDesk.ts",
    find: `yield* records.put(Tables.referees, result.state)`,
    replace: `if (result.state.voted === undefined) yield* records.put(Tables.referees, result.state)`,
    property: laws.I10,
    also: [laws.I8, settled],
    profile: "network",
    scenario: "credit"
  },
  {
    name: "credit-withdrawal-wins",
    what: "Who has taken an offer back does not open the tally, though both have signed it.",
    file: "src/protocol/credit/Opening.ts",
    find: `if (!message.heard && half?.status === "void" && half.wish === undefined && document.revision <= half.revision) {`,
    replace: `if (half?.status === "void" && document.revision <= half.revision) {`,
    property: laws.I12,
    also: [laws.I1, settled],
    profile: "network",
    scenario: "credit"
  },
  {
    name: "credit-settled-twice",
    what: "The end of a lift settles each of its legs twice.",
    file: "src/protocol/credit/LiftEnding.ts",
    find: `settle: verdict === "good" ? ends : []`,
    replace: `settle: verdict === "good" ? [...ends, ...ends] : []`,
    property: laws.I3,
    also: [laws.I11, laws.I8],
    profile: "calm",
    scenario: "credit"
  },
  {
    name: "credit-set-on-arrival",
    what: "A setting takes effect at stock when it is signed, and not where foil has placed it.",
    file: "src/protocol/credit/Booking.ts",
    find: `    this.#unplaced++\n    this.#write(entry, known)`,
    replace: `    this.#unplaced++; this.#set(entry.chit.core)\n    this.#write(entry, known)`,
    property: laws.I6,
    profile: "calm",
    scenario: "credit"
  }
]
