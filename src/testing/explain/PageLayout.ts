/**
 * Where things are on the page, in pixels, and how time is compressed: every event has a row of one height, and a longer
 * wait before it makes it a little higher. The script of the page gets the same figures, since it lays out what is left
 * when events are filtered.
 */

/** Waits of at least this many microseconds, and how much higher they make a row. */
const waits: ReadonlyArray<{ readonly from: number; readonly height: number }> = [
  { from: 0, height: 0 },
  { from: 10_000, height: 8 },
  { from: 100_000, height: 22 },
  { from: 1_000_000, height: 30 }
]

export const layout = {
  row: 22,
  waits,
  /** Waits of this class and longer are written down. */
  written: 2,
  /** An arrow over more rows than this becomes a level one that tells where it came from. */
  longest: 30
}

/** The class of a wait, an index of `waits`. */
export const waitOf = (micros: number): number => waits.findLastIndex(({ from }) => micros >= from)

export const heightOf = (wait: number): number => layout.row + (waits[wait]?.height ?? 0)

/** The width of a lane among so many. */
export const laneWidth = (lanes: number): number => Math.round(Math.max(40, Math.min(110, 640 / Math.max(1, lanes))))

/** The middle of a lane. */
export const middle = (lane: number, lanes: number): number => Math.round((lane + 0.5) * laneWidth(lanes))

/** What is written at a wait, if anything is. */
export const waitWords = (wait: number, micros: number): string =>
  wait < layout.written ? "" : `⋯ ${Number((micros / 1_000_000).toPrecision(3))} s`
