/**
 * Whether a half waits for something that its partner's node says by itself: only then is what it owes said again.
 *
 * What a person has to decide is nothing to wait for; nor is a tally that is in trouble.
 */
import { isClosing } from "./Closing.ts"
import * as FoilChain from "./FoilChain.ts"
import * as StockChain from "./StockChain.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** Foil could close, and has not heard that stock has. */
const awaitsClosing = (half: TallyHalf): boolean => {
  const { down, net, up } = half.sums
  return half.side === "foil" && half.status === "open" && isClosing(half) && net === 0n && up === 0n && down === 0n
}

export const isQuiet = (half: TallyHalf): boolean => {
  if (half.partner === undefined || half.trouble !== undefined) return true
  if (half.wish !== undefined || awaitsClosing(half)) return false
  if (half.status !== "open") return true
  return half.side === "foil" ? FoilChain.isQuiet(half) : StockChain.isQuiet(half)
}
