/**
 * Tests whose randomness is the same in every run: a jitter of nothing at all comes once in a thousand times, and a test
 * that counts dials must not meet it by chance.
 */
import { it } from "@effect/vitest"
import { type Effect, Random, type Scope } from "effect"

/** A test with virtual time, as `it.effect`, whose random numbers follow from its name. */
export const seeded = <E>(name: string, body: () => Effect.Effect<void, E, Scope.Scope>): void =>
  it.effect(name, () => Random.withSeed(body(), name))
