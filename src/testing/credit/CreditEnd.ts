/**
 * What must have become of credit once every fault is over: nothing moves any more, no lift is promised, and what all nodes hold
 * together keeps every invariant but I11, which is judged at every commit: a node that has forgotten what its users have pledged lets them
 * pledge more.
 */
import { Clock, Effect, Layer } from "effect"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import { ofWorld, type Site } from "../../protocol/credit/Invariants.ts"
import { verdicts } from "../../protocol/credit/LiftInvariants.ts"
import type { LiftPlan } from "../../protocol/credit/LiftPlan.ts"
import type { LiftState } from "../../protocol/credit/LiftState.ts"
import { Proofs } from "../../protocol/credit/Proofs.ts"
import { mostAheadMillis } from "../../protocol/credit/RefereeMemory.ts"
import { nameOf, violations } from "../../protocol/credit/Snapshot.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import { Credit } from "../../services/credit/Credit.ts"
import * as Tables from "../../services/credit/CreditTables.ts"
import * as Users from "../../services/credit/Users.ts"
import { maxPage, type Parts, type Table } from "../../services/RecordTable.ts"
import { Records } from "../../services/Records.ts"
import { Place } from "../cluster/Place.ts"
import * as Scenario from "../cluster/Scenario.ts"
import type { Member } from "./CreditCast.ts"
import { laws, settled } from "./CreditLaws.ts"
import { put } from "./TallyOpening.ts"

/** All rows of a table. */
const all = Effect.fnUntraced(function* <Row, Key extends Parts, Index extends string>(table: Table<Row, Key, Index>) {
  const records = yield* Records
  const rows: Array<Row> = []
  for (let isMore = true; isMore;) {
    const last = rows.at(-1)
    const after = last === undefined ? {} : { after: table.parts("key", last) }
    const page = yield* records.page(table, "key", { limit: maxPage, ...after })
    rows.push(...page)
    isMore = page.length === maxPage
  }
  return rows
})

/** Those who live on these nodes. */
export type Living = (nodes: Scenario.Nodes) => ReadonlyArray<Member>

/** Brings back the users of a node that has lost its disk after they had left: nobody else answers for them. */
const bringBack = Effect.fnUntraced(function* (name: string, living: Living) {
  const { nodes } = yield* Place
  for (const member of living(nodes)) {
    if (member.node !== name || (yield* Users.get(member.cuid)) !== undefined) continue
    yield* Effect.provide(put(member), Layer.fresh(Credit.layer))
  }
})

/** What a node says: what it holds, and what its clock shows. */
interface Account extends Site {
  readonly clock: number
}

const account = Effect.fnUntraced(function* ({ key }: Scenario.Self) {
  const halves: ReadonlyArray<TallyHalf> = yield* all(Tables.halves)
  const chits: ReadonlyArray<ChitState> = yield* all(Tables.chits)
  const lifts: ReadonlyArray<LiftState> = yield* all(Tables.lifts)
  const found: Account = { agent: key, halves, chits, lifts, clock: yield* Clock.currentTimeMillis }
  return found
})

/** What a half still waits for. */
const unrest = ({ chain, status, wish }: TallyHalf): string | undefined => {
  if (wish !== undefined) return `has not been heard to ${wish}`
  if (status !== "open" || chain === undefined) return undefined
  if (chain.unplaced > 0) return `has ${chain.unplaced} chits without a place`
  return chain.agreed === chain.at.index ? undefined : `is at ${chain.at.index}, and both have ${chain.agreed}`
}

/** Milliseconds in which a lift is over once its referees can decide it: who waits asks now and then. */
const patience = 600_000

/**
 * Whether the plan's date has not come by the clock of one of its referees, which decides nothing before, in which way ever (`RefereeMemory`);
 * or came a moment ago, since the payor's clock is so much ahead of that. Everybody waits for as long as these clocks are apart.
 */
const isEarly = ({ date, payor, referees }: LiftPlan, accounts: ReadonlyArray<Account>): boolean => {
  const planner = accounts.find(({ agent }) => agent === payor.agent)
  const deciders = accounts.filter(({ agent }) => referees.some(({ key }) => key === agent))
  return deciders.some(({ clock }) => {
    const isAhead = planner !== undefined && planner.clock - clock > mostAheadMillis / 2
    return date > clock + mostAheadMillis - (isAhead ? patience : 0)
  })
}

/** Lifts over a tally that nobody has any more: the databases of both its ends were lost, or that of the node which has both. */
const lostLifts = (sites: ReadonlyArray<Site>): ReadonlySet<string> => {
  const there = new Set(
    sites.flatMap(({ halves }) =>
      halves.filter(({ status }) => status === "open" || status === "closed").map(({ id }) => id)
    )
  )
  const plans = sites.flatMap(({ lifts }) => lifts.map(({ plan }) => plan))
  return new Set(plans.filter(({ legs }) => legs.some(({ tally }) => !there.has(tally))).map(({ lift }) => lift))
}

/**
 * Tallies over which a lift has gone that has two verdicts. That it never has, unless a referee has forgotten its vote with its database,
 * is judged at every commit; nobody but people can end it then.
 */
const contradicted = (sites: ReadonlyArray<Site>): ReadonlySet<string> => {
  const twice = new Set(violations((expect) => verdicts(sites, expect)).map(({ about }) => about))
  const plans = sites.flatMap(({ lifts }) => lifts.map(({ plan }) => plan)).filter(({ lift }) => twice.has(lift))
  return new Set(plans.flatMap(({ legs }) => legs.map(({ tally }) => tally)))
}

const judge = (answers: ReadonlyMap<string, Account>): string | undefined => {
  const sites = [...answers.values()]
  const torn = contradicted(sites)
  for (const [name, { halves, lifts }] of answers) {
    const lift = lifts.find(({ plan, status }) => status === "promised" && !isEarly(plan, sites))
    if (lift !== undefined) return `${name}: lift ${lift.plan.lift} has not ended`
    for (const half of halves) {
      if (torn.has(half.id)) continue
      const why = unrest(half)
      if (why !== undefined) return `${name}: ${nameOf(half)} ${why}`
    }
  }
  if (torn.size > 0) return undefined
  const lost = lostLifts(sites)
  const all = ofWorld(sites, (half) => unrest(half) === undefined, new Proofs())
  const wrong = all.find(({ about, invariant }) => invariant !== "I11" && !lost.has(about))
  return wrong && `${laws[wrong.invariant]} (${wrong.invariant}): ${wrong.about}: ${wrong.detail}`
}

export const property = (living: Living) =>
  Scenario.together(settled, (self) => Effect.andThen(bringBack(self.name, living), account(self)), judge)
