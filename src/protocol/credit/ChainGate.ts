/**
 * Which events a half lets in at all: of a tally that both have signed, in nobody's trouble, and from its partner's node alone.
 */
import type { NodeKey } from "../NodeKey.ts"
import { type Begun, type ChainUnfit, hasBegun, misfit } from "./ChainStep.ts"
import type { TallyHalf } from "./TallyHalf.ts"
import type { Side, TallyId } from "./TallyDocument.ts"

/** An event, as far as it matters here: messages say where they come from. */
export interface Caller {
  readonly _tag: string
  readonly from?: NodeKey
  readonly message?: { readonly tally: TallyId }
}

export const admit = (half: TallyHalf, side: Side, { from, message }: Caller): Begun | ChainUnfit => {
  if (half.side !== side) return misfit(half, "refused", "other-side", `this half is ${half.side}'s`)
  if (!hasBegun(half)) return misfit(half, "stale", "not-open", `the tally is not open here, it is ${half.status}`)
  if (half.trouble !== undefined)
    return misfit(half, "refused", "trouble", `a person has to look at it: ${half.trouble}`)
  if (from !== undefined && from !== half.partner?.agent) {
    return misfit(half, "refused", "not-its-partner", "another node is the partner's")
  }
  if (message !== undefined && message.tally !== half.id)
    return misfit(half, "refused", "other-tally", "it is for another tally")
  return half
}

export const isTurnedAway = (admitted: Begun | ChainUnfit): admitted is ChainUnfit => "_tag" in admitted
