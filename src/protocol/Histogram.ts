/**
 * How often a quantity fell between which bounds: what is kept of durations that nobody wants one by one.
 *
 * Plain values: adding gives a new one, and those of many sources with the same bounds are merged when somebody asks.
 */

export interface Histogram {
  /** Upper bounds, ascending; a value equal to one is below it. */
  readonly bounds: ReadonlyArray<number>
  /** Values of each bucket, the last one of those above every bound. */
  readonly counts: ReadonlyArray<number>
  readonly sum: number
  readonly min: number
  readonly max: number
}

/** One without values. `min` is Infinity and `max` is -Infinity until there is one. */
export const empty = (bounds: ReadonlyArray<number>): Histogram => ({
  bounds,
  counts: Array.from({ length: bounds.length + 1 }, () => 0),
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY
})

const bucketOf = (bounds: ReadonlyArray<number>, value: number): number => {
  const found = bounds.findIndex((bound) => value <= bound)
  return found === -1 ? bounds.length : found
}

export const add = (histogram: Histogram, value: number): Histogram => {
  const bucket = bucketOf(histogram.bounds, value)
  return {
    bounds: histogram.bounds,
    counts: histogram.counts.with(bucket, (histogram.counts[bucket] ?? 0) + 1),
    sum: histogram.sum + value,
    min: Math.min(histogram.min, value),
    max: Math.max(histogram.max, value)
  }
}

/** The values of both; they must have the same bounds. */
export const merge = (one: Histogram, other: Histogram): Histogram => ({
  bounds: one.bounds,
  counts: one.counts.map((count, bucket) => count + (other.counts[bucket] ?? 0)),
  sum: one.sum + other.sum,
  min: Math.min(one.min, other.min),
  max: Math.max(one.max, other.max)
})

/** How many values there are. */
export const size = ({ counts }: Histogram): number => counts.reduce((sum, count) => sum + count, 0)

/** Each bound with the number of values up to it, as the exposition formats want them. */
export const cumulative = ({ bounds, counts }: Histogram): Array<[bound: number, count: number]> => {
  let below = 0
  return bounds.map((bound, bucket) => [bound, (below += counts[bucket] ?? 0)])
}
