/**
 * What users of the scenario `credit` do on a tally: pay, ask and answer, set, and come to an agreement or not.
 */
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import { WrittenId } from "../../protocol/credit/Chit.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { Command } from "../../services/credit/Command.ts"
import { uuidOf } from "./CreditCast.ts"
import { amount, type Scene } from "./CreditScene.ts"

const openOf = ({ halves, self: { random } }: Scene): TallyHalf | undefined =>
  random.pick(halves.filter(({ status }) => status === "open"))

/** In a million: payments whose payor chooses the chit's id, and so badly that the other side may have another chit of that id. */
const chosen = 150_000

export const pay = (scene: Scene): Command | undefined => {
  const { random } = scene.self
  const half = openOf(scene)
  const chit = half && WrittenId.make(uuidOf(`${half.id} ${random.below(3)}`))
  const own = chit !== undefined && random.chance(chosen) ? { chit } : {}
  return half && { _tag: "Pay", tally: half.id, units: amount(random), ...own }
}

export const ask = (scene: Scene, invoices: ReadonlyArray<ChitState>): Command | undefined => {
  const { random } = scene.self
  const half = openOf(scene)
  const declined = random.pick(invoices.filter(({ status }) => status === "void"))
  if (declined !== undefined && random.chance(300_000))
    return { _tag: "Ask", tally: declined.core.tally, units: 1n, chit: declined.core.uuid }
  return half && { _tag: "Ask", tally: half.id, units: amount(random) }
}

/** Pays an invoice that waits, or declines it. */
export const answer = ({ halves, self: { random } }: Scene, moving: ReadonlyArray<ChitState>): Command | undefined => {
  const sides = new Map(halves.map(({ id, side }) => [id, side]))
  const invoices = moving.filter(
    ({ core, status }) => core.type === "tran" && status === "asked" && core.by === sides.get(core.tally)
  )
  const one = random.pick(invoices)
  if (one === undefined) return undefined
  const { revision } = one
  const { tally, uuid: chit } = one.core
  return random.chance(700_000) ? { _tag: "PayInvoice", tally, chit } : { _tag: "Decline", tally, chit, revision }
}

export const set = (scene: Scene): Command | undefined => {
  const { random } = scene.self
  const half = openOf(scene)
  if (half === undefined) return undefined
  const amounts = [50n, 200n, 900n, 100_000n] as const
  const which = random.below(10)
  const sets =
    which < 2
      ? ({ close: true } as const)
      : which < 6
        ? { bound: random.pick(amounts) }
        : { target: random.pick(amounts) }
  return { _tag: "SetTally", tally: half.id, sets }
}

/** Goes on with the agreement on a tally in one of the ways that there are, whether that fits or not. */
export const talk = ({ halves, self: { random } }: Scene): Command | undefined => {
  const unopened = halves.filter(({ status }) => status !== "open" && status !== "closed")
  const half = random.pick(random.chance(900_000) ? unopened : halves)
  if (half === undefined) return undefined
  const { id: tally, revision: seen, side } = half
  const revision = Math.max(1, seen)
  const limits = [0n, 700n, 2_000n] as const
  const wanted = { terms: { limit: random.pick(limits) }, partnerTerms: { limit: random.pick(limits) } }
  switch (random.below(9)) {
    case 0:
      return { _tag: "RefuseTally", tally, revision }
    case 1:
    case 2:
      return { _tag: "WithdrawTally", tally }
    case 3:
      return { _tag: "ResendTally", tally }
    case 4:
      return { _tag: "ReviseTally", tally, revision, side, ...wanted }
    case 5:
    case 6:
      return { _tag: "OfferTally", tally }
    default:
      return { _tag: "AcceptTally", tally, revision }
  }
}
