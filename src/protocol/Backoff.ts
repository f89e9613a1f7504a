/**
 * Exponential back-off with full jitter: the n-th wait is uniform between nothing and `base * 2^n`, capped.
 *
 * Full jitter spreads a crowd that lost the same peer at the same moment; a fixed or barely jittered wait does not
 * (docs/decisions.md). Pure: the random number is an argument.
 */

export interface Policy {
  /** Upper bound of the first wait, in milliseconds. */
  readonly baseMillis: number
  /** Upper bound of every wait, in milliseconds. */
  readonly capMillis: number
}

/** Redialling a peer: 1 s to 60 s. */
export const redial: Policy = { baseMillis: 1_000, capMillis: 60_000 }

/** Offering a message again that the peer answered with `later`: 1 s to 5 min. */
export const redeliver: Policy = { baseMillis: 1_000, capMillis: 300_000 }

/** The largest wait after `failures` failures in a row, in milliseconds. */
export const ceiling = (policy: Policy, failures: number): number =>
  Math.min(policy.capMillis, policy.baseMillis * 2 ** Math.min(failures, 30))

/** A wait below `bound` milliseconds; `random` is uniform in [0, 1). Whole milliseconds. */
export const below = (bound: number, random: number): number => Math.floor(random * bound)

/** The wait after `failures` failures in a row; `random` is uniform in [0, 1). Whole milliseconds. */
export const delay = (policy: Policy, failures: number, random: number): number =>
  below(ceiling(policy, failures), random)
