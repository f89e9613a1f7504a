import { assert, describe, it } from "@effect/vitest"
import { SortedTable } from "../../src/layers/SortedTable.ts"
import { UndoLog } from "../../src/layers/UndoLog.ts"
import { Rng } from "../../src/testing/world/Rng.ts"

describe("a sorted table", () => {
  it("has what a sorted map would have, whatever is written, deleted and taken back", () => {
    const random = new Rng(7, "rows")
    const log = new UndoLog()
    const table = new SortedTable<number>(log)
    let model = new Map<string, number>()
    let before = new Map(model)
    let most = 0
    for (let n = 0; n < 30_000; n++) {
      // It grows to some thousands of rows, and shrinks again.
      const key = String(random.below(6_000)).padStart(4, "0")
      if (random.below(20_000) > n) {
        table.set(key, n)
        model.set(key, n)
      } else assert.strictEqual(table.delete(key), model.delete(key))
      most = Math.max(most, table.size)
      const fate = random.below(100)
      if (fate === 0) {
        log.rollback(0)
        model = new Map(before)
      } else if (fate < 5) {
        log.clear()
        before = new Map(model)
      }
      if (n % 300 !== 0) continue
      const [from, to] = [String(random.below(6_000)).padStart(4, "0"), String(random.below(6_000)).padStart(4, "0")]
      const limit = 1 + random.below(500)
      const wanted = [...model].filter(([key]) => key >= from && key < to).sort(([a], [b]) => (a < b ? -1 : 1))
      const values = wanted.map(([, value]) => value)
      assert.deepStrictEqual(table.range(from, to, limit), values.slice(0, limit))
      assert.deepStrictEqual(table.range(from, to, limit, true), values.toReversed().slice(0, limit))
      assert.strictEqual(table.size, model.size)
    }
    assert.isAbove(most, 2_000)
    const kept = table.copy()
    const rows = [...table]
    table.clear()
    assert.deepStrictEqual([...table], [])
    kept()
    assert.deepStrictEqual([...table], rows)
  })
})
