/**
 * "Did you mean": the known name that is nearest to one that was misspelt.
 */

/** How many insertions, deletions, replacements and swaps of neighbours lead from one text to the other. */
export const distance = (from: string, to: string): number => {
  let beforeLast: Array<number> = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const replaced = last[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1)
      const swapped =
        from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1] ? beforeLast[column - 2]! + 1 : Infinity
      current.push(Math.min(last[column]! + 1, current[column - 1]! + 1, replaced, swapped))
    }
    beforeLast = last
    last = current
  }
  return last[to.length]!
}

/** The nearest of the known names, if it is near enough to have been meant: a third of its letters may differ. */
export const nearest = (name: string, known: Iterable<string>): string | undefined => {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, "")
  let best: { readonly name: string; readonly far: number } | undefined
  for (const candidate of known) {
    const far = distance(plain(name), plain(candidate))
    if (far <= Math.max(1, candidate.length / 3) && (best === undefined || far < best.far))
      best = { name: candidate, far }
  }
  return best?.name
}
