/**
 * How much later a stream delivers what the network lost: TCP sends again after a time that doubles, so a loss is a delay
 * and nothing else. Fitted to a real stack, which delays 1.8, 9, 18 and 32 % of echoes at 1, 5, 10 and 20 % loss each way,
 * for 209 ms on average at 1 % and 684 ms at 20 %.
 */
import type { Rng } from "../world/Rng.ts"

/** Microseconds before the first retransmission; each further one waits twice as long, up to `longest`. */
const shortest = 200_000
const longest = 120_000_000
/** As `tcp_retries2`. The simulation delivers after so many, where a real stack gives the connection up. */
const most = 15

/** Chances in a million. */
export interface Loss {
  /** That a chunk is late at all. */
  readonly first: number
  /** That sending it again is of no use: it, or the acknowledgement that ends the waiting, is lost again. */
  readonly again: number
}

export const lossOf = (share: number): Loss => ({
  first: Math.round(1e6 * share * (1 - 0.6 * share * (1 - share))),
  again: Math.round(1e6 * (1 - (1 - share) ** 2))
})

/** Microseconds that one chunk is late by for its losses: 0, or 200 ms times 2^k - 1. */
export const lateness = (loss: Loss, rng: Rng): number => {
  if (!rng.chance(loss.first)) return 0
  let late = shortest
  for (let lost = 1, wait = 2 * shortest; lost < most && rng.chance(loss.again); lost++) {
    late += wait
    wait = Math.min(2 * wait, longest)
  }
  return late
}

/**
 * Microseconds from the end of an outage to the retransmission that notices it, for a sender that has waited since
 * `outage` microseconds: never longer than the outage itself. `first` is its first waiting time.
 */
export const residual = (outage: number, first: number): number => {
  let at = 0
  for (let wait = first; at < outage; wait = Math.min(2 * wait, longest)) at += wait
  return Math.min(at - outage, outage, longest)
}

/** The first waiting time of a sender, which depends on how its round trips vary: 200 to 300 ms. */
export const firstWait = (rng: Rng): number => rng.between(shortest, (3 * shortest) / 2)
