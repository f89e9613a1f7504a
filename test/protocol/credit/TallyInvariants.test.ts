import { assert, describe, it } from "@effect/vitest"
import type { ChitState } from "../../../src/protocol/credit/ChitState.ts"
import { type Invariant, ofWorld, type Site } from "../../../src/protocol/credit/Invariants.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import { person, tallyId } from "../../support/credit/Halves.ts"
import { HonestWorld } from "../../support/credit/HonestWorld.ts"
import {
  a,
  atSite,
  b,
  busy,
  but,
  c,
  honest,
  inWorld,
  isLift,
  isPledge,
  onChit,
  onHalf,
  quiet
} from "../../support/credit/PlantedWorld.ts"

describe("each invariant of tallies is missed where it does not hold", () => {
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
    // What stock has signed under an id that foil has given to something else, until it hears of that.
    const crossed = but(sites, a, "chits", (chit) => {
      if (!isPledge(1, 70n)(chit)) return chit
      const { hash: _hash, index: _index, ...unplaced } = chit
      return { ...unplaced, core: { ...chit.core, date: 2 } }
    })
    assert.notInclude(inWorld(crossed, busy), "I5")
    assert.include(inWorld(crossed), "I5")
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

  it("I7: the chit of a lift that foil pledges is proposed by stock as well, while it has no place there", () => {
    const sites = honest(true)
    const prior = sites.find(({ agent }) => agent === c)!.chits.find(isLift(1))!
    const chits = but(sites, c, "chits", (chit) => {
      const { hash: _hash, index: _index, ...rest } = chit
      return isLift(2)(chit) ? rest : chit
    })
    const waiting = (unplaced: number) =>
      but(
        chits,
        c,
        "halves",
        onHalf(2, "cyd", ({ chain }) => {
          const { head: _head, ...rest } = chain!
          const at = { index: prior.index!, hash: prior.hash! }
          return { chain: { ...rest, at, told: at.index, agreed: at.index, unplaced } }
        })
      )
    assert.deepStrictEqual(atSite(waiting(1), c), [])
    assert.deepStrictEqual(atSite(waiting(0), c), ["I7"])
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
