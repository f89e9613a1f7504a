import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Action } from "../../../src/protocol/credit/Action.ts"
import type { ChitState } from "../../../src/protocol/credit/ChitState.ts"
import * as Chit from "../../../src/protocol/credit/Chit.ts"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import { type InvoiceEvent, type InvoiceStep, meets, owed, step } from "../../../src/protocol/credit/InvoiceMachine.ts"
import type { Side } from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import { openHalf } from "../../support/OpenHalf.ts"
import { parties as partiesOf, party, pledge } from "../../support/TallyParties.ts"

const parties = partiesOf()
const halves = { stock: openHalf(parties, "stock"), foil: openHalf(parties, "foil") }
const core = pledge("foil", 1, 300n)
const sign = parties.foil.sign("chit", Chit.digest(core))

type Message = Extract<CreditMessage, { _tag: "Invoice" | "Decline" }>

const hearing = (side: Side, message: Message): InvoiceEvent => ({
  _tag: "Heard",
  from: parties[side === "stock" ? "foil" : "stock"].node,
  message,
  now: 9
})
const ask: InvoiceEvent = { _tag: "Ask", core, now: 1 }
const invoice = (revision = 1): Extract<Message, { _tag: "Invoice" }> => ({ _tag: "Invoice", core, revision })
const declined = (revision = 1): Message => ({ _tag: "Decline", tally: core.tally, chit: core.uuid, revision })

const stateOf = (step: InvoiceStep): ChitState => {
  if (step._tag === "Stepped") return step.state
  throw new Error(`${step.outcome}: ${step.reason}`)
}
const asking = (): ChitState => stateOf(step(halves.stock, undefined, ask))
const asked = (revision = 1): ChitState => stateOf(step(halves.foil, undefined, hearing("foil", invoice(revision))))

const messages = (actions: ReadonlyArray<Action>): ReadonlyArray<Message> =>
  actions.flatMap((action) =>
    action._tag === "Send" && (action.message._tag === "Invoice" || action.message._tag === "Decline")
      ? [action.message]
      : []
  )

const isUnchanged = (result: InvoiceStep, outcome: "stale" | "refused", reason: string): void => {
  assert.deepStrictEqual(result._tag === "Unfit" ? [result.outcome, result.reason] : result.state, [outcome, reason])
}

describe("an invoice", () => {
  it("is asked, and paid by the other side's signature, which makes it good", () => {
    const first = step(halves.stock, undefined, ask)
    assert.deepStrictEqual(messages(first.actions), [invoice()])
    assert.deepStrictEqual(owed(halves.stock, stateOf(first)), [invoice()])
    assert.deepStrictEqual(owed(halves.foil, asked()), [])
    const paid = stateOf(step(halves.foil, asked(), { _tag: "Pay", sign, now: 3 }))
    assert.deepStrictEqual([paid.status, paid.sign, paid.changed], ["good", sign, 3])
    assert.strictEqual(meets(asking(), paid.core), "payment")
    const wrong = parties.stock.sign("chit", Chit.digest(core))
    isUnchanged(step(halves.foil, asked(), { _tag: "Pay", sign: wrong, now: 3 }), "refused", "bad-signature")
  })

  it("S2: is one event for the user however often it comes", () => {
    assert.lengthOf(step(halves.foil, undefined, hearing("foil", invoice())).actions, 1)
    const again = step(halves.foil, asked(), hearing("foil", invoice()))
    isUnchanged(again, "stale", "asked")
    assert.deepStrictEqual(again.actions, [])
  })

  it("that was declined is void on both, and is asked anew with the next revision only", () => {
    const refused = step(halves.foil, asked(), { _tag: "Decline", revision: 1, now: 3 })
    assert.deepStrictEqual(messages(refused.actions), [declined()])
    const old = step(halves.foil, stateOf(refused), hearing("foil", invoice()))
    isUnchanged(old, "stale", "void")
    assert.deepStrictEqual(messages(old.actions), [declined()])
    const gone = stateOf(step(halves.stock, asking(), hearing("stock", declined())))
    assert.strictEqual(gone.status, "void")
    const anew = step(halves.stock, gone, ask)
    assert.deepStrictEqual(messages(anew.actions), [invoice(2)])
    isUnchanged(step(halves.stock, stateOf(anew), hearing("stock", declined())), "stale", "asked")
    const asked2 = stateOf(step(halves.foil, stateOf(refused), hearing("foil", invoice(2))))
    assert.deepStrictEqual([asked2.status, asked2.revision], ["asked", 2])
    isUnchanged(step(halves.foil, asked2, { _tag: "Decline", revision: 1, now: 3 }), "stale", "asked")
  })

  it("S20: that is paid stays paid, whatever comes late", () => {
    const paid = stateOf(step(halves.foil, asked(), { _tag: "Pay", sign, now: 3 }))
    for (const revision of [1, 2])
      isUnchanged(step(halves.foil, paid, hearing("foil", invoice(revision))), "stale", "good")
    isUnchanged(step(halves.foil, paid, { _tag: "Decline", revision: 1, now: 4 }), "stale", "good")
    isUnchanged(step(halves.foil, paid, { _tag: "Pay", sign, now: 4 }), "stale", "good")
    const received: ChitState = { ...asking(), status: "good", sign }
    isUnchanged(step(halves.stock, received, hearing("stock", declined())), "stale", "good")
    isUnchanged(step(halves.stock, received, ask), "stale", "good")
    assert.strictEqual(meets(received, core), "same")
  })

  it("S26: is in conflict with another content of its id, and both stay as they are", () => {
    const other = { ...core, units: 301n }
    assert.strictEqual(meets(asked(), other), "conflict")
    assert.strictEqual(meets(undefined, other), "new")
    const message = { _tag: "Invoice", core: other, revision: 2 } as const
    isUnchanged(step(halves.foil, asked(), hearing("foil", message)), "refused", "conflict")
  })

  it("I15: comes from the tally's partner, and asks the side that it comes to", () => {
    const { node } = party("else", 9, 9)
    for (const from of [node, parties.foil.node])
      isUnchanged(
        step(halves.foil, undefined, { _tag: "Heard", from, message: invoice(), now: 1 }),
        "refused",
        "not-the-partner"
      )
    const own = { _tag: "Invoice", core: pledge("stock", 2, 1n), revision: 1 } as const
    isUnchanged(step(halves.foil, undefined, hearing("foil", own)), "refused", "not-the-partner")
    isUnchanged(step(halves.foil, asked(), hearing("foil", declined())), "refused", "not-the-partner")
    isUnchanged(step(halves.foil, undefined, ask), "refused", "own-pledge")
  })

  it("needs an open tally that nobody has to look at", () => {
    const closed: TallyHalf = { ...halves.stock, status: "closed" }
    isUnchanged(step(closed, undefined, ask), "refused", "not-open")
    isUnchanged(step({ ...halves.stock, trouble: "?" }, undefined, ask), "refused", "trouble")
    const { uuid } = pledge("foil", 7, 1n)
    const elsewhere = { ...core, tally: Schema.decodeSync(Chit.Pledge.fields.tally)(uuid) }
    isUnchanged(step(halves.stock, undefined, { _tag: "Ask", core: elsewhere, now: 1 }), "refused", "another-tally")
  })

  const Steps = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 })))

  it.prop("I14: ends as one thing on both halves, whatever its messages suffer", [Steps], ([steps]) => {
    let here: Record<Side, ChitState | undefined> = { stock: undefined, foil: undefined }
    const sent: Array<{ readonly to: Side; readonly message: Message }> = []
    const does = (side: Side, event: InvoiceEvent) => {
      const result = step(halves[side], here[side], event)
      if (here[side]?.status === "good") assert.strictEqual(result._tag, "Unfit")
      const to = side === "stock" ? "foil" : "stock"
      sent.push(...messages(result.actions).map((message) => ({ to, message }) as const))
      if (result._tag === "Stepped") here = { ...here, [side]: result.state }
    }
    for (const n of steps) {
      const late = sent[n % (sent.length || 1)]
      if (n % 10 > 3 && late !== undefined) does(late.to, hearing(late.to, late.message))
      else if (n % 10 === 0) does("stock", ask)
      else if (n % 10 === 1) does("foil", { _tag: "Decline", revision: here.foil?.revision ?? 1, now: n })
      else if (n % 40 === 2) does("foil", { _tag: "Pay", sign, now: n })
    }
    for (let round = 0; round < 3; round++) {
      sent.length = 0
      if (here.stock !== undefined)
        for (const message of owed(halves.stock, here.stock)) does("foil", hearing("foil", message))
      for (const { message, to } of sent.slice()) does(to, hearing(to, message))
    }
    // What is paid is brought by the chain.
    if (here.foil?.status === "good") assert.strictEqual(meets(here.stock, here.foil.core), "payment")
    else assert.deepStrictEqual([here.stock?.status, here.stock?.revision], [here.foil?.status, here.foil?.revision])
  })
})
