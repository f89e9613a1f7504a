/**
 * Checks of what nodes hold, for tests after every step, and for the audit of a live database: the money is all there, everybody has
 * agreed to it, and nothing that was final has changed. All take time linear in the rows, most of it for signatures; `Proofs` that are
 * kept from one check to the next work out only what is new.
 */
import { ofHalf } from "./HalfInvariants.ts"
import { ofHistory } from "./HistoryInvariants.ts"
import { ofLifts, verdicts, wholes } from "./LiftInvariants.ts"
import { type Kept, kept, lone, ofPair } from "./PairInvariants.ts"
import { Proofs } from "./Proofs.ts"
import { chitName, type Expect, grouped, halfName, nameOf, type Site, type Violation, violations } from "./Snapshot.ts"
import type { TallyHalf } from "./TallyHalf.ts"

export type { Invariant, LiftView, Site, Violation } from "./Snapshot.ts"

const site = (one: Site, proofs: Proofs, expect: Expect): void => {
  const chits = grouped(one.chits, ({ core, holder }) => halfName(holder, core.tally))
  const halves = new Map(one.halves.map((half) => [nameOf(half), half]))
  expect(halves.size === one.halves.length, "I5", one.agent, "A half is there more than once.")
  for (const half of one.halves) ofHalf(one.agent, half, chits.get(nameOf(half)) ?? [], proofs, expect)
  for (const [name, [first]] of chits)
    if (first !== undefined) expect(halves.has(name), "I3", chitName(first), "It is on no tally that is here.")
  ofLifts(one, ({ core, holder }) => halves.get(halfName(holder, core.tally))?.side, proofs, expect)
}

/** What is wrong with one node's rows, at any moment: I3 to I6 and I8 to I11 and I15, as far as one node shows them. */
export const ofSite = (one: Site, proofs = new Proofs()): ReadonlyArray<Violation> =>
  violations((expect) => site(one, proofs, expect))

/** I2: what some are owed, others owe, settled and with all that promised lifts may move. */
const zero = (all: Iterable<Kept>, expect: Expect): void => {
  const total = { settled: 0n, projected: 0n }
  for (const { half } of all) {
    const { down, net, up } = half.sums
    const sign = half.side === "stock" ? 1n : -1n
    total.settled += sign * net
    total.projected += sign * (net + up - down)
  }
  const isZero = total.settled === 0n && total.projected === 0n
  expect(isZero, "I2", "the world", `All balances make ${total.settled}, with lifts ${total.projected}.`)
}

/**
 * What is wrong with several nodes' rows of one moment. `isQuiet`: whether a half has nothing to tell its partner and waits for nothing;
 * a tally is quiet if both of its halves are, the world if all tallies are and no lift is promised. I2 and the whole of I8 are judged only then.
 */
export const ofWorld = (
  sites: ReadonlyArray<Site>,
  isQuiet: (half: TallyHalf) => boolean,
  proofs = new Proofs()
): ReadonlyArray<Violation> =>
  violations((expect) => {
    for (const one of sites) site(one, proofs, expect)
    const tallies = kept(sites)
    const all = [...tallies.values()].flat()
    const isAllQuiet =
      all.every(({ half }) => isQuiet(half)) &&
      sites.every(({ lifts }) => lifts.every(({ status }) => status !== "promised"))
    const agents = new Set<string>(sites.map(({ agent }) => agent))
    for (const halves of tallies.values()) {
      ofPair(
        halves,
        halves.every(({ half }) => isQuiet(half)),
        proofs,
        expect
      )
      if (isAllQuiet && halves.length === 1) lone(halves[0]!, agents, expect)
    }
    const isClosed = all.every(({ half }) => half.partner !== undefined && agents.has(half.partner.agent))
    if (isAllQuiet && isClosed) zero(all, expect)
    verdicts(sites, expect)
    wholes(sites, isAllQuiet, expect)
  })

/** What must not have become of the rows of before: I12, and of I6 and I10 what takes two moments. Sites that are in both. */
export const compare = (
  before: ReadonlyArray<Site>,
  after: ReadonlyArray<Site>,
  proofs = new Proofs()
): ReadonlyArray<Violation> =>
  violations((expect) => {
    const now = new Map(after.map((one) => [one.agent, one]))
    for (const one of before) {
      const then = now.get(one.agent)
      if (then !== undefined) ofHistory(one, then, proofs, expect)
    }
  })
