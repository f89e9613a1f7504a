/** Random commands of two holders, over links that lose, double, delay and reorder, and a database that may be restored. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type * as Document from "../../../src/protocol/credit/TallyDocument.ts"
import { owed, retold } from "../../../src/protocol/credit/TallyMachine.ts"
import { inputs } from "../../support/properties/Inputs.ts"
import { type Pair, TallyLab } from "../../support/TallyPair.ts"
import { sides } from "../../support/TallyParties.ts"
import { everything } from "../../support/TallySpace.ts"
import { isTorn, verdict } from "../../support/TallyVerdict.ts"

const Steps = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 99_999 })))
const arbitrary = { arbitrary: { runs: inputs(400), size: 60 } }
const labs = { stock: new TallyLab("stock"), foil: new TallyLab("foil") }

/** One step: a message of those that were ever sent comes to a side, or a holder says something. */
const walk = (lab: TallyLab, pair: Pair, n: number): Pair => {
  const side: Document.Side = n % 2 === 0 ? "stock" : "foil"
  const choice = Math.floor(n / 2)
  const message = pair.sent[side][choice % (pair.sent[side].length || 1)]
  if (n % 7 < 4) return message === undefined ? pair : lab.hears(pair, side, message)
  const name = everything[choice % everything.length] ?? "Offer"
  if (pair[side] === undefined || (name === "Offer" && pair[side].revision > 5)) return pair
  return lab.commands(pair, side, name)
}

/** Whoever is asked accepts or refuses, then both repair. */
const decided = (lab: TallyLab, pair: Pair, name: "Accept" | "Refuse", says: typeof owed): Pair => {
  let here = lab.repair(pair, says)
  for (const side of sides) if (here[side]?.status === "received") here = lab.commands(here, side, name)
  return lab.repair(here, says)
}

describe("two halves of a tally", () => {
  for (const first of sides) {
    it.prop(
      `I14: come to one verdict whatever the messages suffer, where the offer of ${first} stands`,
      [Steps],
      ([steps]) => {
        const lab = labs[first]
        let pair = lab.drafted
        for (const n of steps) {
          const next = walk(lab, pair, n)
          // I12: what is open stays open, with the same document.
          for (const side of sides)
            if (pair[side]?.status === "open") {
              assert.strictEqual(next[side]?.status, "open")
              assert.strictEqual(next[side]?.document, pair[side].document)
            }
          assert.isFalse(isTorn(next.stock, next.foil))
          pair = next
        }
        const calm = lab.repair(pair)
        assert.include(["open", "offered", "nothing"], verdict(calm.stock, calm.foil))
        assert.include(["open", "nothing"], verdict(...halves(decided(lab, pair, "Refuse", owed))))
        assert.include(["open", "nothing"], verdict(...halves(decided(lab, pair, "Accept", owed))))
        // And nothing that was under way until then changes it.
        for (const side of sides)
          for (const message of calm.sent[side]) {
            const late = lab.repair(lab.hears(calm, side, message))
            assert.strictEqual(verdict(late.stock, late.foil), verdict(calm.stock, calm.foil))
          }
      },
      arbitrary
    )

    it.prop(
      `S27: come to one verdict after the database of one was restored, where the offer of ${first} stands`,
      [Steps, Schema.Int, Steps],
      ([before, n, after]) => {
        const lab = labs[first]
        const past: Array<Pair> = [lab.drafted]
        for (const step of before) past.push(walk(lab, past.at(-1)!, step))
        const side: Document.Side = n % 2 === 0 ? "stock" : "foil"
        const backup = past[Math.abs(n) % past.length]!
        // What it has sent and not delivered is gone with its database; what was sent to it may come yet.
        const { sent, ...ends } = past.at(-1)!
        let pair: Pair = { ...ends, [side]: backup[side], sent: { stock: [], foil: [], [side]: sent[side] } }
        for (const step of after) pair = walk(lab, pair, step)
        for (const name of ["Refuse", "Accept"] as const)
          assert.include(["open", "nothing"], verdict(...halves(decided(lab, pair, name, retold))))
      },
      arbitrary
    )
  }

  it("S27: stay open where one has forgotten that, and has been told old things of an offer that was taken back", () => {
    const lab = labs.stock
    const asked = lab.commands(lab.drafted, "stock", "Offer")
    const offered = lab.hears(asked, "foil", first("foil", asked))
    const crossed = lab.commands(lab.commands(offered, "stock", "Withdraw"), "foil", "Accept")
    const open = lab.repair(crossed)
    assert.strictEqual(verdict(...halves(open)), "open")
    let late: Pair = { ...open, foil: undefined, sent: { stock: [], foil: crossed.sent.foil } }
    for (const message of crossed.sent.foil) late = lab.hears(late, "foil", message)
    assert.strictEqual(late.foil?.status, "void")
    assert.strictEqual(verdict(...halves(decided(lab, late, "Refuse", retold))), "open")
  })

  it("S27: come to one of two documents of one revision that both have signed", () => {
    const lab = labs.foil
    let pair = lab.commands(lab.drafted, "stock", "Offer")
    pair = lab.hears(pair, "foil", first("foil", pair))
    pair = lab.commands(lab.commands(pair, "foil", "Offer"), "stock", "Offer")
    pair = lab.hears(pair, "stock", first("stock", pair))
    const [, crossing] = pair.sent.foil
    assert.strictEqual(pair.stock?.status, "received")
    pair = lab.commands({ ...pair, foil: undefined }, "stock", "Accept")
    pair = lab.commands(lab.hears(pair, "foil", crossing!), "foil", "Accept")
    assert.isTrue(isTorn(pair.stock, pair.foil))
    assert.strictEqual(verdict(...halves(lab.repair(pair, retold))), "open")
  })
})

/** The first message that was ever sent to a side. */
const first = (side: Document.Side, { sent }: Pair) => sent[side][0]!
const halves = ({ foil, stock }: Pair) => [stock, foil] as const
