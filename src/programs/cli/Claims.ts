/**
 * What peers say of how much there is, and which part of it is here.
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

/** Of the goal, 0 to 100, to a tenth; never 100 before it is reached. */
export const percent = (height: number, goal: number): number =>
  goal === 0 ? 100 : Math.floor((height * 1_000) / goal) / 10
