/**
 * What a benchmark measures, and the statistics of several runs.
 *
 * Absolute figures drift with the machine and the hour. What can be compared are figures of one run, so a ratio is
 * taken within each run and the median is taken of the ratios.
 */

/** One figure of one contender, with a value for every run that has it. */
export interface Measurement {
  /** What was done, such as "one way, 100 B". */
  readonly work: string
  /** Which figure of that work, such as "p50". */
  readonly metric: string
  readonly unit: string
  /** Whether a larger or a smaller value is the better one. */
  readonly better: "more" | "less"
  readonly contender: string
  /** In the order of the runs; `undefined` where a run has no value. */
  readonly values: ReadonlyArray<number | undefined>
}

/** The value that a share `q` of the sorted values does not exceed. Not a number if there are none. */
export const quantile = (values: ReadonlyArray<number> | Float64Array, q: number): number => {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN
}

export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Median, least and largest of what is there. */
export const summary = (values: ReadonlyArray<number | undefined>): Summary => {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b)
  const upper = sorted[sorted.length >> 1] ?? Number.NaN
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN
  return { median: (lower + upper) / 2, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN }
}

/** How much better `ours` is than `theirs`, run by run: above 1 is better, whether more or less is. */
export const ratio = (ours: Measurement, theirs: Measurement): Summary =>
  summary(
    ours.values.map((own, run) => {
      const other = theirs.values[run]
      if (own === undefined || other === undefined) return undefined
      return ours.better === "more" ? own / other : other / own
    })
  )

/** A figure of one run, on its way into a `Measurement`. */
export interface Figure extends Omit<Measurement, "values" | "contender"> {
  readonly value: number
}

/** Gathers the figures of the runs. */
export class Ledger {
  readonly #measurements = new Map<string, Measurement & { readonly values: Array<number | undefined> }>()

  add(run: number, contender: string, figures: ReadonlyArray<Figure>): void {
    for (const { value, ...figure } of figures) {
      const key = `${figure.work}\n${figure.metric}\n${contender}`
      const known = this.#measurements.get(key) ?? { ...figure, contender, values: [] }
      this.#measurements.set(key, known)
      while (known.values.length < run) known.values.push(undefined)
      known.values[run] = value
    }
  }

  get measurements(): ReadonlyArray<Measurement> {
    return [...this.#measurements.values()]
  }
}

/** Median and 99th percentile of latencies that are given in microseconds. */
export const latencies = (work: string, micros: ReadonlyArray<number> | Float64Array): ReadonlyArray<Figure> => [
  { work, metric: "p50", unit: "us", better: "less", value: quantile(micros, 0.5) },
  { work, metric: "p99", unit: "us", better: "less", value: quantile(micros, 0.99) }
]
