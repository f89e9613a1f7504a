import { assert, describe, it } from "@effect/vitest"
import * as ChitLog from "../../../src/protocol/credit/ChitLog.ts"
import * as Chit from "../../../src/protocol/credit/Chit.ts"
import { agents, lifted, pledge, setting, stranger, tally } from "../../support/credit/Parties.ts"
import { TallyPair } from "../../support/credit/TallyPair.ts"

/** A pair that agrees on so many pledges of foil's. */
const after = (count: number): TallyPair => {
  const pair = new TallyPair()
  for (let n = 1; n <= count; n++) pair.foil.becomes(pledge("foil", n))
  pair.settle()
  pair.refused.length = 0
  for (const { told } of [pair.stock, pair.foil]) told.length = 0
  return pair
}

const isOne = (pair: TallyPair): void => assert.deepStrictEqual(pair.differences(), [])
const ids = (...entries: ReadonlyArray<ChitLog.Entry>) => entries.map(({ chit }) => chit.core.uuid)

describe("the chain of a tally's chits", () => {
  it("S18: a single payment that is lost arrives without a later chit", () => {
    for (const side of ["stock", "foil"] as const) {
      const pair = new TallyPair()
      pair.site(side).becomes(pledge(side, 1))
      pair.lose()
      assert.strictEqual(pair.site(side === "stock" ? "foil" : "stock").half.sums.net, 0n)
      pair.settle()
      isOne(pair)
      assert.strictEqual(pair.stock.half.sums.net, side === "foil" ? 1_000n : -1_000n)
    }
  })

  it("S19: a chit that is delivered many times counts once, and every copy is answered", () => {
    const pair = new TallyPair()
    pair.stock.becomes(pledge("stock", 1))
    for (let copy = 0; copy < 5; copy++) pair.deliver(0, true)
    assert.deepStrictEqual(
      pair.kinds("stock"),
      Array.from({ length: 5 }, () => "Entered")
    )
    assert.deepStrictEqual(pair.foil.told, ["chit.good"])
    pair.foil.becomes(pledge("foil", 2))
    pair.run()
    isOne(pair)
    assert.strictEqual(pair.foil.half.sums.net, 0n)
    assert.deepStrictEqual(pair.stock.told, ["chit.good"])
  })

  it("S21: chits that are signed on both ends at once get foil's order, and only what has no place yet moves", () => {
    const pair = after(2)
    const [mine, theirs] = [pledge("foil", 10), pledge("stock", 11)]
    const before = [...pair.stock.log]
    pair.stock.becomes(theirs)
    pair.foil.becomes(mine)
    pair.run()
    isOne(pair)
    assert.deepStrictEqual(pair.stock.log, [...before, ...ids(mine, theirs)])
  })

  it("S22: two lost each way, then one more: five chits in one order", () => {
    const pair = new TallyPair()
    for (const n of [1, 2]) {
      pair.foil.becomes(pledge("foil", n))
      pair.stock.becomes(pledge("stock", 10 + n))
    }
    pair.lose()
    pair.foil.becomes(pledge("foil", 3))
    pair.run()
    assert.lengthOf(pair.stock.log, 3)
    pair.settle()
    isOne(pair)
    assert.lengthOf(pair.stock.log, 5)
  })

  it("S23: five new chits behind eight confirmed ones come in the order of their numbers", () => {
    const pair = after(8)
    for (let n = 9; n <= 13; n++) pair.foil.becomes(pledge("foil", n))
    pair.lose()
    pair.settle(2)
    isOne(pair)
    assert.deepStrictEqual(pair.stock.log, ids(...Array.from({ length: 13 }, (_, i) => pledge("foil", i + 1))))
  })

  it("S23: what does not fit one message comes in several, each behind the one before", () => {
    const pair = new TallyPair()
    for (let n = 1; n <= 100; n++) {
      pair.foil.becomes(pledge("foil", n))
      pair.stock.becomes(pledge("stock", 1_000 + n))
      pair.lose()
    }
    pair.settle(2)
    isOne(pair)
    assert.lengthOf(pair.stock.log, 200)
  })

  it("S24: where the ack is lost, the chit that has its place already is acked again", () => {
    const pair = after(1)
    pair.foil.becomes(pledge("foil", 2))
    pair.deliver()
    assert.deepStrictEqual(pair.kinds("foil"), ["Ack"])
    pair.lose()
    assert.strictEqual(pair.foil.chain.agreed, 1)
    pair.foil.repair()
    pair.deliver()
    assert.deepStrictEqual(pair.kinds("foil"), ["Ack"])
    pair.run()
    assert.strictEqual(pair.foil.chain.agreed, 2)
    assert.deepStrictEqual(pair.stock.told, ["chit.good"])
  })

  it("S25: an earlier ack after a later one changes nothing", () => {
    const pair = after(4)
    for (let n = 5; n <= 7; n++) pair.foil.becomes(pledge("foil", n))
    for (let n = 5; n <= 7; n++) pair.deliver()
    assert.deepStrictEqual(pair.kinds("foil"), ["Ack", "Ack", "Ack"])
    pair.deliver(2)
    assert.strictEqual(pair.foil.chain.agreed, 7)
    pair.deliver(0)
    assert.strictEqual(pair.foil.chain.agreed, 7)
    assert.strictEqual(pair.foil.chain.told, 7)
  })

  it("S26: another content under the id of a chit that has its place is kept and told of, and counts nowhere", () => {
    const pair = after(1)
    pair.stock.becomes(pledge("stock", 7, 5n))
    pair.run()
    const net = pair.foil.half.sums.net
    const other = pledge("stock", 7, 500n)
    const good = pledge("stock", 8, 3n)
    pair.foil.told.length = 0
    const result = pair.foil.receive({ _tag: "Propose", tally, chits: [other, good], at: pair.stock.chain.at })
    assert.strictEqual(result._tag === "Stepped" && result.refused?.reason, "conflict")
    // What is right beside it counts.
    assert.strictEqual(pair.foil.half.sums.net, net - 3n)
    assert.deepStrictEqual(pair.foil.told, ["chit.conflict", "chit.conflict", "chit.good"])
    assert.deepStrictEqual(
      pair.foil.evidence.map(({ entry, reason }) => [entry, reason]),
      [[other, "conflict"]]
    )
    pair.settle()
    isOne(pair)
    assert.strictEqual(pair.stock.half.sums.net, net - 3n)
  })

  it("S26: stock takes back what foil has another content for, and takes over foil's", () => {
    const pair = after(1)
    const own = pledge("stock", 7, 5n)
    const first = pledge("stock", 7, 8n)
    // Stock has signed both: the other one before its database was restored, say.
    pair.foil.receive({ _tag: "Propose", tally, chits: [first], at: pair.stock.chain.at })
    pair.lose()
    pair.stock.becomes(own)
    pair.deliver()
    assert.deepStrictEqual(pair.refused, ["conflict"])
    assert.strictEqual(pair.stock.half.sums.net, 1_000n)
    assert.strictEqual(pair.stock.chits.get(own.chit.core.uuid)?.status, "void")
    pair.settle()
    isOne(pair)
    assert.strictEqual(pair.stock.half.sums.net, 992n)
    assert.include(pair.stock.told, "chit.conflict")
  })

  it("S26: where foil's order comes before its refusal, the order wins", () => {
    const pair = after(1)
    pair.foil.receive({ _tag: "Propose", tally, chits: [pledge("stock", 7, 8n)], at: pair.stock.chain.at })
    pair.lose()
    pair.stock.becomes(pledge("stock", 7, 5n))
    pair.lose()
    pair.settle()
    isOne(pair)
    assert.strictEqual(pair.stock.half.sums.net, 992n)
    // By the refusal, and again by the order, which shows what counts instead.
    assert.deepStrictEqual(
      pair.stock.evidence.map(({ against, reason }) => [reason, against !== undefined]),
      [
        ["conflict", false],
        ["conflict", true]
      ]
    )
    // The operator and the holder, once each.
    assert.deepStrictEqual(
      pair.stock.told.filter((kind) => kind === "chit.conflict"),
      ["chit.conflict", "chit.conflict"]
    )
  })

  it("S27: foil gets back from stock the last chits that its backup does not have, whoever has issued them", () => {
    const pair = after(3)
    const backup = pair.foil.snapshot()
    pair.foil.becomes(pledge("foil", 4))
    pair.stock.becomes(pledge("stock", 5))
    pair.stock.becomes(setting("stock", 6, { bound: 9n }))
    pair.settle()
    const whole = pair.foil.half
    pair.foil.restore(backup)
    pair.stock.repair()
    pair.run()
    isOne(pair)
    assert.deepStrictEqual(pair.foil.half.chain?.at, whole.chain?.at)
    assert.deepStrictEqual(pair.foil.half.sums, whole.sums)
    assert.deepStrictEqual(pair.foil.half.sets, whole.sets)
  })

  it("S27: what foil has ordered since the restore goes behind what stock has confirmed", () => {
    const pair = after(3)
    const backup = pair.foil.snapshot()
    for (let n = 4; n <= 80; n++) pair.foil.becomes(pledge("foil", n))
    pair.settle()
    const confirmed = [...pair.stock.log]
    pair.foil.restore(backup)
    const late = [pledge("foil", 100), setting("foil", 101, { target: 5n }), pledge("foil", 102)]
    for (const entry of late) pair.foil.becomes(entry)
    pair.stock.becomes(pledge("stock", 200))
    pair.settle()
    isOne(pair)
    assert.deepStrictEqual(pair.stock.log.slice(0, 80), confirmed)
    assert.sameMembers(pair.stock.log.slice(80), ids(...late, pledge("stock", 200)))
  })

  it("S27: a step of a recovery costs a page, and all steps together go with what was lost and ordered since", () => {
    const costs = (lost: number, since: number) => {
      const pair = after(3)
      const backup = pair.foil.snapshot()
      for (let n = 1; n <= lost; n++) pair.foil.becomes(pledge("foil", 1_000 + n))
      pair.settle(40)
      const confirmed = [...pair.stock.log]
      pair.foil.restore(backup)
      for (let n = 1; n <= since; n++) pair.foil.becomes(pledge("foil", 3_000 + n))
      pair.lose()
      pair.foil.rows = 0
      pair.foil.mostRows = 0
      pair.settle(40)
      isOne(pair)
      const late = Array.from({ length: since }, (_, n) => pledge("foil", 3_001 + n))
      assert.deepStrictEqual(pair.stock.log, [...confirmed, ...ids(...late)])
      return { most: pair.foil.mostRows, all: pair.foil.rows }
    }
    const [small, large] = [costs(200, 200), costs(400, 400)]
    assert.isBelow(small.most, 450)
    assert.isAtMost(large.most, small.most)
    assert.isBelow(large.all, 2.2 * small.all)
  })

  it("S27: what foil has set since the restore counts again once it has its place", () => {
    const pair = after(3)
    const backup = pair.foil.snapshot()
    for (let n = 4; n <= 80; n++) pair.foil.becomes(pledge("foil", n))
    pair.settle()
    pair.foil.restore(backup)
    pair.foil.becomes(setting("foil", 100, { target: 5n }))
    for (let n = 101; n <= 240; n++) pair.foil.becomes(pledge("foil", n))
    pair.foil.becomes(setting("foil", 241, { target: 6n }))
    pair.stock.repair()
    pair.foil.repair()
    while (pair.flight.length > 0) {
      pair.deliver()
      assert.deepStrictEqual(pair.faults(), [])
    }
    pair.settle(40)
    isOne(pair)
    assert.deepInclude(pair.foil.half.sets.foil, { target: 6n })
  })

  it("S27: stock gets back from foil what its backup does not have, its own chits included", () => {
    const pair = after(3)
    const backup = pair.stock.snapshot()
    for (let n = 4; n <= 60; n++) pair.stock.becomes(pledge("stock", n))
    pair.settle()
    pair.stock.restore(backup)
    pair.foil.becomes(pledge("foil", 100))
    pair.run()
    isOne(pair)
    assert.lengthOf(pair.stock.log, 61)
  })

  it("S27: a history that foil has not signed is refused", () => {
    const pair = after(3)
    const backup = pair.foil.snapshot()
    for (let n = 4; n <= 6; n++) pair.foil.becomes(pledge("foil", n))
    pair.settle()
    pair.foil.restore(backup)
    const at = pair.foil.chain.at
    const entries = [pledge("foil", 6), pledge("foil", 5)]
    const end = entries.reduce((last, { chit }) => ChitLog.next(last, chit), at)
    const history = (sign: (message: Uint8Array) => Uint8Array) =>
      ({ _tag: "History", tally, after: at, entries, head: ChitLog.signHead(tally, end, sign) }) as const
    const refused = pair.foil.receive(history(agents.stock.sign))
    assert.strictEqual(refused._tag === "Unfit" && refused.reason, "unsigned-order")
    assert.strictEqual(pair.foil.chain.at.index, 3)
    assert.strictEqual(pair.foil.receive(history(agents.foil.sign))._tag, "Stepped")
    assert.strictEqual(pair.foil.chain.at.index, 5)
  })

  it("S27: halves that do not even begin alike are left to people", () => {
    const pair = after(2)
    const genesis = { index: 0, hash: pair.stock.chain.at.hash }
    pair.foil.receive({ _tag: "Where", tally, places: [genesis] })
    assert.isString(pair.foil.half.trouble)
    assert.include(pair.foil.told, "tally.trouble")
    const stopped = pair.foil.becomes(pledge("foil", 9))
    assert.strictEqual(stopped._tag === "Unfit" && stopped.reason, "trouble")
  })

  it("S28: a setting that was lost comes as a setting, and counts once, in the order of the chain", () => {
    const pair = after(1)
    pair.stock.becomes(setting("stock", 1, { bound: 10n, target: 1n }))
    pair.foil.becomes(setting("foil", 2, { bound: 20n }))
    assert.deepStrictEqual(pair.stock.half.sets.stock, {})
    pair.lose()
    pair.stock.becomes(setting("stock", 3, { bound: 30n }))
    pair.settle()
    isOne(pair)
    assert.deepStrictEqual(pair.stock.half.sets.foil, { bound: 20n })
    // The one that was lost is proposed after the one that was not.
    assert.deepStrictEqual(pair.stock.half.sets.stock, { bound: 10n, target: 1n })
    assert.strictEqual(pair.stock.half.sums.net, 1_000n)
  })

  it("S29: with one forged chit all that was sent is refused, and the forged one is kept", () => {
    const pair = after(1)
    const forgeries: ReadonlyArray<readonly [ChitLog.Entry, string]> = [
      [{ chit: { core: pledge("stock", 3).chit.core } }, "bad-signature"],
      [{ chit: { ...pledge("stock", 3).chit, core: pledge("stock", 3, 1n).chit.core } }, "bad-signature"],
      [pledge("foil", 3), "not-its-own"],
      [{ chit: lifted("foil", 3).chit }, "no-record"],
      [{ ...lifted("foil", 3), record: lifted("foil", 4).record }, "bad-record"],
      // A plan of nodes that are not the tally's, all of whom have promised.
      [lifted("foil", 3, 100n, { stock: agents.stock, foil: stranger }), "bad-record"]
    ]
    for (const [bad, reason] of forgeries) {
      pair.foil.told.length = 0
      const { half } = pair.foil
      const refused = pair.foil.receive({
        _tag: "Propose",
        tally,
        chits: [pledge("stock", 2), bad],
        at: pair.stock.chain.at
      })
      assert.strictEqual(refused._tag === "Unfit" && refused.reason, reason)
      assert.deepStrictEqual(pair.foil.half, half)
      assert.deepStrictEqual(pair.foil.evidence.at(-1), { entry: bad, reason })
      assert.deepStrictEqual(pair.foil.told, ["chit.forged", "chit.forged"])
    }
  })

  it("S29: stock refuses an order with a forged chit, or that foil's agent has not signed", () => {
    const pair = after(1)
    const { at } = pair.stock.chain
    const bad = { chit: { ...pledge("stock", 3).chit, core: pledge("stock", 3, 1n).chit.core } }
    for (const [entries, sign, reason] of [
      [[pledge("foil", 2), bad], agents.foil.sign, "bad-signature"],
      [[pledge("foil", 2)], agents.stock.sign, "unsigned-order"],
      [[pledge("foil", 1)], agents.foil.sign, "twice"],
      [[pledge("foil", 2), pledge("foil", 2)], agents.foil.sign, "twice"]
    ] as const) {
      const end = entries.reduce((last, { chit }) => ChitLog.next(last, chit), at)
      const head = ChitLog.signHead(tally, end, sign)
      const refused = pair.stock.receive({ _tag: "Entered", tally, after: at, entries, head })
      assert.strictEqual(refused._tag === "Unfit" && refused.reason, reason)
      assert.deepStrictEqual(pair.stock.chain.at, at)
    }
  })

  it("takes messages from the partner's node alone", () => {
    const pair = after(1)
    pair.stock.becomes(pledge("stock", 2))
    const { to: _to, ...message } = pair.take()
    const refused = pair.foil.receive(message, stranger.key)
    assert.strictEqual(refused._tag === "Unfit" && refused.reason, "not-its-partner")
    assert.strictEqual(pair.foil.receive(message)._tag, "Stepped")
  })
})

describe("chits of lifts", () => {
  it("count at the half that learns the verdict first, and at the other with the record", () => {
    for (const by of ["stock", "foil"] as const) {
      for (const side of ["stock", "foil"] as const) {
        const pair = after(1)
        const entry = lifted(by, 1)
        assert.strictEqual(pair.site(side).becomes(entry)._tag, "Stepped")
        if (side === "stock") assert.strictEqual(pair.stock.chain.unplaced, 1)
        pair.settle()
        isOne(pair)
        const [knew, learnt] = side === "stock" ? [pair.stock, pair.foil] : [pair.foil, pair.stock]
        assert.deepStrictEqual(knew.records, [])
        assert.deepStrictEqual(learnt.records, [entry.record])
        assert.strictEqual(pair.stock.half.sums.net, by === "foil" ? 1_100n : 900n)
        const again = learnt.becomes(entry)
        assert.strictEqual(again._tag === "Unfit" && again.outcome, "stale")
      }
    }
  })

  it("count once where both halves learn the verdict at once", () => {
    const pair = after(1)
    const entry = lifted("foil", 1)
    pair.stock.becomes(entry)
    pair.foil.becomes(entry)
    pair.settle()
    isOne(pair)
    assert.strictEqual(pair.stock.half.sums.net, 1_100n)
    assert.deepStrictEqual([...pair.stock.records, ...pair.foil.records], [])
    assert.deepStrictEqual(pair.refused, [])
  })

  it("need the record of this lift, for this tally and its two nodes", () => {
    const pair = after(1)
    for (const bad of [
      { chit: lifted("foil", 1).chit },
      { ...lifted("foil", 1), record: { ...lifted("foil", 1).record, promises: [] } },
      lifted("foil", 1, 100n, { stock: stranger, foil: agents.foil })
    ]) {
      for (const site of [pair.stock, pair.foil]) assert.strictEqual(site.becomes(bad)._tag, "Unfit")
    }
    assert.strictEqual(pair.stock.half.sums.net, 1_000n)
  })
})

describe("a chit that was asked for", () => {
  it("becomes good, and keeps the revision that it was asked with", () => {
    const pair = after(1)
    const entry = pledge("foil", 5)
    const { core } = entry.chit
    pair.stock.chits.set(core.uuid, { holder: pair.stock.half.holder, core, status: "asked", revision: 3, changed: 0 })
    pair.foil.becomes(entry)
    pair.settle()
    isOne(pair)
    const state = pair.stock.chits.get(core.uuid)
    assert.deepStrictEqual([state?.status, state?.revision, state?.index], ["good", 3, 2])
  })

  it("cannot be paid with another content under its id", () => {
    const pair = after(1)
    const { core } = pledge("foil", 5, 7n).chit
    pair.foil.chits.set(core.uuid, { holder: pair.foil.half.holder, core, status: "asked", revision: 1, changed: 0 })
    const refused = pair.foil.becomes(pledge("foil", 5, 8n))
    assert.strictEqual(refused._tag === "Unfit" && refused.reason, "conflict")
    assert.strictEqual(pair.foil.becomes(pledge("foil", 5, 7n))._tag, "Stepped")
    assert.strictEqual(Chit.effect(core), 7n)
  })
})
