import { assert, describe, it } from "@effect/vitest"
import type { Action } from "../../../src/protocol/credit/Action.ts"
import { type Ack, type Propose, unread } from "../../../src/protocol/credit/ChainEvent.ts"
import { ChainRun } from "../../../src/protocol/credit/ChainRun.ts"
import * as Condensing from "../../../src/protocol/credit/Condensing.ts"
import { type CreditMessage, mostEntries } from "../../../src/protocol/credit/CreditMessage.ts"
import { push } from "../../../src/protocol/credit/FoilPushing.ts"
import { agents, opened, pledge, tally } from "../../support/credit/Parties.ts"

const { at } = opened("foil").chain!
const ack = (index: number, closed = false): Ack => ({ _tag: "Ack", tally, at: { ...at, index }, closed })
const propose = (n: number): Propose => ({
  _tag: "Propose",
  tally,
  chits: [pledge("stock", n)],
  at: { ...at, index: n }
})
const sending = (message: CreditMessage): Action => ({ _tag: "Send", to: agents.foil.key, message })
const messages = (actions: ReadonlyArray<Action>) =>
  actions.flatMap((action) => (action._tag === "Send" ? [action.message] : []))

describe("what several steps say", () => {
  it("has one acknowledgement of those that follow each other, and every one that says closed", () => {
    assert.deepStrictEqual(Condensing.heard([ack(1), ack(2), propose(3), ack(3, true), ack(4), ack(5)]), [
      ack(2),
      propose(3),
      ack(3, true),
      ack(5)
    ])
    const told: Action = { _tag: "Tell", user: undefined, subject: tally, kind: "chit.good", body: {} }
    const actions = [sending(ack(1)), told, sending(ack(2, true)), sending(ack(3)), told]
    assert.deepStrictEqual(Condensing.said(actions), [told, sending(ack(2, true)), sending(ack(3)), told])
  })

  it("proposes all chits in their order, as many in a message as there is room for", () => {
    const all = Array.from({ length: mostEntries + 3 }, (_, n) => propose(n))
    const said = messages(Condensing.said(all.map(sending)))
    assert.deepStrictEqual(
      said.map((message) => (message._tag === "Propose" ? message.chits.length : 0)),
      [mostEntries, 3]
    )
    assert.deepStrictEqual(
      said.flatMap((message) => (message._tag === "Propose" ? message.chits : [])),
      all.flatMap(({ chits }) => chits)
    )
    assert.isTrue(said.every((message) => message._tag === "Propose" && message.at.index === all.length - 1))
  })

  it("reads what each has asked for once: all of it, in pages that follow each other", () => {
    const asked = (afters: ReadonlyArray<number>, end: number) =>
      Condensing.asked(afters.map(push), end).flatMap((reading) => (reading._tag === "Push" ? [reading.after] : []))
    assert.deepStrictEqual(asked([], 9), [])
    assert.deepStrictEqual(asked([9], 9), [9])
    assert.deepStrictEqual(asked([0, 1, 2, 3, 4], 5), [0])
    assert.deepStrictEqual(asked([4, 9, 9], 9), [4])
    assert.deepStrictEqual(asked([0, 100], 140), [0, 100])
    assert.deepStrictEqual(
      asked(
        Array.from({ length: 70 }, (_, n) => n),
        70
      ),
      [0, 32, 64]
    )
  })

  it("is one message of foil's for twenty chits, and one acknowledgement of stock's for its twenty messages", () => {
    const foil = new ChainRun(opened("foil"), unread)
    for (let n = 1; n <= 20; n++) assert.isUndefined(foil.good(pledge("foil", n), n))
    assert.deepStrictEqual(foil.result.readings, [push(0)])
    assert.strictEqual(foil.result.chits.length, 20)
    assert.strictEqual(foil.behind(0, mostEntries)?.length, 20)
    assert.deepStrictEqual(foil.position(0), opened("foil").chain!.at)
    assert.strictEqual(foil.position(20)?.hash, foil.half.chain!.at.hash)

    const stock = new ChainRun(opened("stock"), unread)
    for (let n = 1; n <= 20; n++) assert.isUndefined(stock.good(pledge("stock", n), n))
    assert.strictEqual(messages(stock.result.actions).length, 1)
    assert.strictEqual(stock.half.chain?.unplaced, 20)
  })

  it("stays as it was before a step that does not fit", () => {
    const foil = new ChainRun(opened("foil"), unread)
    foil.good(pledge("foil", 1), 1)
    const { half, result } = foil
    assert.strictEqual(foil.good(pledge("stock", 2), 2)?.reason, "not-its-own")
    assert.strictEqual(foil.good(pledge("foil", 1), 3)?.reason, "placed")
    assert.deepStrictEqual([foil.half, foil.result], [half, result])
  })
})
