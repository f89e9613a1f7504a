/**
 * How fast a heap grows: the line through its measurements.
 */
import type { Sample } from "./Contract.ts"

/** What a run may gain for so many sessions that begin and end, in bytes. */
export const allowed = 1_000_000
export const cycles = 10_000
/** With fewer sessions than this nothing can be said: what a process takes once would count as a leak. */
export const enough = 1_000

/** What comes first is not counted: code is still being compiled, and caches filled. */
const warmUp = 0.2

/** Bytes a virtual millisecond, by least squares; 0 if there is too little to say. */
export const slope = (samples: ReadonlyArray<Pick<Sample, "virtualMillis" | "heap">>): number => {
  const counted = samples.slice(Math.ceil(samples.length * warmUp))
  if (counted.length < 3) return 0
  const mean = (of: (sample: Pick<Sample, "virtualMillis" | "heap">) => number) =>
    counted.reduce((sum, sample) => sum + of(sample), 0) / counted.length
  const [time, heap] = [mean(({ virtualMillis }) => virtualMillis), mean(({ heap }) => heap)]
  let [together, spread] = [0, 0]
  for (const sample of counted) {
    together += (sample.virtualMillis - time) * (sample.heap - heap)
    spread += (sample.virtualMillis - time) ** 2
  }
  return spread === 0 ? 0 : together / spread
}

/** The same for 10,000 sessions, of which there were so many in this time; 0 if there were none. */
export const perCycles = (bytesPerMilli: number, virtualMillis: number, sessions: number): number =>
  sessions === 0 ? 0 : (bytesPerMilli * virtualMillis * cycles) / sessions

/** Whether a heap that grows by so many bytes for 10,000 sessions is a leak. */
export const isLeak = (bytes: number, sessions: number): boolean => sessions >= enough && bytes > allowed
