/**
 * One benchmark that can be run by name, and what all of them are told.
 */
import type { Verdict } from "./Bars.ts"
import type { Measurement } from "./Measurement.ts"

export interface Options {
  /** Every contender does its work once in each run; the runs alternate. */
  readonly runs: number
  /** Much less work: figures to see that everything runs, not to quote. */
  readonly quick: boolean
  /** Compare with other people's software too. */
  readonly peers: boolean
  /** How many messages an area for many of them sends, where it was said. */
  readonly messages: number | undefined
  /** Says what is being done. */
  readonly progress: (what: string) => void
}

/** Figures that change in the course of one run, a row for every step. */
export interface Curve {
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<number>>
}

export interface Findings {
  readonly measurements: ReadonlyArray<Measurement>
  /** What was asked of the figures, and whether they reach it. */
  readonly verdicts?: ReadonlyArray<Verdict>
  readonly curve?: Curve
  /** What is only known once it has run, such as the settings of a server. */
  readonly notes?: ReadonlyArray<string>
}

export interface Area {
  readonly title: string
  /** What the reader must know to read the figures right. */
  readonly notes: ReadonlyArray<string>
  readonly measure: (options: Options) => Promise<Findings>
  /** The contenders that are ours; all the others are what they are compared with. */
  readonly ours: ReadonlyArray<string>
  /** It takes so long that it is run only if it is named. */
  readonly onlyByName?: boolean
}

/** Adds the figures of one contender's run. Somebody else's failure leaves a gap in the table; ours ends the run. */
export const orGap = async (ours: boolean, { progress }: Options, play: () => Promise<void>): Promise<void> => {
  try {
    await play()
  } catch (cause) {
    if (ours) throw cause
    progress(`failed, no figures of this run: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}
