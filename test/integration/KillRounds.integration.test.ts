/**
 * The promise under SIGKILL: two node processes, each with its own database, send to each other all the time and are
 * killed in turn, half the time at random moments, half at the points where a crash could lose or repeat something.
 * What counts is in the databases after both have stopped: the senders' ledgers and what plain handlers have inserted.
 */
import { assert, describe, it } from "@effect/vitest"
import { faults } from "../support/crashing/Pair.ts"
import type { Driver } from "../support/crashing/Places.ts"
import { type Outcome, run, summary } from "../support/crashing/Rounds.ts"

const rounds = 20

/** Another seed every time unless one is given: `KILL_SEED=7`. */
const seedOf = (): number => {
  const given = process.env.KILL_SEED
  return given === undefined || given === "" ? Math.floor(Math.random() * 1_000_000) : Number(given)
}

const points = [
  "delivery.numbered-before-sent",
  "delivery.handled-before-commit",
  "delivery.committed-before-receipt",
  "delivery.receipted-before-settled"
]

const check = (outcome: Outcome): void => {
  const { balances, books, kills } = outcome
  const seed = `seed ${outcome.seed}`
  assert.deepStrictEqual(faults(outcome), [], seed)
  for (const { later, refused, stale } of Object.values(balances)) {
    for (const answers of [later, stale, refused]) assert.isAbove(answers, 0, `answers, ${seed}`)
  }
  assert.isAbove(books.a.duplicates + books.b.duplicates, 0, `duplicates, ${seed}`)

  assert.strictEqual(kills.length, rounds)
  for (const kill of kills) assert.isAbove(kill.owed, 0, `nothing was owed at a kill, ${seed}`)
  const struck = kills.map(({ round }) => (round.blow._tag === "Point" ? round.blow.site : "moment"))
  assert.strictEqual(struck.filter((where) => where === "moment").length, rounds / 2)
  for (const point of points) assert.isAtLeast(struck.filter((where) => where === point).length, 2, point)
  for (const side of ["a", "b"]) assert.strictEqual(kills.filter((it) => it.round.victim === side).length, rounds / 2)
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
      const outcome = await run({ driver, seed, rounds })
      console.log(`kill rounds on ${driver}:`, JSON.stringify(summary(outcome), null, 2))
      check(outcome)
    })
  }
})
