import { assert, describe, it } from "@effect/vitest"
import { each, plan, type Round, type Victim, victims } from "./Strikes.ts"

const nameOf = ({ blow, victim }: Round): string =>
  `${victim} ${blow._tag === "Moment" ? "moment" : `${blow.site} ${blow.having ?? ""}`.trim()}`

const ofVictim = (rounds: ReadonlyArray<Round>, victim: Victim) => rounds.filter((round) => round.victim === victim)

describe.each(Object.entries(victims))("the plan of kill rounds on %s", (_, all) => {
  it("strikes everybody as often, half of the times at points, on both sides", () => {
    for (const seed of [1, 2, 3, 4]) {
      const rounds = plan(seed, all.length * 24, all)
      for (const victim of all) {
        const mine = ofVictim(rounds, victim)
        assert.strictEqual(mine.length, 24)
        for (const side of ["a", "b"]) {
          const here = mine.filter((round) => round.side === side)
          assert.strictEqual(here.length, 12)
          assert.strictEqual(here.filter(({ blow }) => blow._tag === "Moment").length, 6)
        }
      }
    }
  })

  it("visits every point with every answer that a round of each kind may choose from, on both sides", () => {
    const seen = new Set(plan(7, all.length * 48, all).map((round) => `${round.side} ${nameOf(round)}`))
    for (let seed = 0; seed < 50; seed++) {
      for (const round of each(seed, all)) assert.isTrue(seen.has(`${round.side} ${nameOf(round)}`), nameOf(round))
    }
  })

  it("is the same for the same seed", () => {
    assert.deepStrictEqual(plan(11, 60, all), plan(11, 60, all))
    assert.notDeepEqual(plan(11, 60, all), plan(12, 60, all))
    assert.deepStrictEqual(each(11, all), each(11, all))
  })

  it("has one round of each kind: every victim at a moment and at each of its sites", () => {
    const rounds = each(3, all)
    for (const victim of all) {
      const mine = ofVictim(rounds, victim)
      const sites = mine.flatMap(({ blow }) => (blow._tag === "Point" ? [blow.site] : []))
      assert.strictEqual(mine.length, sites.length + 1)
      assert.isAbove(sites.length, 0)
      assert.strictEqual(new Set(sites).size, sites.length)
    }
  })
})
