import { assert, describe, it } from "@effect/vitest"
import * as Lading from "../../../src/protocol/credit/Lading.ts"
import type { Side } from "../../../src/protocol/credit/TallyDocument.ts"
import { type Drawn, halfOf, person, tallyId } from "../../support/credit/Halves.ts"

const crossed = (by: Side, drawn: Partial<Drawn> = {}): Lading.Crossed => ({
  by,
  half: halfOf(
    {
      id: tallyId(1),
      stock: person("ann", "a"),
      foil: person("bob", "b"),
      limits: { stock: 100n, foil: 60n },
      ...drawn
    },
    "stock"
  )
})

describe("what a way can carry", () => {
  it("is the least room of its tallies, in the direction that value takes", () => {
    assert.deepStrictEqual(Lading.of([crossed("foil")]), { room: 100n, free: 100n })
    assert.deepStrictEqual(Lading.of([crossed("foil"), crossed("stock", { net: -10n })]), { room: 50n, free: 50n })
    assert.deepStrictEqual(Lading.of([crossed("foil")], 7n), { room: 7n, free: 7n })
    assert.strictEqual(Lading.of([crossed("foil", { net: 100n }), crossed("stock")]).room, 0n)
    assert.strictEqual(Lading.of([crossed("foil", { sets: { stock: { bound: 30n } } })]).room, 30n)
  })

  it("is free as long as nobody gets away from their target", () => {
    // Ann wants to hold 40, and holds 10.
    const ann = { net: 10n, sets: { stock: { target: 40n } } }
    assert.deepStrictEqual(Lading.of([crossed("foil", ann)]), { room: 90n, free: 30n })
    assert.deepStrictEqual(Lading.of([crossed("stock", ann)]), { room: 70n, free: 0n })
    // Bob wants to hold 5, and owes 20, of which a promised lift may take 8 more.
    const bob = { net: 20n, down: 8n, sets: { foil: { target: 5n } } }
    assert.deepStrictEqual(Lading.of([crossed("stock", bob)]), { room: 72n, free: 17n })
    assert.deepStrictEqual(Lading.of([crossed("foil", bob)]), { room: 80n, free: 0n })
    // Bob holds 20 and wants to hold 5.
    assert.deepStrictEqual(Lading.of([crossed("foil", { ...bob, net: -20n })]), { room: 120n, free: 15n })
  })

  it("fits freely, beyond a target, or not at all", () => {
    const lading = Lading.of([crossed("foil", { net: 10n, sets: { stock: { target: 40n } } })])
    assert.strictEqual(Lading.fit(lading, 30n), "free")
    assert.strictEqual(Lading.fit(lading, 31n), "beyond-target")
    assert.strictEqual(Lading.fit(lading, 90n), "beyond-target")
    assert.strictEqual(Lading.fit(lading, 91n), "beyond-room")
  })
})
