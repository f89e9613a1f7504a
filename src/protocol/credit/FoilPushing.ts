/**
 * What foil knows of stock, and what it sends to it: each entry once when it has got its place, and again from the last place that
 * stock has said to have.
 */
import { type Begun, type ChainStepped, done, type Outcome, type Reading } from "./ChainStep.ts"
import type { Index, Position } from "./ChitLog.ts"
import { mostEntries } from "./CreditMessage.ts"

/** Entries for stock, at most one message. */
export const push = (after: Index): Reading => ({ _tag: "Push", after, most: mostEntries })

/** Stock is told what comes behind a place. */
export const pushed = (half: Begun, after: Index, outcome: Outcome = {}): ChainStepped => {
  const { chain } = half
  const told = Math.max(chain.told, Math.min(chain.at.index, after + mostEntries))
  return done({ ...half, chain: { ...chain, told } }, { ...outcome, reading: push(after) })
}

/** Stock names a place that foil does not have: it is shown foil's last one, and answers with more of its own. */
export const wondering = (half: Begun, outcome: Outcome = {}): ChainStepped =>
  done(half, { ...outcome, reading: push(half.chain.at.index) })

/** Stock has everything up to a place of foil's. An earlier place than one before changes nothing. */
export const agreeing = (half: Begun, { index }: Position): Begun => {
  const { chain } = half
  const agreed = Math.max(chain.agreed, index)
  return { ...half, chain: { ...chain, agreed, told: Math.max(chain.told, agreed) } }
}
