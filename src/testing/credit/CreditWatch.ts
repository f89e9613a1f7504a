/**
 * Watches what all nodes hold of credit from outside, commit by commit: whatever a transaction leaves behind must keep the invariants,
 * at its own node and against what the others hold. Only what it has changed is looked at.
 *
 * It looks into databases in memory only. What the nodes of SQL databases hold is judged at the end (`CreditEnd.ts`).
 */
import { ofHalf } from "../../protocol/credit/HalfInvariants.ts"
import { ofHistory } from "../../protocol/credit/HistoryInvariants.ts"
import type { LiftPlan } from "../../protocol/credit/LiftPlan.ts"
import { ofLifts, verdicts } from "../../protocol/credit/LiftInvariants.ts"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import { type Kept, ofPair } from "../../protocol/credit/PairInvariants.ts"
import { Proofs } from "../../protocol/credit/Proofs.ts"
import {
  chitName,
  type Expect,
  halfName,
  type Invariant,
  nameOf,
  type Violation,
  violations
} from "../../protocol/credit/Snapshot.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { Watcher, Watching } from "../cluster/Scenario.ts"
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import { type Change, CreditBook } from "./CreditBook.ts"
import { granted, laws } from "./CreditLaws.ts"
import { TicketWatch } from "./TicketWatch.ts"

const without =
  (expect: Expect, ...some: ReadonlyArray<Invariant>): Expect =>
  (holds, invariant, about, detail) =>
    expect(holds || some.includes(invariant), invariant, about, detail)

/** What one end has forgotten, both have not agreed on any more. */
const withoutOrder = (expect: Expect): Expect => without(expect, "I6")

/** Who has forgotten a chit can give its id to another one, until the partner shows the first. */
const withoutContent =
  (expect: Expect, taken: ReadonlySet<string>): Expect =>
  (holds, invariant, about, detail) =>
    expect(holds || (invariant === "I12" && taken.has(about)), invariant, about, detail)

/** A closed tally is open again where an end that has forgotten so has written on it. */
const withoutReopened = (expect: Expect, { after, before }: Change): Expect => {
  const closed = new Set(before.halves.filter(({ status }) => status === "closed").map(nameOf))
  const reopened = new Set(after.halves.flatMap((half) => (half.status === "open" ? [nameOf(half)] : [])))
  return (holds, invariant, about, detail) =>
    expect(holds || (invariant === "I12" && closed.has(about) && reopened.has(about)), invariant, about, detail)
}

/**
 * Who has forgotten what it has pledged, or promised, pledges more than it would have, and learns of the end of a lift before it has its
 * tallies again. That all of it is there in the end is judged at the end.
 */
const forgetful = (expect: Expect): Expect => without(expect, "I8", "I9", "I11")

const isKept = ({ status }: TallyHalf): boolean => status === "open" || status === "closed"

export class CreditWatch implements Watcher {
  readonly #watching: Watching
  readonly #books = new Map<string, CreditBook>()
  /** By agent. */
  readonly #names = new Map<string, string>()
  readonly #proofs = new Proofs()
  readonly #tickets = new TicketWatch()
  /** Whose database was put back: such a node has forgotten what it has signed. */
  readonly #restored = new Set<string>()

  constructor(watching: Watching) {
    this.#watching = watching
    for (const { key, name } of watching.view.nodes) this.#names.set(key, name)
  }

  readonly committed = (node: string, { memory }: SimulatedDatabase): void => {
    if (memory === undefined) return
    const book = this.#book(node)
    for (const request of this.#tickets.read(book.agent, memory))
      this.#watching.violated(granted, `${node}: its request ${request} counts as granted.`)
    const change = book.read(memory)
    if (change.halves.length === 0 && change.lifts.lifts.length === 0) return
    this.#tell(node, change)
    for (const { about, detail, invariant } of this.#judge(node, change))
      this.#watching.violated(laws[invariant], `${node}: ${about}: ${detail}`)
  }

  /** From here on the node tells another story. */
  readonly restored = (node: string): void => {
    this.#restored.add(node)
    this.#tickets.restored(this.#book(node).agent)
    this.#books.delete(node)
  }

  #book(node: string): CreditBook {
    let book = this.#books.get(node)
    if (book === undefined) {
      const agent = this.#watching.view.nodes.find(({ name }) => name === node)!.key
      this.#books.set(node, (book = new CreditBook(agent)))
    }
    return book
  }

  #judge(node: string, change: Change): ReadonlyArray<Violation> {
    const { after, before, halves, lifts } = change
    const book = this.#book(node)
    return violations((all) => {
      const expect = this.#restored.has(node) ? forgetful(all) : all
      for (const half of halves) {
        ofHalf(book.agent, half, book.chitsOn(half), this.#proofs, expect)
        const pair = this.#pair(book, half)
        if (pair !== undefined) ofPair(pair, false, this.#proofs, this.#lenient(pair, expect))
      }
      const sides = new Map(lifts.halves.map((half) => [halfName(half.holder, half.id), half.side]))
      ofLifts(lifts, ({ core, holder }) => sides.get(halfName(holder, core.tally)), this.#proofs, expect)
      const past = this.#restored.size === 0 ? expect : withoutReopened(withoutOrder(expect), change)
      const isTaken = (chit: ChitState) => this.#isTaken(book, chit)
      const taken = this.#restored.has(node) ? before.chits.filter(isTaken).map(chitName) : []
      ofHistory(before, after, this.#proofs, withoutContent(past, new Set(taken)), isTaken)
      const judged = lifts.lifts.filter(({ plan }) => !this.#isForgotten(plan))
      const chits = lifts.chits.filter(({ record }) => record !== undefined && !this.#isForgotten(record.plan))
      verdicts([{ ...lifts, chits, lifts: [...judged, ...this.#elsewhere(judged)] }], expect)
    })
  }

  /** The two halves of a tally, as they are now: the given one first. */
  #pair(book: CreditBook, half: TallyHalf): readonly [here: Kept, there: Kept] | undefined {
    const { partner } = half
    const there = partner && this.#books.get(this.#names.get(partner.agent) ?? "")
    const other = there?.half(halfName(partner!.cuid, half.id))
    if (there === undefined || other === undefined || !isKept(half) || !isKept(other)) return undefined
    return [
      { agent: book.agent, half, chits: book.chitsOn(half) },
      { agent: there.agent, half: other, chits: there.chitsOn(other) }
    ]
  }

  #isTaken(book: CreditBook, { core, holder }: ChitState): boolean {
    const half = book.half(halfName(holder, core.tally))
    const [, there] = (half && this.#pair(book, half)) ?? []
    const known = there?.chits.find((one) => one.status === "good" && one.core.uuid === core.uuid)
    return known !== undefined && this.#proofs.core(known.core) !== this.#proofs.core(core)
  }

  /** A foil that was put back orders anew, until stock shows it the order that it had before. */
  #lenient(pair: ReadonlyArray<Kept>, expect: Expect): Expect {
    return pair.some(({ agent }) => this.#restored.has(this.#names.get(agent) ?? ""))
      ? without(withoutOrder(expect), "I5")
      : expect
  }

  /** A referee that has forgotten its vote votes again. */
  #isForgotten({ referees }: LiftPlan): boolean {
    return referees.some(({ key }) => this.#restored.has(this.#names.get(key) ?? ""))
  }

  /** What all nodes know of these lifts. */
  #elsewhere(lifts: Change["lifts"]["lifts"]): Change["lifts"]["lifts"] {
    const ids = new Set(lifts.map(({ plan }) => plan.lift))
    return [...this.#books.values()].flatMap((book) => [...book.lifts()].filter(({ plan }) => ids.has(plan.lift)))
  }

  /** What has got another status, for the trace and the figures. */
  #tell(node: string, { after, before }: Change): void {
    const { count, note } = this.#watching
    const halves = new Map(before.halves.map((half) => [nameOf(half), half.status]))
    for (const half of after.halves) {
      const { holder, id, side, status } = half
      if (halves.get(nameOf(half)) === status) continue
      count(`credit: halves ${status}`)
      note(node, "half", { tally: id, holder, side, status })
    }
    const lifts = new Map(before.lifts.map(({ plan, status }) => [plan.lift, status]))
    for (const { plan, status } of after.lifts) {
      if (lifts.get(plan.lift) === status) continue
      count(`credit: lifts ${status}`)
      note(node, "lift", { lift: plan.lift, status })
    }
    const chits = new Map(before.chits.map((chit) => [chitName(chit), chit]))
    for (const chit of after.chits) {
      const { core, holder, index = 0, status } = chit
      const was = chits.get(chitName(chit))
      if (was?.status === status && was.index === chit.index) continue
      if (was?.status !== status) count(`credit: ${core.type} ${status}`)
      note(node, "chit", { tally: core.tally, holder, chit: core.uuid, kind: core.type, by: core.by, status, index })
    }
  }
}
