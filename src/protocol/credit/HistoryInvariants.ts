/**
 * What must hold between two moments, unless a database was restored meanwhile: what is final stays so, and what both ends have agreed on
 * stays where it is.
 */
import type { ChitState } from "./ChitState.ts"
import type { Proofs } from "./Proofs.ts"
import { chitName, type Expect, type LiftView, nameOf, type Site } from "./Snapshot.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/**
 * I12: a closed tally stays closed, an open one open until then, and a wish to close is for good, but for foil's half while it gives places anew
 * to what has lost them (`FoilRecovery`). I6: what is agreed only grows.
 */
const half = (before: TallyHalf, after: TallyHalf | undefined, expect: Expect): void => {
  const about = nameOf(before)
  const { status } = before
  if (status !== "open" && status !== "closed") return
  const isKept = after?.status === "closed" || (status === "open" && after?.status === "open")
  expect(isKept, "I12", about, `It was ${status} and is ${after?.status ?? "gone"}.`)
  if (after === undefined) return
  const [was, now] = [before.chain?.agreed ?? 0, after.chain?.agreed ?? 0]
  expect(was <= now, "I6", about, `Both had agreed on ${was} places, and now on ${now}.`)
  const isOrdering = after.side === "foil" && (after.chain?.unplaced ?? 0) > 0
  for (const side of ["stock", "foil"] as const) {
    const isClosing = isOrdering || before.sets[side].close !== true || after.sets[side].close === true
    expect(isClosing, "I12", about, `The wish of ${side} to close it is gone.`)
  }
}

/** Whether the other end of a chit's tally has another good chit under its id. */
export type IsTaken = (chit: ChitState) => boolean

/**
 * I12: what is good stays good, and says the same; what a lift has made void stays void. I6: it stays where both have it. What stock has
 * signed and not got a place for gives way to what foil has under its id.
 */
const chit = (
  before: ChitState,
  after: ChitState | undefined,
  on: TallyHalf | undefined,
  proofs: Proofs,
  expect: Expect,
  isTaken: IsTaken
): void => {
  const { core, hash, index, status } = before
  const about = chitName(before)
  if (index === undefined && on?.side === "stock" && isTaken(before)) return
  const isFinal = status === "good" || (status === "void" && core.type === "lift")
  expect(!isFinal || after?.status === status, "I12", about, `It was ${status} and is ${after?.status ?? "gone"}.`)
  if (status !== "good" || after === undefined) return
  const isSame = after.core === core || proofs.core(after.core) === proofs.core(core)
  expect(isSame, "I12", about, "It says something else than before.")
  if (index === undefined || on?.chain === undefined) return
  // What foil has placed alone may still move, if stock shows an older order of foil's.
  const isAgreed = on.side === "stock" || index <= on.chain.agreed
  const isThere = after.index === index && after.hash === hash
  expect(!isAgreed || isThere, "I6", about, `It was at ${index}, as both had agreed, and is at ${after.index}.`)
}

/** I12: a verdict stays, unless it is on what was refused here, and forgotten. I10: after a promise there is nothing but a verdict. */
const lift = (before: LiftView, after: LiftView | undefined, expect: Expect): void => {
  const { plan, status } = before
  const now = after?.status ?? "gone"
  const detail = `It was ${status} and is ${now}.`
  if (after === undefined && status === "void" && before.asker !== undefined) return
  if (status === "good" || status === "void") return expect(now === status, "I12", plan.lift, detail)
  if (status === "promised") return expect(now !== "refused" && now !== "gone", "I10", plan.lift, detail)
  expect(now !== "promised" && now !== "good", "I12", plan.lift, detail)
}

/** Everything about the rows of one site that were there before. */
export const ofHistory = (
  before: Site,
  after: Site,
  proofs: Proofs,
  expect: Expect,
  isTaken: IsTaken = () => false
): void => {
  const halves = new Map(after.halves.map((one) => [nameOf(one), one]))
  const were = new Map(before.halves.map((one) => [nameOf(one), one]))
  const chits = new Map(after.chits.map((one) => [chitName(one), one]))
  const lifts = new Map(after.lifts.map((one) => [one.plan.lift, one]))
  for (const one of before.halves) half(one, halves.get(nameOf(one)), expect)
  for (const one of before.chits)
    chit(
      one,
      chits.get(chitName(one)),
      were.get(nameOf({ holder: one.holder, id: one.core.tally })),
      proofs,
      expect,
      isTaken
    )
  for (const one of before.lifts) lift(one, lifts.get(one.plan.lift), expect)
}
