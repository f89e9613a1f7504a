import { assert, describe, it } from "@effect/vitest"
import type { Action } from "../../../src/protocol/credit/Action.ts"
import * as Document from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyEvent, TallyMessage, TallyStep } from "../../../src/protocol/credit/TallyEvent.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import { owed, retold, step } from "../../../src/protocol/credit/TallyMachine.ts"
import { documentBy, draftOf, parties as partiesOf, party, signed, tally } from "../../support/TallyParties.ts"

const parties = partiesOf()
const { foil, stock } = parties

const drafted = (side: Document.Side): TallyHalf =>
  stateOf(
    step(undefined, { _tag: "Draft", holder: parties[side].cuid, id: tally, side, draft: draftOf(parties, side) })
  )

const stateOf = (step: TallyStep): TallyHalf => {
  if (step._tag === "Stepped") return step.state
  throw new Error(`${step.outcome}: ${step.reason}`)
}

const sent = ({ actions }: { readonly actions: ReadonlyArray<Action> }): ReadonlyArray<string> =>
  actions.flatMap((action) => (action._tag === "Send" ? [action.message._tag] : []))
const told = ({ actions }: TallyStep): ReadonlyArray<string> =>
  actions.flatMap((action) => (action._tag === "Tell" ? [action.kind] : []))

const offering = (side: Document.Side, revision: number): TallyEvent => {
  const document = documentBy(parties, side, revision)
  const { cert, node } = parties[side]
  return { _tag: "Offer", document, sign: signed(parties[side], document), me: node, own: [cert] }
}

const accepting = (side: Document.Side, half: TallyHalf): TallyEvent => ({
  _tag: "Accept",
  revision: half.revision,
  sign: signed(parties[side], half.document!)
})

const hearing = (side: Document.Side, message: TallyMessage): TallyEvent => {
  const { cert, node } = parties[side]
  return { _tag: "Heard", from: parties[Document.other(side)].node, me: node, own: [cert], message }
}

const offerOf = (by: Document.Side, revision: number): TallyMessage => {
  const document = documentBy(parties, by, revision)
  return { _tag: "Offer", by, document, signs: { [by]: signed(parties[by], document) } }
}

const openOf = (by: Document.Side, document: Document.TallyDocument, heard = false): TallyMessage => ({
  _tag: "Open",
  by,
  document,
  signs: { stock: signed(stock, document), foil: signed(foil, document) },
  heard
})

const offered = (): TallyHalf => stateOf(step(drafted("stock"), offering("stock", 1)))
const received = (): TallyHalf => stateOf(step(undefined, hearing("foil", offerOf("stock", 1))))
const opened = (): TallyHalf => stateOf(step(received(), accepting("foil", received())))

const isUnchanged = (result: TallyStep, outcome: "stale" | "refused", reason?: string): void => {
  assert.strictEqual(result._tag, "Unfit")
  if (result._tag !== "Unfit") return
  assert.strictEqual(result.outcome, outcome)
  if (reason !== undefined) assert.strictEqual(result.reason, reason)
}

describe("an offer", () => {
  it("S1: is owed by who has made it until the partner has answered, and received once", () => {
    const half = offered()
    assert.deepStrictEqual(owed(half), [offerOf("stock", 1)])
    const first = step(undefined, hearing("foil", offerOf("stock", 1)))
    assert.strictEqual(stateOf(first).status, "received")
    assert.strictEqual(stateOf(first).holder, foil.cuid)
    assert.deepStrictEqual(owed(stateOf(first)), [])
    assert.deepStrictEqual(owed(half), [offerOf("stock", 1)])
  })

  it("S2: that comes three times is one event for the user", () => {
    const first = step(undefined, hearing("foil", offerOf("stock", 1)))
    assert.deepStrictEqual(told(first), ["tally.received"])
    for (const result of [1, 2].map(() => step(stateOf(first), hearing("foil", offerOf("stock", 1))))) {
      isUnchanged(result, "stale")
      assert.deepStrictEqual(result.actions, [])
    }
  })

  it("S3: is stale once it was answered by another, and says which revision there is", () => {
    const countered = stateOf(step(received(), offering("foil", 2)))
    const result = step(countered, hearing("foil", offerOf("stock", 1)))
    isUnchanged(result, "stale")
    assert.strictEqual(result._tag === "Unfit" && result.revision, "2")
    assert.deepStrictEqual(result.actions, [])
    const other = step(offered(), hearing("stock", offerOf("foil", 2)))
    assert.strictEqual(stateOf(other).status, "received")
    assert.deepStrictEqual(stateOf(other).signs, { foil: signed(foil, documentBy(parties, "foil", 2)) })
  })

  it("S4: stays refused however often it comes, and its maker is told so; a later one is looked at", () => {
    const refused = stateOf(step(received(), { _tag: "Refuse", revision: 1 }))
    assert.strictEqual(refused.status, "void")
    const again = step(refused, hearing("foil", offerOf("stock", 1)))
    isUnchanged(again, "stale")
    assert.deepStrictEqual(sent(again), ["Refuse"])
    assert.deepStrictEqual(told(again), [])
    assert.strictEqual(stateOf(step(refused, hearing("foil", offerOf("stock", 2)))).status, "received")
  })

  it("of the same revision as the own one stands if its party is the first, else not", () => {
    for (const first of ["stock", "foil"] as const) {
      const all = partiesOf(first)
      const halves = { stock: all.stock, foil: all.foil }
      const documents = { stock: documentBy(all, "stock", 2), foil: documentBy(all, "foil", 2) }
      for (const side of ["stock", "foil"] as const) {
        const { cert, cuid, node } = halves[side]
        const other = Document.other(side)
        const own = { me: node, own: [cert] }
        const start = stateOf(
          step(undefined, { _tag: "Draft", holder: cuid, id: tally, side, draft: draftOf(all, side) })
        )
        const sign = signed(halves[side], documents[side])
        const mine = stateOf(step(start, { _tag: "Offer", document: documents[side], sign, ...own }))
        const signs = { [other]: signed(halves[other], documents[other]) }
        const message = { _tag: "Offer", by: other, document: documents[other], signs } as const
        const result = step(mine, { _tag: "Heard", from: halves[other].node, message, ...own })
        if (side === first) isUnchanged(result, "stale")
        else assert.strictEqual(stateOf(result).status, "received")
      }
    }
  })

  it("of a revision that came with another document is refused", () => {
    const document = documentBy(parties, "stock", 1, "altered")
    const message = { _tag: "Offer", by: "stock", document, signs: { stock: signed(stock, document) } } as const
    isUnchanged(step(received(), hearing("foil", message)), "refused", "revision-reused")
  })

  it("is refused without the signature of its party, or with a certificate that the other has not given", () => {
    const good = documentBy(parties, "stock", 1)
    const forged = { _tag: "Offer", by: "stock", document: good, signs: { stock: signed(foil, good) } } as const
    isUnchanged(step(undefined, hearing("foil", forged)), "refused", "bad-signature")
    isUnchanged(step(undefined, hearing("foil", { ...forged, signs: {} })), "refused", "bad-signature")
    const cert = { ...foil.cert, name: "Somebody" }
    const document = { ...good, foil: { ...good.foil, cert } }
    const foreign = { _tag: "Offer", by: "stock", document, signs: { stock: signed(stock, document) } } as const
    isUnchanged(step(undefined, hearing("foil", foreign)), "refused", "bad-certificate")
  })

  it("is refused here as well: without a signature, with another certificate, or with an old revision", () => {
    const event = offering("stock", 1)
    if (event._tag !== "Offer") return assert.fail("no offer")
    isUnchanged(step(drafted("stock"), { ...event, sign: signed(foil, event.document) }), "refused", "bad-signature")
    const { public: key } = party("else", 9, 9).cert
    const stranger = { ...event.document.stock, cert: { ...stock.cert, public: key } }
    isUnchanged(
      step(drafted("stock"), { ...event, document: { ...event.document, stock: stranger } }),
      "refused",
      "bad-certificate"
    )
    isUnchanged(step(offered(), event), "stale", "old-revision")
    isUnchanged(step(opened(), offering("foil", 2)), "refused", "open")
  })
})

describe("an open tally", () => {
  it("S5: is not touched by what comes late, and says that it is open where the other may not know", () => {
    const half = opened()
    const about = { tally, by: "stock", revision: 1 } as const
    const late: ReadonlyArray<readonly [TallyMessage, ReadonlyArray<string>]> = [
      [offerOf("stock", 1), ["Open"]],
      [offerOf("stock", 2), ["Open"]],
      [{ _tag: "Withdraw", ...about }, ["Open"]],
      [{ _tag: "Revise", ...about, revision: 2 }, []],
      [{ _tag: "Refuse", ...about, revision: 2 }, []]
    ]
    for (const [message, answers] of late) {
      const result = step(half, hearing("foil", message))
      isUnchanged(result, "stale", "open")
      assert.deepStrictEqual(sent(result), answers)
      assert.deepStrictEqual(told(result), [])
    }
    const known = stateOf(step(half, hearing("foil", openOf("stock", half.document!, true))))
    isUnchanged(step(known, hearing("foil", { _tag: "Refuse", ...about })), "stale", "open")
  })

  it("S6: is owed by who has accepted until the other has it open too, with the tally as place 0 on both", () => {
    const half = opened()
    assert.deepStrictEqual(
      owed(half).map(({ _tag }) => _tag),
      ["Open"]
    )
    const other = step(offered(), hearing("stock", openOf("foil", half.document!)))
    assert.deepStrictEqual(sent(other), ["Open"])
    assert.deepStrictEqual(told(other), ["tally.open"])
    assert.deepStrictEqual(owed(stateOf(other)), [])
    const known = step(half, hearing("foil", openOf("stock", half.document!, true)))
    assert.deepStrictEqual(known.actions, [])
    assert.deepStrictEqual(owed(stateOf(known)), [])
    assert.deepStrictEqual(stateOf(known).chain, stateOf(other).chain)
    assert.strictEqual(stateOf(known).chain?.at.hash, Document.digest(half.document!))
    assert.strictEqual(stateOf(known).chain?.at.index, 0)
    // An answer that was lost is given again, and answers are not answered.
    assert.deepStrictEqual(sent(step(stateOf(other), hearing("stock", openOf("foil", half.document!)))), ["Open"])
    assert.deepStrictEqual(sent(step(stateOf(known), hearing("foil", openOf("stock", half.document!, true)))), [])
  })

  it("S7: comes of an offer that was taken back after the other had accepted", () => {
    const withdrawn = stateOf(step(offered(), { _tag: "Withdraw" }))
    assert.strictEqual(withdrawn.status, "void")
    assert.deepStrictEqual(
      owed(withdrawn).map(({ _tag }) => _tag),
      ["Offer", "Withdraw"]
    )
    const withdraw = { _tag: "Withdraw", tally, by: "stock", revision: 1 } as const
    const crossing = step(opened(), hearing("foil", withdraw))
    isUnchanged(crossing, "stale")
    assert.deepStrictEqual(sent(crossing), ["Open"])
    const open = stateOf(step(withdrawn, hearing("stock", openOf("foil", opened().document!))))
    assert.strictEqual(open.status, "open")
    assert.deepStrictEqual(owed(open), [])
  })

  it("S7: does not come of one that was taken back before, and who has taken it back learns that", () => {
    const withdrawn = stateOf(step(offered(), { _tag: "Withdraw" }))
    const withdraw = { _tag: "Withdraw", tally, by: "stock", revision: 1 } as const
    const taken = step(received(), hearing("foil", withdraw))
    assert.deepStrictEqual(sent(taken), ["Refuse"])
    assert.deepStrictEqual(told(taken), ["tally.withdrawn"])
    isUnchanged(step(stateOf(taken), accepting("foil", received())), "stale", "nothing-to-accept")
    const final = stateOf(step(withdrawn, hearing("stock", { ...withdraw, _tag: "Refuse", by: "foil" })))
    assert.deepStrictEqual(owed(final), [])
    const late = step(final, hearing("stock", openOf("foil", documentBy(parties, "stock", 1))))
    isUnchanged(late, "refused", "refused-before")
    assert.deepStrictEqual(sent(late), ["Refuse"])
  })

  it("S8: a ticket that comes twice makes one draft with its partner, and one that somebody else has brought none", () => {
    const begun = { holder: stock.cuid, id: tally, side: "stock", draft: draftOf(parties, "stock") } as const
    const event = { _tag: "Redeemed", ...begun, from: foil.node, partner: foil.cert } as const
    for (const start of [drafted("stock"), undefined]) {
      const first = step(start, event)
      assert.deepStrictEqual(told(first), ["tally.requested"])
      assert.deepStrictEqual(stateOf(first).partner, foil.cert.chad)
      isUnchanged(step(stateOf(first), event), "stale", "redeemed")
      const { cert, node } = party("other", 9, 9)
      isUnchanged(step(stateOf(first), { ...event, from: node, partner: cert }), "refused", "redeemed")
      assert.strictEqual(stateOf(step(stateOf(first), offering("stock", 1))).status, "offered")
    }
    isUnchanged(step(drafted("stock"), { ...event, from: stock.node }), "refused", "not-the-partner")
  })

  it("S10: does not come of another document than was signed here, and the user is told", () => {
    const signedHere = documentBy(parties, "stock", 1)
    const altered = { ...signedHere, foil: { ...signedHere.foil, terms: { limit: 99n } } }
    const foilSign = signed(foil, altered)
    const key = party("mallory", 9, 9)
    const certified = {
      ...signedHere,
      stock: { ...signedHere.stock, cert: { ...stock.cert, public: key.cert.public } }
    }
    const forgeries = [
      { document: altered, signs: { stock: signed(stock, signedHere), foil: foilSign } },
      { document: altered, signs: { foil: foilSign } },
      { document: certified, signs: { stock: signed(key, certified), foil: signed(foil, certified) } },
      { document: signedHere, signs: { stock: signed(stock, signedHere), foil: foilSign } }
    ]
    for (const forgery of forgeries) {
      const result = step(offered(), hearing("stock", { _tag: "Open", by: "foil", heard: false, ...forgery }))
      isUnchanged(result, "refused", "bad-signature")
      assert.deepStrictEqual(told(result), ["tally.trouble"])
    }
  })

  it("S27: comes back at a half that has lost it, from whatever it was restored to", () => {
    const partner = stateOf(step(opened(), hearing("foil", openOf("stock", opened().document!, true))))
    const again = retold(partner)[0]
    if (again?._tag !== "Open") return assert.fail("not said again")
    const restored = [undefined, drafted("stock"), offered(), stateOf(step(offered(), { _tag: "Withdraw" }))]
    for (const half of restored) {
      const state = stateOf(step(half, hearing("stock", again)))
      assert.strictEqual(state.status, "open")
      assert.strictEqual(state.holder, stock.cuid)
      assert.deepStrictEqual(state.document, partner.document)
      assert.deepStrictEqual(state.chain, partner.chain)
    }
    // And who has accepted and forgotten it.
    const other = openOf("stock", partner.document!)
    assert.strictEqual(stateOf(step(received(), hearing("foil", other))).status, "open")
    assert.strictEqual(stateOf(step(undefined, hearing("foil", other))).status, "open")
  })
})

describe("who may change a half", () => {
  it("I15: nobody but the node of the partner, and only for the partner's side", () => {
    const stranger = party("else", 9, 9)
    const halves = [drafted("foil"), received(), offered(), opened(), stateOf(step(offered(), { _tag: "Withdraw" }))]
    for (const half of halves) {
      const { side } = half
      const by = Document.other(side)
      const about = { tally, by, revision: half.revision === 0 ? 1 : half.revision }
      const messages: ReadonlyArray<TallyMessage> = [
        offerOf(by, 2),
        openOf(by, documentBy(parties, "stock", 1)),
        { _tag: "Withdraw", ...about },
        { _tag: "Refuse", ...about },
        { _tag: "Revise", ...about }
      ]
      for (const message of messages) {
        const event = hearing(side, message)
        if (event._tag !== "Heard") return
        for (const from of [stranger.node, parties[side].node]) isUnchanged(step(half, { ...event, from }), "refused")
        // Its own words, as if they came from the other side.
        if (half.partner !== undefined && !("document" in message))
          isUnchanged(step(half, { ...event, message: { ...message, by: side } }), "refused", "not-the-partner")
      }
    }
  })

  it("nothing is known of a tally that nobody has offered", () => {
    const about = { tally, by: "stock", revision: 1 } as const
    for (const _tag of ["Withdraw", "Refuse", "Revise"] as const)
      isUnchanged(step(undefined, hearing("foil", { _tag, ...about })), "stale", "unknown-tally")
    isUnchanged(step(undefined, { _tag: "Withdraw" }), "stale", "unknown-tally")
  })

  it("a party that learns that it had refused what it has accepted gives it up, unless something is written on it", () => {
    const half = opened()
    const refuse = hearing("foil", { _tag: "Refuse", tally, by: "stock", revision: 1 })
    const ended = stateOf(step(half, refuse))
    assert.strictEqual(ended.status, "void")
    assert.isUndefined(ended.chain)
    isUnchanged(step({ ...half, sums: { ...half.sums, net: 1n } }, refuse), "stale", "open")
  })

  it("two documents that both have signed, which takes a lost database, end in the later one if nothing is written", () => {
    const later = documentBy(parties, "foil", 2)
    const half = opened()
    assert.deepStrictEqual(stateOf(step(half, hearing("foil", openOf("stock", later)))).document, later)
    const written = { ...half, sums: { ...half.sums, net: 1n } }
    const result = step(written, hearing("foil", openOf("stock", later)))
    isUnchanged(result, "refused", "another-document")
    assert.deepStrictEqual(told(result), ["tally.trouble"])
    const mine = stateOf(step(undefined, hearing("foil", openOf("stock", later))))
    assert.deepStrictEqual(sent(step(mine, hearing("foil", openOf("stock", documentBy(parties, "stock", 1))))), [
      "Open"
    ])
  })
})
