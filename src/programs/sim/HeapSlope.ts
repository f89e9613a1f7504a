/**
 * How fast a heap grows: the line through its measurements.
 */
import type { Sample } from "./Contract.ts"

/** What a run may gain for so many sessions that begin and end, in bytes. */
export const allowed = 1_000_000
export const cycles = 10_000
/** With fewer sessions than this nothing can be said: what a process takes once would count as a leak. */
export const enough = 3_000

/** The share that is not counted: what comes first fills caches and tables that are no larger later. */
const warmUp = 0.5

type Measured = Pick<Sample, "virtualMillis" | "heap">

/** Bytes a virtual millisecond. */
export interface Slope {
  readonly bytes: number
  /** The standard error: what is under way at the moment of a measurement is now more and now less. */
  readonly error: number
}

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** By least squares; 0 if there is too little to say. */
export const slope = (samples: ReadonlyArray<Measured>): Slope => {
  const counted = samples.slice(Math.ceil(samples.length * warmUp))
  const time = mean(counted.map(({ virtualMillis }) => virtualMillis))
  const heap = mean(counted.map(({ heap }) => heap))
  let [together, spread] = [0, 0]
  for (const sample of counted) {
    together += (sample.virtualMillis - time) * (sample.heap - heap)
    spread += (sample.virtualMillis - time) ** 2
  }
  if (counted.length < 3 || spread === 0) return { bytes: 0, error: 0 }
  const bytes = together / spread
  const off = counted.reduce((sum, sample) => {
    return sum + (sample.heap - heap - bytes * (sample.virtualMillis - time)) ** 2
  }, 0)
  return { bytes, error: Math.sqrt(off / (counted.length - 2) / spread) }
}

/** The same for 10,000 sessions, of which there were so many in this time; 0 if there were none. */
export const perCycles = (bytesPerMilli: number, virtualMillis: number, sessions: number): number =>
  sessions === 0 ? 0 : (bytesPerMilli * virtualMillis * cycles) / sessions

/** Whether a heap surely leaks that grows by so many bytes for 10,000 sessions, with this standard error. */
export const isLeak = (bytes: number, error: number, sessions: number): boolean =>
  sessions >= enough && bytes - 2 * error > allowed
