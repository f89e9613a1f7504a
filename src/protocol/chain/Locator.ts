/**
 * Which blocks to name when asking a peer for what comes after them: the newest ones, then ever fewer, and the first. The peer goes
 * on from the first of them that it knows.
 */

/** Blocks named one after the other before the steps double. */
const dense = 11

/**
 * Heights from `best` down to 0: about 12 and the logarithm of `best`. Bitcoin's nodes start with the parent of their best
 * header, so that a peer which has the same chain still answers with one.
 */
export const heights = (best: number): ReadonlyArray<number> => {
  const out: Array<number> = []
  let step = 1
  for (let height = best; height > 0; height -= step) {
    out.push(height)
    if (out.length > dense) step *= 2
  }
  return [...out, 0]
}
