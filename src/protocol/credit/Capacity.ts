/**
 * How much may still be pledged on a tally, by either side: what keeps the balance, together with all that promised lifts may move in the
 * same direction, within what the parties have granted. Invoices count for nothing.
 *
 * For its own pledges the issuer's node goes by this before it signs. What is signed binds, so the other node takes it whatever its
 * size. A lift is measured at both ends. Sums are stock's view: a pledge of foil's raises them, one of stock's lowers them.
 */
import { isClosing } from "./Closing.ts"
import { other, type Side } from "./TallyDocument.ts"
import type { TallyHalf } from "./TallyHalf.ts"
import * as Units from "./Units.ts"

/** What is to be written: a pledge that its issuer signs, or the leg of a lift, which bounds apply to as well. */
export type Kind = "pledge" | "lift"

/** What a side can be owed: never more than the largest balance that there is. */
const granted = ({ document, sets }: TallyHalf, side: Side, kind: Kind): bigint => {
  const limit = document?.[side].terms.limit ?? 0n
  const { bound } = sets[side]
  const narrowed = kind === "lift" && bound !== undefined && bound < limit ? bound : limit
  return narrowed < Units.most ? narrowed : Units.most
}

/**
 * The balance in favour of the side that `by` pledges to, as it is once all lifts that are promised in this direction have become good,
 * and none of those in the other one.
 */
export const owed = ({ sums }: Pick<TallyHalf, "sums">, by: Side): bigint =>
  by === "foil" ? sums.net + sums.up : sums.down - sums.net

/** Milli-CHIP that `by` may still pledge, 0 or more. A tally that is not open, or in trouble, has no room. */
export const room = (half: TallyHalf, by: Side, kind: Kind): bigint => {
  if (half.status !== "open" || half.trouble !== undefined) return 0n
  // What is written from then on brings the balance nearer to zero, and never beyond.
  const most = isClosing(half) ? 0n : granted(half, other(by), kind)
  const left = most - owed(half, by)
  return left > 0n ? left : 0n
}
