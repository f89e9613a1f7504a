/**
 * Points in the code where a test may make something rare happen: a crash between two steps, a frame sent twice.
 *
 * In production nothing is installed and every point costs a property read. A test or a simulation provides its own
 * `Buggify` and decides by site. Whatever a site does may happen to any node at any time: with all of them at work a
 * node keeps every promise it makes.
 */
import { Context, Effect } from "effect"

/** Where something rare happens or does not: its name says what. */
export const firing = ["delivery.batch-sent-again"] as const
export type FiringSite = (typeof firing)[number]

/** Where a process may be slow or die: between the two steps of its name. */
export const passing = [
  "delivery.numbered-before-sent",
  "delivery.handled-before-commit",
  "delivery.committed-before-receipt",
  "delivery.receipted-before-settled"
] as const
export type PassingSite = (typeof passing)[number]

/** Every point there is. */
export const sites = [...firing, ...passing] as const
export type Site = FiringSite | PassingSite

export interface Points {
  /** Whether the rare thing happens now. */
  readonly fires: (site: FiringSite) => boolean
  /** Runs between two steps; may wait, and may never return. */
  readonly pass: (site: PassingSite) => Effect.Effect<void>
}

/** The points of production: nothing rare happens, and nobody waits. */
export const none: Points = { fires: () => false, pass: () => Effect.void }

/** Read once by each layer, while it is built. */
export const Buggify = Context.Reference<Points>("holdfast/services/Buggify", { defaultValue: () => none })
