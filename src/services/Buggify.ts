/**
 * Points in the code where a test may make something rare happen: a crash between two steps, a frame sent twice.
 *
 * In production nothing is installed and every point costs a property read. A test or a simulation provides its own
 * `Buggify` and decides by site.
 */
import { Context, Effect } from "effect"

/** Every point there is. Between which steps each stands is its name. */
export const sites = [
  "delivery.numbered-before-sent",
  "delivery.handled-before-commit",
  "delivery.committed-before-receipt",
  "delivery.receipted-before-settled",
  "delivery.batch-sent-again"
] as const
export type Site = (typeof sites)[number]

export interface Points {
  /** Whether the rare thing happens now. */
  readonly fires: (site: Site) => boolean
  /** Runs between two steps; may never return. */
  readonly pass: (site: Site) => Effect.Effect<void>
}

export const Buggify = Context.Reference<Points>("holdfast/services/Buggify", {
  defaultValue: () => ({ fires: () => false, pass: () => Effect.void })
})
