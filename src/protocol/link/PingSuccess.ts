/**
 * How many pings are answered, exactly: pongs that match and come within the time-out, of the pings sent, without those
 * that were in flight when this side closed the connection (docs/operating.md).
 *
 * A ping is in flight until its time-out. A reading of a live connection leaves those in flight out as well, for nobody
 * knows yet what becomes of them: it is what a close at that moment would give. Every other ping counts: answered late,
 * never answered, lost with a connection that the peer or the network ended, or forgotten by a full heartbeat.
 */
import type * as Histogram from "../Histogram.ts"

/** What a heartbeat has counted. */
export interface Beats {
  readonly sent: number
  readonly matched: number
  readonly unknown: number
  /** Of the matched ones, those that came after the time-out. */
  readonly late?: number
  /** Round trips in milliseconds, within `roundTripBounds`. */
  readonly roundTrips?: Histogram.Histogram
  readonly outstanding: ReadonlyArray<{ readonly sentAt: number }>
  /** Smoothed, in milliseconds. */
  readonly rttMillis?: number | undefined
}

export interface Pings {
  readonly sent: number
  /** Answered within the time-out. */
  readonly inTime: number
  readonly late: number
  /** Pongs that match no ping which still waits. */
  readonly unknown: number
  /** In flight now. */
  readonly waiting: number
  /** In flight when this side closed. */
  readonly abandoned: number
}

export const none: Pings = { sent: 0, inTime: 0, late: 0, unknown: 0, waiting: 0, abandoned: 0 }

/** Bounds for round trips, in milliseconds: from one machine to the far side of a satellite. */
export const roundTripBounds: ReadonlyArray<number> = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000
]

const inFlight = ({ outstanding }: Beats, now: number, timeout: number): number =>
  outstanding.filter(({ sentAt }) => now - sentAt < timeout).length

const counted = (beats: Beats, waiting: number, abandoned: number): Pings => {
  const late = beats.late ?? 0
  return { sent: beats.sent, inTime: beats.matched - late, late, unknown: beats.unknown, waiting, abandoned }
}

/** The pings of a connection that is open at `now`; times are milliseconds of the heartbeat's clock. */
export const ofOpen = (beats: Beats, now: number, timeout: number): Pings =>
  counted(beats, inFlight(beats, now, timeout), 0)

/** The pings of a connection that has ended at `now`; `here`: this side has closed it, for any reason but silence. */
export const ofEnded = (beats: Beats, now: number, timeout: number, here: boolean): Pings =>
  counted(beats, 0, here ? inFlight(beats, now, timeout) : 0)

export const add = (one: Pings, other: Pings): Pings => ({
  sent: one.sent + other.sent,
  inTime: one.inTime + other.inTime,
  late: one.late + other.late,
  unknown: one.unknown + other.unknown,
  waiting: one.waiting + other.waiting,
  abandoned: one.abandoned + other.abandoned
})

/** From 0 to 1; `undefined` while no ping has been answered or overdue. */
export const ratio = ({ abandoned, inTime, sent, waiting }: Pings): number | undefined => {
  const judged = sent - abandoned - waiting
  return judged <= 0 ? undefined : inTime / judged
}
