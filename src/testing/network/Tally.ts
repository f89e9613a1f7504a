/** What has gone from one node to another, and what has gone wrong: for tests that a fault does what it says. */

export interface Tally {
  /** Bytes that writers have handed over. */
  written: number
  /** Bytes that have arrived. */
  delivered: number
  /** Chunks that they arrived in. */
  chunks: number
  dials: number
  connected: number
  refused: number
  timedOut: number
  /** Resets that arrived. */
  resets: number
  /** Chunks that arrived with bits turned over. */
  flips: number
  /** Chunks that came late because they were lost before. */
  lost: number
  /** Milliseconds that streams with something to deliver stood still. */
  stalls: number
}

export const emptyTally = (): Tally => ({
  written: 0,
  delivered: 0,
  chunks: 0,
  dials: 0,
  connected: 0,
  refused: 0,
  timedOut: 0,
  resets: 0,
  flips: 0,
  lost: 0,
  stalls: 0
})
