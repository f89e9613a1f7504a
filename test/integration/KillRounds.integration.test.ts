/**
 * The promise under SIGKILL: two nodes, each with its own database, send to each other all the time; their processes and
 * PostgreSQL servers are killed in turn, and the second process of a node too, at random moments and at the points where a crash could lose or repeat
 * something. One round of each kind; `npm run test:soak` runs hundreds.
 *
 * What counts is in the databases after both have stopped: the senders' ledgers and what plain handlers have inserted.
 */
import { assert, describe, it } from "@effect/vitest"
import { faults } from "../support/crashing/Pair.ts"
import type { Driver } from "../support/crashing/Places.ts"
import { type Outcome, run, summary } from "../support/crashing/Rounds.ts"
import { describe as nameOf, each, victims } from "../support/crashing/Strikes.ts"

/** Another seed every time unless one is given: `KILL_SEED=7`. */
const seedOf = (): number => {
  const given = process.env.KILL_SEED
  return given === undefined || given === "" ? Math.floor(Math.random() * 1_000_000) : Number(given)
}

const check = (outcome: Outcome): void => {
  const { balances, books, kills } = outcome
  const seed = `seed ${outcome.seed}`
  assert.deepStrictEqual(faults(outcome), [], seed)
  for (const { later, refused, stale } of Object.values(balances)) {
    for (const answers of [later, stale, refused]) assert.isAbove(answers, 0, `answers, ${seed}`)
  }
  assert.isAbove(books.a.duplicates + books.b.duplicates, 0, `duplicates, ${seed}`)
  for (const kill of kills) assert.isAbove(kill.owed, 0, `nothing was owed at a kill: ${nameOf(kill.round)}, ${seed}`)
}

describe.concurrent("two nodes that are killed under load", () => {
  const drivers: ReadonlyArray<readonly [string, Driver]> = [
    ["each on its own PostgreSQL server", "postgres"],
    ["each on PGlite in its data folder", "pglite"]
  ]
  for (const [where, driver] of drivers) {
    it(`lose nothing and repeat nothing, ${where}`, { timeout: 1_800_000 }, async () => {
      const seed = seedOf()
      console.log(`kill rounds on ${driver}: KILL_SEED=${seed}`)
      const rounds = each(seed, victims[driver])
      const outcome = await run({ driver, seed, rounds, progress: console.log })
      console.log(`kill rounds on ${driver}:`, JSON.stringify(summary(outcome), null, 2))
      assert.strictEqual(outcome.kills.length, rounds.length)
      check(outcome)
    })
  }
})
