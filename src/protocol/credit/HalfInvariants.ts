/**
 * What must hold of one half of a tally and the chits on it, at any moment: sums, signatures, the chain, limits, and whose it is.
 *
 * `HalfCheck` is given the chits one by one and keeps none of them, so that a tally of any length can be looked at.
 */
import type { NodeKey } from "../NodeKey.ts"
import { owed } from "./Capacity.ts"
import { ChainCheck } from "./ChainCheck.ts"
import { effect } from "./Chit.ts"
import type { ChitState } from "./ChitState.ts"
import * as LiftPlan from "./LiftPlan.ts"
import type { Proofs } from "./Proofs.ts"
import { chitName, type Expect, nameOf } from "./Snapshot.ts"
import { other } from "./TallyDocument.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** I4: a good chit is signed by its issuer; that of a lift has the verdict of a plan that says what it says. */
const evidence = (half: TallyHalf, chit: ChitState, proofs: Proofs, expect: Expect): void => {
  const { core, record } = chit
  if (core.type !== "lift") {
    const key = half.document?.[core.by].cert.public
    const isSigned = key !== undefined && proofs.isChitSigned(chit, key)
    return expect(isSigned, "I4", chitName(chit), `Its issuer, ${core.by}, has not signed it.`)
  }
  const isPlanned =
    record !== undefined &&
    record.verdict === "good" &&
    core.leg < record.plan.legs.length &&
    proofs.core(LiftPlan.chitOf(record.plan, core.leg)) === proofs.core(core)
  expect(isPlanned, "I4", chitName(chit), "No record says that its lift is good and has such a leg.")
  if (isPlanned) expect(proofs.isVerdict(record), "I4", chitName(chit), "The record of its lift does not hold.")
}

/** I5: one id, one good chit. */
const once = (chits: ReadonlyArray<ChitState>, expect: Expect): void => {
  const seen = new Set<string>()
  for (const chit of chits) {
    if (chit.status !== "good") continue
    expect(!seen.has(chit.core.uuid), "I5", chitName(chit), "It is there, and good, more than once.")
    seen.add(chit.core.uuid)
  }
}

/** I11: what this side has pledged, and may have by promised lifts, is within what the other side has granted. */
const limits = (half: TallyHalf, expect: Expect): void => {
  if (half.document === undefined) return
  const most = half.document[other(half.side)].terms.limit
  const reached = owed(half, half.side)
  expect(reached <= most, "I11", nameOf(half), `Its holder may come to owe ${reached}, and was granted ${most}.`)
  const { down, up } = half.sums
  expect(up >= 0n && down >= 0n, "I11", nameOf(half), `It holds less than nothing: ${up}, ${down}.`)
}

/** I15: the parties, and their agents, are those of the document that both have signed; its head is foil's agent's. */
const parties = (agent: NodeKey, half: TallyHalf, proofs: Proofs, expect: Expect): void => {
  const { chain, document, holder, id, partner, side, signs } = half
  const about = nameOf(half)
  if (document === undefined)
    return expect(half.status !== "open", "I15", about, "It is open and nobody has signed it.")
  const own = document[side].cert.chad
  const there = document[other(side)].cert.chad
  expect(own.cuid === holder && own.agent === agent, "I15", about, "Its document names another holder.")
  expect(
    partner?.cuid === there.cuid && partner.agent === there.agent,
    "I15",
    about,
    "It names another partner than its document."
  )
  expect(document.uuid === id, "I15", about, "Its document is that of another tally.")
  expect(proofs.isDocumentSigned(document, signs), "I15", about, "It has not the signatures of both on its document.")
  const foil = document.foil.cert.chad.agent
  const isHead = chain?.head === undefined || proofs.isHeadSigned(id, chain.head, foil)
  expect(isHead, "I15", about, "The head of its chain is not signed by foil's agent.")
}

/** Looks at one half: `chit` for each chit on it, those that have a place first and in its order, then `end`. */
export class HalfCheck {
  readonly #agent: NodeKey
  readonly #half: TallyHalf
  readonly #proofs: Proofs
  readonly #expect: Expect
  readonly #chain: ChainCheck | undefined
  #net = 0n
  readonly #held = { stock: 0n, foil: 0n }

  constructor(agent: NodeKey, half: TallyHalf, proofs: Proofs, expect: Expect) {
    const isBegun = half.status === "open" || half.status === "closed"
    this.#agent = agent
    this.#half = half
    this.#proofs = proofs
    this.#expect = expect
    this.#chain = isBegun ? new ChainCheck(half, proofs, expect) : undefined
  }

  chit(chit: ChitState): void {
    const { core, status } = chit
    if (status === "good") this.#net += effect(core)
    if (status === "asked" && core.type === "lift") this.#held[core.by] += core.units
    if (status === "good") evidence(this.#half, chit, this.#proofs, this.#expect)
    this.#chain?.chit(chit)
  }

  end(): void {
    this.#sums()
    if (this.#chain === undefined) return
    this.#chain.end()
    limits(this.#half, this.#expect)
    parties(this.#agent, this.#half, this.#proofs, this.#expect)
  }

  /** I3: the sums are what the chits add up to, good ones and those of promised lifts. */
  #sums(): void {
    const { sums } = this.#half
    const about = nameOf(this.#half)
    this.#expect(this.#net === sums.net, "I3", about, `Its balance is ${sums.net}, its good chits make ${this.#net}.`)
    const { foil, stock } = this.#held
    const isHeld = foil === sums.up && stock === sums.down
    this.#expect(isHeld, "I3", about, `It holds ${sums.up} and ${sums.down}, its lifts ${foil} and ${stock}.`)
  }
}

/** Everything about one half. `chits` are those on it. */
export const ofHalf = (
  agent: NodeKey,
  half: TallyHalf,
  chits: ReadonlyArray<ChitState>,
  proofs: Proofs,
  expect: Expect
): void => {
  once(chits, expect)
  const check = new HalfCheck(agent, half, proofs, expect)
  const placed = chits.filter(({ index }) => index !== undefined).toSorted((a, b) => a.index! - b.index!)
  for (const chit of placed) check.chit(chit)
  for (const chit of chits) if (chit.index === undefined) check.chit(chit)
  check.end()
}
