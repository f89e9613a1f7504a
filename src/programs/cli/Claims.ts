/**
 * What peers say of how much there is.
 */

/** What peers say of their heights, which nothing proves. */
export interface Claims {
  /** The greatest. */
  readonly greatest: number
  /** What half of them have at the least; of two the lower. */
  readonly median: number
}

export const of = (heights: ReadonlyArray<number>): Claims => {
  const sorted = heights.toSorted((a, b) => a - b)
  return { greatest: Math.max(0, ...heights), median: Math.max(0, sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) }
}
