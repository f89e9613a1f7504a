import { assert, describe, it } from "@effect/vitest"
import { type Kind, owed, room } from "../../../src/protocol/credit/Capacity.ts"
import { isClosing } from "../../../src/protocol/credit/Closing.ts"
import type { Side } from "../../../src/protocol/credit/TallyDocument.ts"
import { other } from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import * as Units from "../../../src/protocol/credit/Units.ts"
import { type Drawn, halfOf, person, tallyId } from "../../support/credit/Halves.ts"
import { seeded } from "../../support/Malformed.ts"

const parties = { id: tallyId(1), stock: person("ann", "a"), foil: person("bob", "b") }
const draw = (drawn: Partial<Drawn>, side: Side = "foil"): TallyHalf =>
  halfOf({ ...parties, limits: { stock: 100n, foil: 40n }, ...drawn }, side)
const both = (half: TallyHalf, kind: Kind = "pledge"): ReadonlyArray<bigint> => [
  room(half, "foil", kind),
  room(half, "stock", kind)
]

/** A half whose parties want this or that; the balance may be beyond a bound, never beyond a limit. */
const randomHalf = (random: () => number): TallyHalf => {
  const some = (most: number): bigint => BigInt(Math.floor(random() * (most + 1)))
  const limits = { stock: some(100), foil: some(100) }
  const net = some(Number(limits.stock + limits.foil)) - limits.foil
  const settings = () => ({
    ...(random() < 0.4 && { bound: some(120) }),
    ...(random() < 0.3 && { target: some(120) }),
    ...(random() < 0.2 && { close: true as const })
  })
  const up = random() < 0.5 ? 0n : some(Number(limits.stock - net))
  const down = random() < 0.5 ? 0n : some(Number(net + limits.foil))
  return draw(
    { limits, net, up, down, sets: { stock: settings(), foil: settings() } },
    random() < 0.5 ? "stock" : "foil"
  )
}

/** The half once so much has become good. */
const pledged = (half: TallyHalf, by: Side, units: bigint): TallyHalf => ({
  ...half,
  sums: { ...half.sums, net: half.sums.net + (by === "foil" ? units : -units) }
})
const promised = (half: TallyHalf, by: Side, units: bigint): TallyHalf => {
  const { down, net, up } = half.sums
  return { ...half, sums: by === "foil" ? { net, up: up + units, down } : { net, up, down: down + units } }
}

describe("the room on a tally", () => {
  it("is what the other side has granted, less what it is owed and what promised lifts may add", () => {
    assert.deepStrictEqual(both(draw({})), [100n, 40n])
    assert.deepStrictEqual(both(draw({ net: 30n })), [70n, 70n])
    assert.deepStrictEqual(both(draw({ net: -40n })), [140n, 0n])
    assert.deepStrictEqual(both(draw({ net: 30n, up: 10n, down: 5n })), [60n, 65n])
    assert.deepStrictEqual(both(draw({ net: 30n, up: 10n, down: 5n }, "stock")), [60n, 65n])
  })

  it("is narrowed by a bound for lifts alone, and never widened", () => {
    const half = draw({ net: 10n, sets: { stock: { bound: 50n }, foil: { bound: 5n } } })
    assert.deepStrictEqual(both(half, "lift"), [40n, 15n])
    assert.deepStrictEqual(both(half, "pledge"), [90n, 50n])
    assert.deepStrictEqual(both(draw({ sets: { stock: { bound: 500n } } }), "lift"), [100n, 40n])
  })

  it("is nothing, not less, where the balance is beyond a bound", () => {
    assert.deepStrictEqual(both(draw({ net: 80n, sets: { stock: { bound: 50n } } }), "lift"), [0n, 120n])
  })

  it("goes as far as zero once either side closes", () => {
    for (const sets of [{ stock: { close: true as const } }, { foil: { close: true as const } }]) {
      assert.isTrue(isClosing(draw({ sets })))
      assert.deepStrictEqual(both(draw({ sets })), [0n, 0n])
      assert.deepStrictEqual(both(draw({ net: 30n, sets })), [0n, 30n])
      assert.deepStrictEqual(both(draw({ net: -30n, up: 12n, sets })), [18n, 0n])
    }
    assert.isFalse(isClosing(draw({})))
  })

  it("is none on a tally that is not open, or that a person has to look at", () => {
    for (const status of ["draft", "offered", "received", "closed", "void"] as const)
      assert.deepStrictEqual(both(draw({ status })), [0n, 0n])
    assert.deepStrictEqual(both({ ...draw({}), trouble: "the log has two ends" }), [0n, 0n])
  })

  it("is never beyond the largest balance", () => {
    const half = draw({ limits: { stock: Units.most, foil: Units.most }, net: Units.most - 3n })
    assert.strictEqual(room(half, "foil", "pledge"), 3n)
  })
})

describe("whatever the half", () => {
  const each = (check: (half: TallyHalf, by: Side, kind: Kind) => void): void => {
    const random = seeded(8)
    for (let i = 0; i < 3_000; i++) {
      const half = randomHalf(random)
      for (const by of ["stock", "foil"] as const) for (const kind of ["pledge", "lift"] as const) check(half, by, kind)
    }
  }
  const limitFor = (half: TallyHalf, by: Side): bigint => half.document![other(by)].terms.limit

  it("the room is never negative, and never more for a lift than for a pledge", () => {
    each((half, by) => {
      const pledge = room(half, by, "pledge")
      const lift = room(half, by, "lift")
      assert.isTrue(lift >= 0n && pledge >= lift)
    })
  })

  it("a pledge up to the room stays within the limit, whether promised lifts become good or not, and leaves none", () => {
    each((half, by, kind) => {
      const most = room(half, by, kind)
      if (most === 0n) return
      const after = pledged(half, by, most)
      assert.isTrue(owed(after, by) <= limitFor(half, by))
      assert.strictEqual(room(after, by, kind), 0n)
      const some = most / 2n
      assert.strictEqual(room(pledged(half, by, some), by, kind), most - some)
    })
  })

  it("a promised lift takes the room that it takes once it is good, and gives the other side none before", () => {
    each((half, by, kind) => {
      const most = room(half, by, "lift")
      const held = promised(half, by, most)
      assert.strictEqual(room(held, by, kind), room(pledged(half, by, most), by, kind))
      assert.strictEqual(room(held, other(by), kind), room(half, other(by), kind))
    })
  })

  it("what is pledged while it closes brings the balance nearer to zero, and not beyond", () => {
    each((half, by, kind) => {
      const most = room(half, by, kind)
      if (!isClosing(half) || most === 0n) return
      const { net } = pledged(half, by, most).sums
      assert.isTrue(by === "foil" ? half.sums.net < net && net <= 0n : 0n <= net && net < half.sums.net)
    })
  })
})
