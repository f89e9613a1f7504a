import { assert, describe, it } from "@effect/vitest"
import { closedMessages, closeIfDone, isClosing } from "../../../src/protocol/credit/Closing.ts"
import * as ChitLog from "../../../src/protocol/credit/ChitLog.ts"
import type { Side } from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import { openHalf } from "../../support/OpenHalf.ts"
import { parties as partiesOf, pledge, tally } from "../../support/TallyParties.ts"

const parties = partiesOf()
const half = (side: Side): TallyHalf => ({ ...openHalf(parties, side), sets: { stock: {}, foil: { close: true } } })
const chainOf = (half: TallyHalf, chain: Partial<NonNullable<TallyHalf["chain"]>>): TallyHalf =>
  half.chain === undefined ? half : { ...half, chain: { ...half.chain, ...chain } }
const at = ChitLog.next(ChitLog.genesis(half("stock").chain!.at.hash), { core: pledge("foil", 1, 5n) })

describe("closing a tally", () => {
  it("begins when either side has set it", () => {
    assert.isTrue(isClosing(half("stock")))
    assert.isTrue(isClosing({ ...half("foil"), sets: { stock: { close: true }, foil: {} } }))
    assert.isFalse(isClosing(openHalf(parties, "stock")))
  })

  it("stock closes at zero, once, and says so", () => {
    const step = closeIfDone(half("stock"))
    if (step === undefined) return assert.fail("not closed")
    assert.strictEqual(step.state.status, "closed")
    const ack = { _tag: "Ack", tally, at: half("stock").chain!.at, closed: true } as const
    assert.deepStrictEqual(step.actions[0], { _tag: "Send", to: parties.foil.node, message: ack })
    assert.deepStrictEqual(closedMessages(step.state), [ack])
    assert.deepStrictEqual(closedMessages(half("stock")), [])
    assert.isUndefined(closeIfDone(step.state))
  })

  it("stock does not close while something is owed, promised, without a place, wrong, or nobody wants it", () => {
    const open = half("stock")
    const { sums } = open
    for (const other of [
      { ...open, sums: { ...sums, net: 1n } },
      { ...open, sums: { ...sums, net: -1n } },
      { ...open, sums: { ...sums, up: 1n } },
      { ...open, sums: { ...sums, down: 1n } },
      chainOf(open, { unplaced: 1 }),
      { ...open, trouble: "?" },
      openHalf(parties, "stock"),
      { ...open, status: "void" } as const
    ])
      assert.isUndefined(closeIfDone(other))
  })

  it("foil closes when stock has, at the last place of foil's, with nothing promised", () => {
    const open = half("foil")
    assert.isUndefined(closeIfDone(open))
    const heard = chainOf(open, { closedThere: true })
    assert.strictEqual(closeIfDone(heard)?.state.status, "closed")
    assert.isFalse(closeIfDone(heard)?.actions.some(({ _tag }) => _tag === "Send"))
    assert.isUndefined(closeIfDone(chainOf(heard, { at })))
    assert.strictEqual(closeIfDone(chainOf(heard, { at, agreed: 1 }))?.state.status, "closed")
    assert.isUndefined(closeIfDone({ ...heard, sums: { ...heard.sums, up: 1n } }))
  })
})
