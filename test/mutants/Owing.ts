/**
 * Bugs in what delivery shows, in how much of it is under way, and in what is taken back.
 */
import type { Mutant } from "./Mutant.ts"

const sending = "src/layers/retry/MemorySending.ts"

const seen: ReadonlyArray<Mutant> = [
  {
    name: "list-leaves-one-out",
    what: "A page of the list of what is owed begins one message too late.",
    file: "src/layers/retry/MemoryViews.ts",
    find: `firstBeyond(rows, after ?? "") : place + 1n`,
    replace: `firstBeyond(rows, after ?? "") : place + 2n`,
    property: "what is owed can be seen",
    profile: "calm"
  },
  {
    name: "tries-not-counted",
    what: "Nobody counts how often a message has been tried.",
    file: sending,
    find: `attempts: message.attempts + 1`,
    replace: `attempts: message.attempts`,
    property: "what is owed can be seen",
    profile: "calm"
  },
  {
    name: "why-forgotten",
    what: "Why a message was put off is not kept.",
    file: sending,
    find: `dueAt: due, lastOutcome: outcomeText(outcome)`,
    replace: `dueAt: due`,
    property: "what is owed can be seen",
    profile: "calm"
  },
  {
    name: "next-try-untold",
    what: "The list says of every message that it is due since it was sent.",
    file: "src/layers/retry/MemoryRows.ts",
    find: `dueAt: row.dueAt`,
    replace: `dueAt: row.createdAt`,
    property: "what is owed can be seen",
    profile: "calm"
  },
  {
    name: "refused-in-silence",
    what: "A message that was refused is gone without an event.",
    file: "src/services/delivery/Settlement.ts",
    find: `if (outcome._tag === "Ok" || (outcome`,
    replace: `if (outcome._tag === "Ok" || outcome._tag === "Refused" || (outcome`,
    property: "what is owed can be seen",
    profile: "calm"
  }
]

const bounded: ReadonlyArray<Mutant> = [
  {
    name: "window-ignored",
    what: "A sender runs as far ahead as any peer would take, whatever its own window is.",
    file: "src/services/delivery/Pump.ts",
    find: `Sequence.room(window, outbound.state)`,
    replace: `Sequence.room(Sequence.maxAhead, outbound.state)`,
    property: "nobody runs ahead of the window",
    profile: "slow"
  },
  {
    name: "one-line-for-all",
    what: "A message waits until nothing older is owed to anybody else.",
    file: sending,
    find: `if (message.seq !== undefined) continue`,
    replace: `if (message.seq !== undefined || [...rows.ids].some(({ peer, place }) => peer !== link.peer && place < message.place)) continue`,
    property: "one bad peer holds up nobody else",
    also: ["everything arrives"],
    profile: "one-node"
  }
]

const back: ReadonlyArray<Mutant> = [
  {
    name: "taken-back-in-words",
    what: "A message that has had a number is sent again although it was taken back.",
    file: sending,
    find: `rows.put({ ...row, void: true, body: empty, waiting`,
    replace: `rows.put({ ...row, waiting`,
    property: "what is taken back stays back",
    also: ["outcomes are right", "sent is acked, pending or shed", "what is owed can be seen"],
    profile: "calm",
    scenario: "cancelling"
  },
  {
    name: "too-sure",
    what: "Whoever takes a message back is told that it will not take effect, also if it may have.",
    file: sending,
    find: `row.lastOutcome !== undefined ? "cancelled" : "unknown"`,
    replace: `row.lastOutcome !== undefined ? "cancelled" : "cancelled"`,
    property: "what is taken back stays back",
    profile: "calm",
    scenario: "cancelling"
  },
  {
    name: "subject-stays-closed",
    what: "What waits behind a message that was put off and taken back waits for ever.",
    file: "src/services/delivery/Arrival.ts",
    find: `skip({ item, seq }: Sequence.Fresh): void {\n    this.#release(item)`,
    replace: `skip({ item, seq }: Sequence.Fresh): void {\n    this.#held.inFrontOf(item)`,
    property: "everything arrives",
    profile: "calm",
    scenario: "cancelling"
  }
]

export const owing: ReadonlyArray<Mutant> = [...seen, ...bounded, ...back]
