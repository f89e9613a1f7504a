/**
 * A node that syncs a chain is killed again and again: `npm run test:soak -- --only chain-kills` does it 200 times.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { make } from "../support/chain/ChainNodes.ts"
import * as KillRounds from "../support/chain/KillRounds.ts"
import { server } from "../support/FreshDatabase.ts"
import { createDatabase } from "../support/PostgresServer.ts"

/** Another seed every time unless one is given: `KILL_SEED=7`. */
const seedOf = (): number => {
  const given = process.env.KILL_SEED
  return given === undefined || given === "" ? Math.floor(Math.random() * 1_000_000) : Number(given)
}

describe.concurrent("a node that is killed while it syncs", () => {
  for (const driver of ["pglite", "postgres"] as const) {
    it.live(
      `has a valid beginning of the chain, and goes on from there, on ${driver}`,
      () =>
        Effect.gen(function* () {
          const seed = seedOf()
          console.log(`again on ${driver}: KILL_SEED=${seed} npm test -- test/integration/ChainKills`)
          const nodes = yield* make(async () => createDatabase((await server()).url))
          const outcome = yield* Effect.promise(() =>
            KillRounds.run({ nodes, driver, seed, rounds: 10, height: 2_000, progress: console.log })
          )
          assert.deepStrictEqual(outcome.faults, [], `seed ${seed}`)
          assert.strictEqual(outcome.heights.length, 10, `seed ${seed}`)
          assert.isAbove(outcome.laps, 0)
        }).pipe(Effect.scoped),
      { timeout: 900_000 }
    )
  }
})
