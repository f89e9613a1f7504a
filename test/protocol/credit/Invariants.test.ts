import { assert, describe, it } from "@effect/vitest"
import { compare, ofSite, ofWorld, type Site } from "../../../src/protocol/credit/Invariants.ts"
import { Proofs } from "../../../src/protocol/credit/Proofs.ts"
import { HonestWorld } from "../../support/credit/HonestWorld.ts"
import { a, busy, but, honest, inWorld, isLift, named, onHalf, quiet } from "../../support/credit/PlantedWorld.ts"

describe("an honest world", () => {
  it("has nothing against it, quiet or not, as a whole, at each node, or from one moment to the next", () => {
    for (const sites of [honest(), honest(true)]) {
      assert.deepStrictEqual(ofWorld(sites, quiet), [])
      assert.deepStrictEqual(ofWorld(sites, busy), [])
      for (const site of sites) assert.deepStrictEqual(ofSite(site), [])
      assert.deepStrictEqual(compare(sites, sites), [])
    }
    assert.deepStrictEqual(compare([], honest()), [])
  })

  it("may have a chit at one end alone while the tally is not quiet", () => {
    const sites = honest(true)
    const late = but(sites, a, "chits", (chit) => (isLift(1)(chit) ? [] : chit))
    const half = sites.find(({ agent }) => agent === a)!.chits.filter(({ index }) => index === 3)[0]!
    const world = but(
      but(late, a, "lifts", (lift) =>
        lift.status === "good" ? { ...lift, status: "promised", record: undefined } : lift
      ),
      a,
      "halves",
      onHalf(1, "ann", ({ chain, sums }) => ({
        sums: { ...sums, net: sums.net + 30n },
        chain: { ...chain!, at: { index: 3, hash: half.hash! }, told: 3, agreed: 3 }
      }))
    )
    // Ann has promised, and her node does not hold the chit for it.
    assert.deepStrictEqual(named(ofWorld(world, busy)), ["I8"])
    assert.include(inWorld(world), "I1")
  })
})

/** Counts what takes long. */
class Counting extends Proofs {
  hashes = 0
  signatures = 0
  override next(...args: Parameters<Proofs["next"]>): ReturnType<Proofs["next"]> {
    this.hashes++
    return super.next(...args)
  }
  override isChitSigned(...args: Parameters<Proofs["isChitSigned"]>): boolean {
    this.signatures++
    return super.isChitSigned(...args)
  }
}

describe("what a check costs", () => {
  const grown = (chits: number): ReadonlyArray<Site> => {
    const world = new HonestWorld({ ann: "a", bob: "b" })
    world.open(1, "ann", "bob")
    for (let n = 0; n < chits; n++) world.pledge(1, n % 2 === 0 ? "foil" : "stock", 5n)
    return world.sites()
  }

  it("is one hash and one signature for each chit at each end, however long the chain", () => {
    for (const chits of [50, 200]) {
      const proofs = new Counting()
      assert.deepStrictEqual(ofWorld(grown(chits), quiet, proofs), [])
      assert.deepStrictEqual([proofs.hashes, proofs.signatures], [2 * chits, 2 * chits])
    }
  })

  it("is less with proofs that are kept, which notice what has changed all the same", () => {
    const proofs = new Proofs()
    const sites = grown(4)
    for (let i = 0; i < 2; i++) assert.deepStrictEqual(ofWorld(sites, quiet, proofs), [])
    const sign = sites[0]!.chits[0]!.sign!
    const forged = but(sites, a, "chits", (chit) => (chit.index === 2 ? { ...chit, sign } : chit))
    assert.deepStrictEqual(named(ofWorld(forged, quiet, proofs)), ["I4", "I6"])
    const first = but(sites, a, "chits", (chit) =>
      chit.index === 1 ? { ...chit, hash: sites[0]!.chits[1]!.hash! } : chit
    )
    assert.deepStrictEqual(named(ofWorld(first, quiet, proofs)), ["I6"])
  })

  it("leaves signatures out where that is asked for, and nothing else", () => {
    const proofs = new Proofs({ signatures: false })
    const sites = grown(4)
    const sign = sites[0]!.chits[0]!.sign!
    const forged = but(sites, a, "chits", (chit) => (chit.index === 4 ? { ...chit, sign } : chit))
    assert.deepStrictEqual(named(ofWorld(forged, quiet, proofs)), ["I6"])
  })
})
