/** What becomes of a closed tally on which a party writes whose database was restored to before it was closed (S27). */
import { assert, describe, it } from "@effect/vitest"
import { other, type Side } from "../../../src/protocol/credit/TallyDocument.ts"
import { pledge, setting } from "../../support/credit/Parties.ts"
import { TallyPair } from "../../support/credit/TallyPair.ts"

/** A pair that has closed, but that this side has forgotten all since the tally was opened. */
const forgotten = (side: Side, closes: Side): TallyPair => {
  const pair = new TallyPair()
  const backup = pair.site(side).snapshot()
  pair.foil.becomes(pledge("foil", 1, 70n))
  pair.settle()
  pair.stock.becomes(pledge("stock", 2, 70n))
  pair.site(closes).becomes(setting(closes, 3, { close: true }))
  pair.settle()
  assert.deepStrictEqual([pair.stock.half.status, pair.foil.half.status], ["closed", "closed"])
  pair.site(side).restore(backup)
  return pair
}

const statuses = ({ foil, stock }: TallyPair) => [stock.half.status, foil.half.status]
const isOne = (pair: TallyPair): void => assert.deepStrictEqual(pair.differences(), [])

describe("a closed tally that one side has forgotten to be closed", () => {
  for (const side of ["stock", "foil"] as const)
    for (const closes of ["stock", "foil"] as const) {
      it(`is closed again where ${side} has written nothing since, and ${closes} had wanted it`, () => {
        const pair = forgotten(side, closes)
        pair.settle()
        isOne(pair)
        assert.deepStrictEqual(statuses(pair), ["closed", "closed"])
      })

      it(`takes over what ${side} has set since, and is closed again, as ${closes} had wanted`, () => {
        const pair = forgotten(side, closes)
        pair.site(side).becomes(setting(side, 4, { target: 5n }))
        pair.settle()
        isOne(pair)
        assert.deepStrictEqual(statuses(pair), ["closed", "closed"])
        assert.strictEqual(pair.site(other(side)).half.sets[side].target, 5n)
      })

      it(`is open again by what ${side} has pledged since, until that is settled, as ${closes} had wanted`, () => {
        const pair = forgotten(side, closes)
        pair.site(side).becomes(pledge(side, 4, 9n))
        pair.settle()
        isOne(pair)
        assert.deepStrictEqual(statuses(pair), ["open", "open"])
        assert.include(pair.site(other(side)).told, "tally.reopened")
        pair.site(other(side)).becomes(pledge(other(side), 5, 9n))
        pair.settle()
        isOne(pair)
        assert.deepStrictEqual(statuses(pair), ["closed", "closed"])
      })
    }
})
