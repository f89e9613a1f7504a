/**
 * Bars: what a figure of ours, or its ratio to a figure of somebody else in the same run, has to reach. One counts as
 * met from four fifths of it on, since figures of one machine and one hour scatter by more than the rest.
 */
import { type Measurement, ratio, type Summary, summary } from "./Measurement.ts"

/** Where a figure is found. */
export interface Place {
  readonly work: string
  readonly metric: string
  readonly contender: string
}

export interface Bar {
  readonly ours: Place
  /** Without it the bar is about the figure itself. */
  readonly theirs?: Place
  /** A ratio is better the larger it is; a figure is as its measurement says. */
  readonly asked: number
}

export interface Verdict extends Bar {
  /** The ratio or the figure; `undefined` if a contender has none. */
  readonly reached: Summary | undefined
  /** How much of the bar that is: 1 is all of it. */
  readonly share: number | undefined
  readonly met: boolean
}

/** The least share of a bar that counts as met. */
export const enough = 0.8

const at = (measurements: ReadonlyArray<Measurement>, { contender, metric, work }: Place): Measurement | undefined =>
  measurements.find((found) => found.work === work && found.metric === metric && found.contender === contender)

const reachedBy = (bar: Bar, measurements: ReadonlyArray<Measurement>) => {
  const ours = at(measurements, bar.ours)
  if (ours === undefined) return undefined
  if (bar.theirs === undefined) return { ...summary(ours.values), better: ours.better }
  const theirs = at(measurements, bar.theirs)
  return theirs === undefined ? undefined : { ...ratio(ours, theirs), better: "more" as const }
}

/** What became of every bar. */
export const judge = (bars: ReadonlyArray<Bar>, measurements: ReadonlyArray<Measurement>): ReadonlyArray<Verdict> =>
  bars.map((bar) => {
    const reached = reachedBy(bar, measurements)
    if (reached === undefined || !Number.isFinite(reached.median)) {
      return { ...bar, reached: undefined, share: undefined, met: false }
    }
    const { better, ...summed } = reached
    const share = better === "more" ? summed.median / bar.asked : bar.asked / summed.median
    return { ...bar, reached: summed, share, met: share >= enough }
  })
