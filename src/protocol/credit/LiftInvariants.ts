/**
 * What must hold of lifts: all of their legs or none, nobody's worth changed but the payor's and the payee's, one verdict.
 */
import type { ChitState } from "./ChitState.ts"
import { effect } from "./Chit.ts"
import * as LiftPlan from "./LiftPlan.ts"
import type { LiftRecord, Verdict } from "./LiftRecord.ts"
import type { Proofs } from "./Proofs.ts"
import { chitName, type Expect, grouped, type LiftView, type Site } from "./Snapshot.ts"
import { other, type Side } from "./TallyDocument.ts"

const liftOf = ({ core }: ChitState): string => (core.type === "lift" ? core.lift : "")

/** The chits of lifts, by lift. */
const lifted = (chits: ReadonlyArray<ChitState>): ReadonlyMap<string, ReadonlyArray<ChitState>> =>
  grouped(
    chits.filter(({ core }) => core.type === "lift"),
    liftOf
  )

/** How a chit's side is known: the half that holds it. */
export type SideOf = (chit: ChitState) => Side | undefined

/** Legs of a plan have two ends; those that are at this site, by tally and side. */
const ends = ({ legs }: LiftPlan.LiftPlan, site: Pick<Site, "agent">): ReadonlyArray<string> =>
  legs.flatMap(({ by, from, tally, to }) => [
    ...(from === site.agent ? [`${tally} ${by}`] : []),
    ...(to === site.agent ? [`${tally} ${other(by)}`] : [])
  ])

/** I8 at one node: promised, all ends that it has are there; good or void, all of them are. */
const whole = (
  site: Pick<Site, "agent">,
  { plan, status }: LiftView,
  chits: ReadonlyArray<ChitState>,
  sideOf: SideOf,
  expect: Expect
) => {
  const about = plan.lift
  const fits = (chit: ChitState): boolean => {
    if (status === "good") return chit.status === "good"
    // The log of a tally can bring the verdict before anybody else does.
    return status === "promised" ? chit.status !== "void" : chit.status === "void"
  }
  for (const chit of chits)
    expect(fits(chit), "I8", about, `The lift is ${status}, ${chitName(chit)} is ${chit.status}.`)
  if (status !== "good" && status !== "promised") return
  const there = new Set(chits.map((chit) => `${chit.core.tally} ${sideOf(chit)}`))
  for (const end of ends(plan, site))
    expect(there.has(end), "I8", about, `The lift is ${status}, and nothing of it is on ${end}.`)
}

/** I9: the payor has less by the lift's units, the payee more, everybody else as much as before. */
const worth = (
  site: Pick<Site, "agent">,
  { plan }: LiftView,
  chits: ReadonlyArray<ChitState>,
  sideOf: SideOf,
  expect: Expect
): void => {
  const { payee, payor, units } = plan
  for (const [holder, own] of grouped(chits, ({ holder }) => holder)) {
    let moved = 0n
    for (const chit of own)
      if (chit.status === "good") moved += sideOf(chit) === "stock" ? effect(chit.core) : -effect(chit.core)
    const isThis = (who: typeof payor): boolean => who.cuid === holder && who.agent === site.agent
    const due = (isThis(payee) ? units : 0n) - (isThis(payor) ? units : 0n)
    expect(moved === due, "I9", plan.lift, `${holder} has ${moved} by it, and should have ${due}.`)
  }
}

/** I10 at one node: good and void are verdicts on this plan, and nothing else has one. */
const verdict = ({ plan, record, status }: LiftView, proofs: Proofs, expect: Expect): void => {
  if (status === "promised" || status === "refused")
    return expect(record === undefined, "I10", plan.lift, `It is ${status} and has a record.`)
  const isOwn = record !== undefined && record.verdict === status && proofs.plan(record.plan) === proofs.plan(plan)
  expect(isOwn, "I10", plan.lift, `It is ${status}, and its record is not.`)
  if (isOwn) expect(proofs.isVerdict(record), "I10", plan.lift, "Its record does not hold.")
}

/** Everything about one lift at a site but whether it is there once. `chits` are those of it that the site has. */
export const ofLift = (
  site: Pick<Site, "agent">,
  lift: LiftView,
  chits: ReadonlyArray<ChitState>,
  sideOf: SideOf,
  proofs: Proofs,
  expect: Expect
): void => {
  verdict(lift, proofs, expect)
  whole(site, lift, chits, sideOf, expect)
  if (lift.status === "good") worth(site, lift, chits, sideOf, expect)
}

/** Everything about the lifts of one site. */
export const ofLifts = (site: Site, sideOf: SideOf, proofs: Proofs, expect: Expect): void => {
  const chits = lifted(site.chits)
  const known = new Map<string, LiftView>()
  for (const lift of site.lifts) {
    ofLift(site, lift, chits.get(lift.plan.lift) ?? [], sideOf, proofs, expect)
    expect(!known.has(lift.plan.lift), "I10", lift.plan.lift, "The site has it twice.")
    known.set(lift.plan.lift, lift)
  }
  for (const [lift, own] of chits) {
    const held = own.some(({ status }) => status === "asked")
    expect(!held || known.has(lift), "I8", lift, "Room is held for it, and nobody knows it.")
  }
}

const records = (site: Site): ReadonlyArray<LiftRecord> =>
  [...site.lifts, ...site.chits].flatMap(({ record }) => (record === undefined ? [] : [record]))

/** I10 in the world: no lift has two verdicts, wherever they are. */
export const verdicts = (sites: ReadonlyArray<Site>, expect: Expect): void => {
  const first = new Map<string, Verdict>()
  for (const { plan, verdict } of sites.flatMap(records)) {
    const known = first.get(plan.lift) ?? verdict
    first.set(plan.lift, known)
    expect(known === verdict, "I10", plan.lift, "It is good by one record and void by another.")
  }
}

/** I8 in the world: nowhere good and elsewhere void; and once all is quiet, good at both ends of all legs or at none. */
export const wholes = (sites: ReadonlyArray<Site>, isQuiet: boolean, expect: Expect): void => {
  const plans = new Map<string, LiftPlan.LiftPlan>()
  for (const { plan } of sites.flatMap((site) => [...site.lifts, ...records(site)])) plans.set(plan.lift, plan)
  for (const [lift, chits] of lifted(sites.flatMap(({ chits }) => chits))) {
    const good = chits.filter(({ status }) => status === "good").length
    const isMixed = good > 0 && chits.some(({ status }) => status === "void")
    expect(!isMixed, "I8", lift, "It is good on one tally and void on another.")
    const plan = plans.get(lift)
    if (!isQuiet || plan === undefined) continue
    const due = sites.reduce((sum, site) => sum + ends(plan, site).length, 0)
    expect(good === 0 || good === due, "I8", lift, `It is good at ${good} of ${due} ends.`)
  }
}
