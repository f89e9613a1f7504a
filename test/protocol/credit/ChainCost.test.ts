import { assert, describe, it } from "@effect/vitest"
import { pledge } from "../../support/credit/Parties.ts"
import { grown } from "../../support/credit/GrownPair.ts"
import type { TallyPair } from "../../support/credit/TallyPair.ts"

/** Chits that both halves read and write for something. */
const rows = (pair: TallyPair, does: () => void): number => {
  const before = pair.stock.rows + pair.foil.rows
  does()
  pair.run()
  return pair.stock.rows + pair.foil.rows - before
}

/** What each thing costs behind a chain of this length. */
const costs = (length: number) => {
  const pair = grown(length)
  const foils = rows(pair, () => void pair.foil.becomes(pledge("foil", 1)))
  const stocks = rows(pair, () => void pair.stock.becomes(pledge("stock", 2)))
  const repair = rows(pair, () => {
    pair.stock.repair()
    pair.foil.repair()
  })
  const restored = { stock: pair.stock.snapshot(), foil: pair.foil.snapshot() }
  const ten = rows(pair, () => {
    for (let n = 10; n < 20; n++) pair.foil.becomes(pledge("foil", n))
  })
  pair.foil.restore(restored.foil)
  const foilBack = rows(pair, () => pair.stock.repair())
  assert.deepStrictEqual(pair.differences(), [])
  pair.stock.restore(restored.stock)
  const stockBack = rows(pair, () => pair.stock.repair())
  assert.deepStrictEqual(pair.differences(), [])
  return { foils, stocks, repair, ten, foilBack, stockBack }
}

describe("the work for a chit", () => {
  it("is the same behind 100, 1,000 and 10,000 chits", () => {
    const [short, middle, long] = [costs(100), costs(1_000), costs(10_000)]
    const { foilBack, ...others } = long
    for (const { foilBack: back, ...rest } of [short, middle]) {
      assert.deepStrictEqual(rest, others)
      // The places that stock names become one more where the chain becomes twice as long; both sides read each.
      assert.isBelow(foilBack - back, 2 * 8)
    }
    assert.isAtMost(long.foils, 10)
    assert.isAtMost(long.stocks, 12)
    assert.isAtMost(long.repair, 10)
    assert.isAtMost(long.ten, 100)
    assert.isAtMost(foilBack, 200)
  })
})
