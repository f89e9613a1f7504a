/**
 * What must hold of one half of a tally and the chits on it, at any moment: sums, signatures, the chain, limits, and whose it is.
 */
import type { NodeKey } from "../NodeKey.ts"
import { owed } from "./Capacity.ts"
import { effect } from "./Chit.ts"
import * as ChitLog from "./ChitLog.ts"
import type { ChitState } from "./ChitState.ts"
import * as LiftPlan from "./LiftPlan.ts"
import type { Proofs } from "./Proofs.ts"
import { chitName, type Expect, nameOf } from "./Snapshot.ts"
import { other } from "./TallyDocument.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** I3: the sums are what the chits add up to, good ones and those of promised lifts. */
const sums = (half: TallyHalf, chits: ReadonlyArray<ChitState>, expect: Expect): void => {
  let net = 0n
  const held = { stock: 0n, foil: 0n }
  for (const { core, status } of chits) {
    if (status === "good") net += effect(core)
    if (status === "asked" && core.type === "lift") held[core.by] += core.units
  }
  const { sums } = half
  expect(net === sums.net, "I3", nameOf(half), `Its balance is ${sums.net}, its good chits make ${net}.`)
  const isHeld = held.foil === sums.up && held.stock === sums.down
  expect(isHeld, "I3", nameOf(half), `It holds ${sums.up} and ${sums.down}, its lifts ${held.foil} and ${held.stock}.`)
}

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

/** I6: good chits have the places 1 to the last one, each with the hash that follows from what is before. */
const chain = (half: TallyHalf, chits: ReadonlyArray<ChitState>, proofs: Proofs, expect: Expect): void => {
  const about = nameOf(half)
  const { chain, document } = half
  if (chain === undefined || document === undefined)
    return expect(half.status !== "open", "I6", about, "It is open and has no chain.")
  const placed = new Map<number, ChitState>()
  for (const chit of chits) {
    if (chit.index === undefined) continue
    expect(chit.status === "good", "I6", chitName(chit), `It is ${chit.status} and has a place.`)
    expect(!placed.has(chit.index), "I6", chitName(chit), `Another chit has its place, ${chit.index}.`)
    placed.set(chit.index, chit)
  }
  expect(placed.size === chain.at.index, "I6", about, `${placed.size} chits have ${chain.at.index} places.`)
  let at = ChitLog.genesis(proofs.document(document))
  for (let chit = placed.get(1); chit !== undefined; chit = placed.get(at.index + 1)) {
    at = proofs.next(at, chit)
    expect(chit.hash === at.hash, "I6", chitName(chit), `It has not the hash of its place, ${at.index}.`)
  }
  const isLast = at.index === chain.at.index && at.hash === chain.at.hash
  expect(isLast, "I6", about, `Its chain ends at ${at.index}, not as it says at ${chain.at.index}.`)
  const isInOrder = chain.agreed <= chain.told && chain.told <= chain.at.index
  expect(isInOrder, "I6", about, `Agreed ${chain.agreed}, told ${chain.told}, placed ${chain.at.index}.`)
}

/** I7, as far as one half tells: stock has not forgotten what it still has to propose. */
const unplaced = (half: TallyHalf, chits: ReadonlyArray<ChitState>, expect: Expect): void => {
  if (half.chain === undefined || half.side === "foil") return
  const waiting = chits.filter(
    ({ core, index, status }) => status === "good" && index === undefined && core.by === "stock"
  )
  const least = waiting.filter(({ core }) => core.type !== "lift").length
  const isCounted = least <= half.chain.unplaced && half.chain.unplaced <= waiting.length
  expect(isCounted, "I7", nameOf(half), `${waiting.length} good chits have no place, not ${half.chain.unplaced}.`)
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

/** Everything about one half. `chits` are those on it. */
export const ofHalf = (
  agent: NodeKey,
  half: TallyHalf,
  chits: ReadonlyArray<ChitState>,
  proofs: Proofs,
  expect: Expect
): void => {
  sums(half, chits, expect)
  once(chits, expect)
  for (const chit of chits) if (chit.status === "good") evidence(half, chit, proofs, expect)
  if (half.status !== "open" && half.status !== "closed") return
  chain(half, chits, proofs, expect)
  unplaced(half, chits, expect)
  limits(half, expect)
  parties(agent, half, proofs, expect)
}
