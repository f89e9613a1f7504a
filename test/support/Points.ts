/**
 * `Buggify` points of one test: a single site does its rare thing, or holds whoever passes it, and all others are as in
 * production.
 */
import { Effect, Latch } from "effect"
import { type FiringSite, none, type PassingSite, type Points, type Site } from "../../src/services/Buggify.ts"

export interface Firing {
  readonly points: Points
  /** How often the site was passed. */
  readonly passes: () => number
  /** From now on it fires no more. */
  readonly stop: () => void
}

/** `site` fires at the passes that `at` picks by their number, from 1; at all of them by default. */
export const firing = (site: FiringSite, at: (pass: number) => boolean = () => true): Firing => {
  let passes = 0
  let stopped = false
  const fires = (passed: Site) => passed === site && at(++passes) && !stopped
  return { points: { ...none, fires }, passes: () => passes, stop: () => void (stopped = true) }
}

export const once = (pass: number): boolean => pass === 1

export interface Holding {
  readonly points: Points
  /** How many are held now. */
  readonly held: () => number
  /** Everybody goes on, and nobody is held any more. */
  readonly release: () => void
}

/** Whoever passes `site` waits there. */
export const holding = (site: PassingSite): Holding => {
  const latch = Latch.makeUnsafe(false)
  let held = 0
  const wait = Effect.acquireUseRelease(
    Effect.sync(() => held++),
    () => latch.await,
    () => Effect.sync(() => held--)
  )
  const pass = (passed: PassingSite) => (passed === site ? wait : Effect.void)
  return { points: { ...none, pass }, held: () => held, release: () => void latch.openUnsafe() }
}

/** Whoever passes `site` is late by so many milliseconds. */
export const delaying = (site: PassingSite, millis: number) => {
  let passes = 0
  const wait = Effect.andThen(
    Effect.sync(() => passes++),
    Effect.sleep(millis)
  )
  const points: Points = { ...none, pass: (passed) => (passed === site ? wait : Effect.void) }
  return { points, passes: () => passes }
}
