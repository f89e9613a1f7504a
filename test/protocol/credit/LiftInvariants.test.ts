import { assert, describe, it } from "@effect/vitest"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import { compare, ofWorld, type Site } from "../../../src/protocol/credit/Invariants.ts"
import { tallyId } from "../../support/credit/Halves.ts"
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
  named,
  onChit
} from "../../support/credit/PlantedWorld.ts"

describe("each invariant of lifts is missed where it does not hold", () => {
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
      lift.plan.units === 30n
        ? { ...lift, plan: { ...lift.plan, payor: { ...lift.plan.payor, cuid: Cuid.make("nobody") } } }
        : lift
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
})
