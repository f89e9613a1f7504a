/**
 * Ownership where no second process can get at the database: in memory, or embedded in a folder that is locked.
 */
import { Effect, Layer } from "effect"
import { alone, Ownership } from "../services/delivery/Ownership.ts"

export const layer: Layer.Layer<Ownership> = Layer.succeed(Ownership, Ownership.of({ own: Effect.succeed(alone) }))
