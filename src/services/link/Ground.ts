/**
 * What all connections of a node have in common.
 */
import type { Effect, Fiber } from "effect"
import type { Points } from "../Buggify.ts"
import type { Alarms } from "./Alarms.ts"
import type { Config } from "./LinkConfig.ts"
import type { Tap } from "./LinkTap.ts"
import type { Speech } from "./Wire.ts"

export interface Ground {
  readonly wire: Omit<Speech<Error>, "name" | "open" | "describe" | "offence">
  /** Sees every frame, as one of this peer. */
  readonly tap?: Tap | undefined
  readonly config: Config
  readonly points: Points
  readonly alarms: Alarms
  /** Runs what a connection does beside its reading, in a fiber that ends with the node at the latest. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}
