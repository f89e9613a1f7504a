/**
 * What must hold between the two halves of a tally: whose they are, one content for one id, one order; and once the tally is quiet, the
 * same chits and the same balance.
 */
import type { NodeKey } from "../NodeKey.ts"
import type { ChitState } from "./ChitState.ts"
import type { Proofs } from "./Proofs.ts"
import { chitName, type Expect, grouped, halfName, nameOf, type Site } from "./Snapshot.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** A half that is or was open, with its chits and the node that keeps it. */
export interface Kept {
  readonly agent: NodeKey
  readonly half: TallyHalf
  readonly chits: ReadonlyArray<ChitState>
}

/** All that were ever open, by their tally. */
export const kept = (sites: ReadonlyArray<Site>): ReadonlyMap<string, ReadonlyArray<Kept>> =>
  grouped(
    sites.flatMap(({ agent, chits, halves }) => {
      const by = grouped(chits, ({ core, holder }) => halfName(holder, core.tally))
      return halves
        .filter(({ status }) => status === "open" || status === "closed")
        .map((half) => ({ agent, half, chits: by.get(nameOf(half)) ?? [] }))
    }),
    ({ half }) => half.id
  )

/** I15: each half names the other's holder and node. */
const mutual = (one: Kept, other: Kept, expect: Expect): void => {
  const { half } = one
  const isPartner = half.partner?.cuid === other.half.holder && half.partner.agent === other.agent
  expect(
    isPartner && half.side !== other.half.side,
    "I15",
    nameOf(half),
    `${nameOf(other.half)} is not its other half.`
  )
}

/** What stock has signed and foil has not placed. Where foil has given its id to something else, it counts until stock hears of that. */
const isProposed = ({ half }: Kept, { index }: ChitState): boolean => half.side === "stock" && index === undefined

/** I5, I6: what both hold as good is the same, and at a place that both have is the same chit behind the same ones. */
export const agree = (one: Kept, other: Kept, isQuiet: boolean, proofs: Proofs, expect: Expect): void => {
  const known = new Map<string, ChitState>()
  const places = new Map<number, string>()
  for (const chit of other.chits) {
    if (chit.status === "good") known.set(chit.core.uuid, chit)
    if (chit.index !== undefined && chit.hash !== undefined) places.set(chit.index, chit.hash)
  }
  for (const chit of one.chits) {
    if (chit.status !== "good") continue
    const about = chitName(chit)
    const there = known.get(chit.core.uuid)
    if (there === undefined) expect(!isQuiet, "I7", about, `It is good for ${one.half.holder} alone.`)
    else {
      const mayDiffer = !isQuiet && (isProposed(one, chit) || isProposed(other, there))
      const isSame = proofs.core(there.core) === proofs.core(chit.core)
      expect(isSame || mayDiffer, "I5", about, "It says different things at its two ends.")
    }
    const hash = chit.index === undefined ? undefined : places.get(chit.index)
    expect(hash === undefined || hash === chit.hash, "I6", about, `The ends have different orders at ${chit.index}.`)
  }
}

/** I1, I15: whose the two halves are, and once the tally is quiet their balance; all but their chits. */
export const match = (one: Kept, other: Kept, isQuiet: boolean, expect: Expect): void => {
  mutual(one, other, expect)
  mutual(other, one, expect)
  const { net } = one.half.sums
  const isEqual = !isQuiet || net === other.half.sums.net
  expect(isEqual, "I1", nameOf(one.half), `One end has a balance of ${net}, the other of ${other.half.sums.net}.`)
}

/** Everything about the halves of one tally. */
export const ofPair = (all: ReadonlyArray<Kept>, isQuiet: boolean, proofs: Proofs, expect: Expect): void => {
  const [one, other] = all
  if (one === undefined || other === undefined) return
  expect(all.length === 2, "I15", nameOf(one.half), `The tally has ${all.length} halves.`)
  match(one, other, isQuiet, expect)
  agree(one, other, isQuiet, proofs, expect)
  agree(other, one, isQuiet, proofs, expect)
}

/** I1, where the partner's node is looked at and all is quiet: it has a half as well. */
export const lone = ({ half }: Kept, agents: ReadonlySet<string>, expect: Expect): void => {
  const isElsewhere = half.partner === undefined || !agents.has(half.partner.agent)
  expect(isElsewhere, "I1", nameOf(half), "Its partner's node has no other half.")
}
