import { assert, describe, it } from "@effect/vitest"
import type { ChitState } from "../../../src/protocol/credit/ChitState.ts"
import {
  compare,
  type Invariant,
  ofSite,
  ofWorld,
  type Site,
  type Violation
} from "../../../src/protocol/credit/Invariants.ts"
import { Proofs } from "../../../src/protocol/credit/Proofs.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import { person, tallyId } from "../../support/credit/Halves.ts"
import { HonestWorld } from "../../support/credit/HonestWorld.ts"

const quiet = (): boolean => true
const busy = (): boolean => false

/**
 * Ann at a, Bob and Bea at b, Cyd at c. Tally 1: Ann's with Bob, 2: Cyd's with Bob, 3: Bob's with Bea, both at b. Lift 1 has gone from Ann to
 * Cyd, 2 from Bea over Bob to Cyd, 3 is void, 4 is promised, unless all is to be quiet.
 */
const honest = (isQuiet = false): ReadonlyArray<Site> => {
  const world = new HonestWorld({ ann: "a", bob: "b", bea: "b", cyd: "c" })
  world.open(1, "ann", "bob")
  world.open(2, "cyd", "bob")
  world.open(3, "bob", "bea")
  world.pledge(1, "foil", 500n)
  world.pledge(1, "stock", 70n)
  world.set(1, "stock", { bound: 900n })
  world.pledge(2, "foil", 40n)
  world.pledge(3, "stock", 5n)
  world.lift(
    1,
    [
      [1, "stock"],
      [2, "foil"]
    ],
    30n,
    "good"
  )
  world.lift(
    2,
    [
      [3, "foil"],
      [2, "foil"]
    ],
    7n,
    "good"
  )
  world.lift(
    3,
    [
      [1, "stock"],
      [2, "foil"]
    ],
    9n,
    "void"
  )
  if (!isQuiet)
    world.lift(
      4,
      [
        [1, "stock"],
        [2, "foil"]
      ],
      11n,
      "promised"
    )
  return world.sites()
}

const [a, b, c] = ["a", "b", "c"].map((name) => person("x", name).agent)
type Change<Row> = (row: Row) => Row | ReadonlyArray<Row>

/** The world but for one node's halves or chits. */
const but = <Key extends "halves" | "chits" | "lifts">(
  sites: ReadonlyArray<Site>,
  agent: string | undefined,
  key: Key,
  change: Change<Site[Key][number]>
): ReadonlyArray<Site> =>
  sites.map((site) => {
    const rows: ReadonlyArray<Site[Key][number]> = site[key]
    return site.agent === agent ? { ...site, [key]: rows.flatMap(change) } : site
  })

const onHalf =
  (n: number, holder: string, change: (half: TallyHalf) => Partial<TallyHalf>): Change<TallyHalf> =>
  (half) =>
    half.id === tallyId(n) && half.holder === holder ? { ...half, ...change(half) } : half
const onChit =
  (fits: (chit: ChitState) => boolean, change: (chit: ChitState) => Partial<ChitState>): Change<ChitState> =>
  (chit) =>
    fits(chit) ? { ...chit, ...change(chit) } : chit

const isLift =
  (n: number, status?: string) =>
  ({ core, status: now }: ChitState): boolean =>
    core.type === "lift" && core.lift.endsWith(String(n)) && (status === undefined || now === status)
const isPledge =
  (n: number, units: bigint) =>
  ({ core }: ChitState): boolean =>
    core.type === "tran" && core.tally === tallyId(n) && core.units === units

const named = (all: ReadonlyArray<Violation>): ReadonlyArray<Invariant> =>
  [...new Set(all.map(({ invariant }) => invariant))].sort()
const inWorld = (sites: ReadonlyArray<Site>, isQuiet = quiet): ReadonlyArray<Invariant> =>
  named(ofWorld(sites, isQuiet))
const atSite = (sites: ReadonlyArray<Site>, agent: string | undefined): ReadonlyArray<Invariant> =>
  named(ofSite(sites.find((site) => site.agent === agent)!))

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

describe("each invariant is missed where it does not hold", () => {
  it("I1: the ends of a quiet tally have different balances, or one end is missing", () => {
    const sites = honest(true)
    const other = but(
      sites,
      a,
      "halves",
      onHalf(1, "ann", ({ sums }) => ({ sums: { ...sums, net: sums.net + 1n } }))
    )
    assert.include(inWorld(other), "I1")
    assert.notInclude(inWorld(other, busy), "I1")
    const lone = but(sites, a, "halves", () => [])
    assert.include(inWorld(lone), "I1")
  })

  it("I2: balances that do not make zero", () => {
    const sites = honest(true)
    const more = but(
      sites,
      c,
      "halves",
      onHalf(2, "cyd", ({ sums }) => ({ sums: { ...sums, net: sums.net + 1n } }))
    )
    assert.include(inWorld(more), "I2")
    assert.notInclude(inWorld(more, busy), "I2")
    const held = but(
      sites,
      c,
      "halves",
      onHalf(2, "cyd", ({ sums }) => ({ sums: { ...sums, up: 1n } }))
    )
    assert.include(inWorld(held), "I2")
  })

  it("I3: sums that are not what the chits make, or chits on no tally", () => {
    const sites = honest()
    for (const sums of [{ net: 1n }, { up: 1n }, { down: 0n }]) {
      const wrong = but(
        sites,
        a,
        "halves",
        onHalf(1, "ann", (half) => ({ sums: { ...half.sums, ...sums } }))
      )
      assert.deepStrictEqual(atSite(wrong, a), ["I3"])
    }
    assert.include(
      atSite(
        but(sites, a, "halves", () => []),
        a
      ),
      "I3"
    )
  })

  it("I4: a good chit whose issuer has not signed it, or of a lift without its verdict", () => {
    const sites = honest()
    const signs = new Map(sites.flatMap(({ chits }) => chits).map((chit) => [chit.core.uuid, chit.sign]))
    const foreign = [...signs.values()].find((sign) => sign !== undefined)!
    const unsigned = but(
      sites,
      b,
      "chits",
      onChit(isPledge(2, 40n), () => ({ sign: foreign }))
    )
    assert.include(atSite(unsigned, b), "I4")
    // The chain covers the signature.
    assert.include(atSite(unsigned, b), "I6")
    const { record } = sites.flatMap(({ chits }) => chits).find(isLift(2, "good"))!
    const wrong: ReadonlyArray<Partial<ChitState>> = [{ record: record! }, { record: { ...record!, verdict: "void" } }]
    for (const changed of wrong)
      assert.deepStrictEqual(
        atSite(
          but(
            sites,
            a,
            "chits",
            onChit(isLift(1), () => changed)
          ),
          a
        ).filter((one) => one !== "I10"),
        ["I4"]
      )
    const forged = but(
      sites,
      a,
      "chits",
      onChit(isLift(1), ({ record }) => ({ record: { ...record!, promises: [] } }))
    )
    assert.deepStrictEqual(atSite(forged, a), ["I4"])
    assert.deepStrictEqual(
      atSite(
        but(sites, a, "chits", (chit) => {
          const { record: _, ...rest } = chit
          return isLift(1)(chit) ? rest : chit
        }),
        a
      ),
      ["I4"]
    )
  })

  it("I5: one id twice, or with two contents", () => {
    const sites = honest()
    const twice = but(sites, a, "chits", (chit) => (isPledge(1, 70n)(chit) ? [chit, chit] : chit))
    assert.include(atSite(twice, a), "I5")
    const halved = but(sites, a, "halves", (half) => [half, half])
    assert.include(atSite(halved, a), "I5")
    const other = but(
      sites,
      c,
      "chits",
      onChit(isPledge(2, 40n), ({ core }) => ({ core: { ...core, date: 2 } }))
    )
    assert.include(inWorld(other, busy), "I5")
  })

  it("I6: places that are missing, taken twice, or hold something else, and ends with different orders", () => {
    const sites = honest()
    const chits = onChit(isPledge(1, 70n), () => ({ index: 1 }))
    assert.deepStrictEqual(atSite(but(sites, a, "chits", chits), a), ["I6"])
    const hash = honest()[2]!.chits[0]!.hash!
    assert.deepStrictEqual(
      atSite(
        but(
          sites,
          a,
          "chits",
          onChit(isPledge(1, 70n), () => ({ hash }))
        ),
        a
      ),
      ["I6"]
    )
    assert.include(
      inWorld(
        but(
          sites,
          a,
          "chits",
          onChit(isPledge(1, 70n), () => ({ hash }))
        ),
        busy
      ),
      "I6"
    )
    const chain = (changed: Partial<NonNullable<TallyHalf["chain"]>>) =>
      but(
        sites,
        b,
        "halves",
        onHalf(1, "bob", (half) => ({ chain: { ...half.chain!, ...changed } }))
      )
    assert.deepStrictEqual(atSite(chain({ at: { index: 4, hash } }), b), ["I6"])
    assert.deepStrictEqual(atSite(chain({ at: { index: 3, hash } }), b), ["I6"])
    assert.deepStrictEqual(atSite(chain({ agreed: 5 }), b), ["I6"])
    const asked = but(
      sites,
      a,
      "chits",
      onChit(isLift(4), () => ({ index: 5 }))
    )
    assert.deepStrictEqual(atSite(asked, a), ["I6"])
  })

  it("I7: a chit that is good at one end of a quiet tally alone, or that nobody will propose any more", () => {
    const sites = honest(true)
    const lost = but(sites, c, "chits", (chit) => (isPledge(2, 40n)(chit) ? [] : chit))
    assert.include(inWorld(lost), "I7")
    assert.notInclude(inWorld(lost, busy), "I7")
    const forgotten = but(sites, a, "chits", (chit) => {
      const { hash: _hash, index: _index, ...rest } = chit
      return isPledge(1, 70n)(chit) ? rest : chit
    })
    assert.include(atSite(forgotten, a), "I7")
  })

  it("I8: a lift that is good here and not there", () => {
    const sites = honest()
    const isGood = isLift(1)
    assert.include(
      atSite(
        but(
          sites,
          b,
          "chits",
          onChit(
            (chit) => isGood(chit) && chit.core.tally === tallyId(2),
            () => ({ status: "void" })
          )
        ),
        b
      ),
      "I8"
    )
    assert.include(
      atSite(
        but(sites, b, "chits", (chit) => (isGood(chit) && chit.core.tally === tallyId(2) ? [] : chit)),
        b
      ),
      "I8"
    )
    assert.include(
      inWorld(
        but(
          sites,
          c,
          "chits",
          onChit(isGood, () => ({ status: "void" }))
        ),
        busy
      ),
      "I8"
    )
    assert.include(
      atSite(
        but(sites, a, "chits", (chit) => (isLift(4)(chit) ? [] : chit)),
        a
      ),
      "I8"
    )
    assert.include(
      atSite(
        but(sites, a, "lifts", (lift) => (lift.status === "promised" ? [] : lift)),
        a
      ),
      "I8"
    )
    const settled = honest(true)
    const gone = but(
      but(settled, c, "chits", (chit) => (isGood(chit) ? [] : chit)),
      c,
      "lifts",
      (lift) => (lift.plan.units === 30n ? [] : lift)
    )
    assert.include(inWorld(gone), "I8")
    assert.notInclude(named(ofWorld(gone, busy)), "I8")
  })

  it("I9: a lift that leaves a user on its way with more or less than before", () => {
    const sites = honest()
    const most = but(
      sites,
      b,
      "chits",
      onChit(
        (chit) => isLift(1)(chit) && chit.core.tally === tallyId(2),
        ({ core }) => ({ core: core.type === "lift" ? { ...core, units: 29n } : core })
      )
    )
    assert.include(atSite(most, b), "I9")
    const swapped = but(sites, a, "lifts", (lift) =>
      lift.plan.units === 30n ? { ...lift, plan: { ...lift.plan, payor: lift.plan.payee } } : lift
    )
    assert.include(atSite(swapped, a), "I9")
  })

  it("I10: a lift that is over without a verdict, against it, or with two", () => {
    const sites = honest()
    const lifts = (units: bigint, change: (lift: Site["lifts"][number]) => Partial<Site["lifts"][number]>) =>
      but(sites, a, "lifts", (lift) => (lift.plan.units === units ? { ...lift, ...change(lift) } : lift))
    const { record } = sites[0]!.lifts.find(({ plan }) => plan.units === 9n)!
    assert.include(
      atSite(
        lifts(9n, () => ({ record: undefined })),
        a
      ),
      "I10"
    )
    assert.include(
      atSite(
        lifts(30n, () => ({ record })),
        a
      ),
      "I10"
    )
    assert.include(
      atSite(
        lifts(11n, () => ({ record })),
        a
      ),
      "I10"
    )
    assert.include(
      atSite(
        lifts(9n, ({ record }) => ({ record: { ...record!, votes: [] } })),
        a
      ),
      "I10"
    )
    assert.include(
      atSite(
        but(sites, a, "lifts", (lift) => [lift, lift]),
        a
      ),
      "I10"
    )
    const world = new HonestWorld({ ann: "a", bob: "b", bea: "b", cyd: "c" })
    const both = lifts(30n, ({ plan }) => ({ status: "void", record: world.record(plan, "void") }))
    assert.include(inWorld(both, busy), "I10")
    const voided = but(sites, a, "lifts", (lift) =>
      lift.status === "promised" ? { ...lift, status: "refused" } : lift
    )
    assert.deepStrictEqual(named(compare(sites, voided)), ["I10"])
  })

  it("I11: more pledged, or promised, than was granted", () => {
    const over = (isPromised: boolean): ReadonlyArray<Site> => {
      const world = new HonestWorld({ ann: "a", bob: "b" })
      world.open(1, "ann", "bob", 100n)
      world.pledge(1, "foil", 60n)
      if (isPromised) world.lift(1, [[1, "foil"]], 41n, "promised")
      else world.pledge(1, "foil", 41n)
      return world.sites()
    }
    for (const sites of [over(true), over(false)]) {
      assert.deepStrictEqual(atSite(sites, b), ["I11"])
      // Bob's node is the one that has to refuse it.
      assert.deepStrictEqual(atSite(sites, a), [])
    }
    const world = new HonestWorld({ ann: "a", bob: "b" })
    world.open(1, "ann", "bob", 100n)
    world.pledge(1, "stock", 100n)
    assert.deepStrictEqual(ofWorld(world.sites(), quiet), [])
    world.pledge(1, "stock", 1n)
    assert.deepStrictEqual(inWorld(world.sites()), ["I11"])
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

  it("I15: a tally in somebody else's name, that was not signed, or whose order is not foil's", () => {
    const sites = honest()
    const changed = (change: (half: TallyHalf) => Partial<TallyHalf>): ReadonlyArray<Invariant> =>
      atSite(but(sites, a, "halves", onHalf(1, "ann", change)), a)
    assert.deepStrictEqual(
      changed(({ partner }) => ({ partner: { ...partner!, agent: c! } })),
      ["I15"]
    )
    assert.deepStrictEqual(
      changed(({ signs }) => ({ signs: { stock: signs.stock!, foil: signs.stock! } })),
      ["I15"]
    )
    assert.deepStrictEqual(
      changed(({ document }) => ({ document: { ...document!, uuid: tallyId(9) } })),
      ["I15", "I6"]
    )
    assert.deepStrictEqual(
      changed(({ chain }) => ({ chain: { ...chain!, head: { ...chain!.head!, index: 1 } } })),
      ["I15"]
    )
    const elsewhere = sites.map((site) => (site.agent === a ? { ...site, agent: person("x", "d").agent } : site))
    assert.include(inWorld(elsewhere, busy), "I15")
    const sides = but(
      sites,
      a,
      "halves",
      onHalf(1, "ann", () => ({ side: "foil" }))
    )
    assert.include(inWorld(sides, busy), "I15")
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
