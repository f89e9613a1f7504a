/**
 * One fault at work: what it is given to strike with, and what it comes to.
 */
import type { Rng } from "../world/Rng.ts"
import type { Touched, Undo } from "./Stage.ts"

export interface Hand {
  /** The fault's own. */
  readonly random: Rng
  /** Runs later (milliseconds), unless the fault is over by then; at once if there is nothing to wait for. */
  readonly after: (millis: number, run: () => void) => void
}

/** Goes on until it is undone, after this many milliseconds: for ever means until the disturbed part of the run ends. */
export interface Lasting {
  readonly for: number
  readonly undo: Undo
}

/** Over at once, with what it touched, or lasting. */
export type Blow = Touched | Lasting

export const lasting = (millis: number, undo: Undo): Lasting => ({ for: millis, undo })

/** How often a fault had an effect. */
export const countOf = (touched: Touched): number => (typeof touched === "number" ? touched : 1)

/** May be called again and gives the same answer. */
export const once = (undo: Undo): (() => number) => {
  let touched: number | undefined
  return () => (touched ??= countOf(undo()))
}
