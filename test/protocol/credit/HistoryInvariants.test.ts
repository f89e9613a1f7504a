import { assert, describe, it } from "@effect/vitest"
import type { ChitState } from "../../../src/protocol/credit/ChitState.ts"
import { ofHistory } from "../../../src/protocol/credit/HistoryInvariants.ts"
import { compare, type Invariant, type Site } from "../../../src/protocol/credit/Invariants.ts"
import { Proofs } from "../../../src/protocol/credit/Proofs.ts"
import type { Side } from "../../../src/protocol/credit/TallyDocument.ts"
import { violations } from "../../../src/protocol/credit/Snapshot.ts"
import { tallyId } from "../../support/credit/Halves.ts"
import { a, b, but, honest, isLift, isPledge, named, onChit, onHalf } from "../../support/credit/PlantedWorld.ts"

/** Chits of Ann's that have no place yet, and what has become of one of them since. */
const since = (change: (chit: ChitState) => ChitState): readonly [before: Site, after: Site] => {
  const [site] = honest()
  if (site === undefined) throw new Error("there is no site")
  const chits = site.chits.map(({ hash: _hash, index: _index, ...chit }): ChitState => chit)
  return [
    { ...site, chits },
    { ...site, chits: chits.map((chit) => (isPledge(1, 70n)(chit) ? change(chit) : chit)) }
  ]
}

describe("what must not have changed", () => {
  it("I12: what stock has signed is taken back, or gives way, where foil has given its id to something else alone", () => {
    const found = (change: (chit: ChitState) => ChitState, isTaken: (chit: ChitState) => boolean) =>
      named(violations((expect) => ofHistory(...since(change), new Proofs(), expect, isTaken)))
    const changes: ReadonlyArray<(chit: ChitState) => ChitState> = [
      (chit) => ({ ...chit, status: "void" }),
      (chit) => ({ ...chit, core: { ...chit.core, date: 2 }, index: 9 })
    ]
    for (const change of changes) {
      assert.deepStrictEqual(found(change, isPledge(1, 70n)), [])
      assert.deepStrictEqual(
        found(change, () => false),
        ["I12"]
      )
    }
  })

  it("I12: a wish to close is gone at foil alone, and only while that gives its chit another place", () => {
    const found = (side: Side, unplaced: number): ReadonlyArray<Invariant> => {
      const site = honest().find(({ halves }) => halves.some((half) => half.side === side && half.status === "open"))
      const half = site?.halves.find((one) => one.side === side && one.status === "open")
      if (site === undefined || half?.chain === undefined) throw new Error("there is no such half")
      const closing = { ...half, sets: { ...half.sets, stock: { ...half.sets.stock, close: true as const } } }
      const ordering = { ...half, chain: { ...half.chain, unplaced } }
      return named(compare([{ ...site, halves: [closing] }], [{ ...site, halves: [ordering] }]))
    }
    assert.deepStrictEqual(found("foil", 1), [])
    assert.deepStrictEqual(found("foil", 0), ["I12"])
    assert.deepStrictEqual(found("stock", 1), ["I12"])
  })

  it("I12: something final that has changed", () => {
    const sites = honest()
    const after = (changed: ReadonlyArray<Site>): ReadonlyArray<Invariant> => named(compare(sites, changed))
    assert.deepStrictEqual(
      after(
        but(
          sites,
          a,
          "halves",
          onHalf(1, "ann", () => ({ status: "void" }))
        )
      ),
      ["I12"]
    )
    assert.deepStrictEqual(
      after(
        but(
          sites,
          a,
          "halves",
          onHalf(1, "ann", () => ({ status: "closed" }))
        )
      ),
      []
    )
    assert.deepStrictEqual(after(but(sites, a, "halves", () => [])), ["I12"])
    assert.deepStrictEqual(
      after(
        but(
          sites,
          b,
          "chits",
          onChit(isPledge(2, 40n), () => ({ status: "void" }))
        )
      ),
      ["I12"]
    )
    assert.deepStrictEqual(
      after(
        but(
          sites,
          b,
          "chits",
          onChit(isPledge(2, 40n), ({ core }) => ({ core: { ...core, date: 2 } }))
        )
      ),
      ["I12"]
    )
    assert.deepStrictEqual(
      after(
        but(
          sites,
          b,
          "chits",
          onChit(isLift(3), () => ({ status: "good" }))
        )
      ),
      ["I12"]
    )
    assert.deepStrictEqual(after(but(sites, b, "lifts", () => [])), ["I10", "I12"])
    const closed = but(
      sites,
      a,
      "halves",
      onHalf(1, "ann", () => ({ status: "closed", sets: { stock: { close: true }, foil: {} } }))
    )
    assert.deepStrictEqual(named(compare(closed, sites)), ["I12"])
    assert.lengthOf(compare(closed, sites), 2)
  })

  it("I6 as well: a chit that has moved though both had agreed on its place", () => {
    const sites = honest()
    const moved = (agreed: number) => {
      const before = but(
        sites,
        b,
        "halves",
        onHalf(1, "bob", ({ chain }) => ({ chain: { ...chain!, agreed } }))
      )
      return named(
        compare(
          before,
          but(
            before,
            b,
            "chits",
            onChit(
              (chit) => chit.core.tally === tallyId(1) && chit.index === 2,
              () => ({ index: 9 })
            )
          )
        )
      )
    }
    assert.deepStrictEqual(moved(2), ["I6"])
    assert.deepStrictEqual(moved(1), [])
  })
})
