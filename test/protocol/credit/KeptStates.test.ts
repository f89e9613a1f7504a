import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Cbor from "../../../src/protocol/Cbor.ts"
import { stepped, unfit } from "../../../src/protocol/credit/Action.ts"
import { ChitState } from "../../../src/protocol/credit/ChitState.ts"
import { mostSteps, Query, Way } from "../../../src/protocol/credit/Route.ts"
import { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import * as Samples from "../../support/credit/CreditSamples.ts"

const { alice, bob, document, entries, goodRecord, head, noon, plan, positions, setting, signs } = Samples

const half: TallyHalf = {
  holder: alice.chad.cuid,
  id: document.uuid,
  side: "stock",
  partner: bob.chad,
  status: "open",
  wish: "withdraw",
  revision: 1,
  document,
  signs,
  sets: {
    stock: setting.sets,
    foil: {}
  },
  trouble: "a person has to look at it",
  draft: {
    memo: "",
    agree: document.agree,
    cert: alice,
    terms: { limit: 1n },
    partnerTerms: { limit: 0n },
    partner: bob
  },
  sums: {
    net: -5n,
    up: 7n,
    down: 0n
  },
  chain: {
    at: positions[4]!,
    told: 4,
    agreed: 4,
    head,
    unplaced: 2,
    closedThere: false
  }
}
const chit: ChitState = {
  holder: bob.chad.cuid,
  core: entries[3]!.chit.core,
  status: "good",
  revision: 1,
  changed: noon,
  index: 4,
  hash: positions[4]!.hash,
  record: goodRecord
}

const comesBack = <A, I>(schema: Schema.Codec<A, I>, value: A): void => {
  const stored: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(schema)(value)))
  assert.deepStrictEqual(Schema.decodeUnknownSync(schema)(stored), value)
  const codec = Cbor.codec("kept", schema)
  assert.deepStrictEqual(Result.getOrThrow(codec.decode(codec.encode(value))), value)
}
const takes = <A, I>(schema: Schema.Codec<A, I>, value: A, change: object): boolean =>
  Result.isSuccess(Schema.decodeUnknownResult(schema)({ ...Schema.encodeSync(schema)(value), ...change }))

describe("what a node keeps", () => {
  it("of a tally comes back from JSON as it was, full or empty", () => {
    comesBack(TallyHalf, half)
    const {
      chain: _chain,
      document: _document,
      draft: _draft,
      partner: _partner,
      trouble: _trouble,
      wish: _wish,
      ...bare
    } = half
    comesBack(TallyHalf, { ...bare, status: "draft", signs: {}, revision: 0 })
  })

  it("of a tally is refused where it makes no sense", () => {
    assert.isTrue(takes(TallyHalf, half, {}))
    for (const change of [{ side: "left" }, { status: "offer" }, { wish: "close" }, { revision: -1 }, { sums: {} }]) {
      assert.isFalse(takes(TallyHalf, half, change), JSON.stringify(change))
    }
    assert.isFalse(takes(TallyHalf, half, { sums: { net: "0", up: "-1", down: "0" } }))
  })

  it("of a chit comes back from JSON as it was", () => {
    comesBack(ChitState, chit)
    for (const { chit: one } of entries.slice(0, 3)) {
      comesBack(ChitState, {
        holder: bob.chad.cuid,
        status: "asked",
        revision: 3,
        changed: noon,
        ...one
      })
    }
    for (const change of [{ status: "paid" }, { revision: 0 }, { index: -1 }, { hash: "x" }, { changed: -1 }]) {
      assert.isFalse(takes(ChitState, chit, change), JSON.stringify(change))
    }
  })
})

describe("a query and a way", () => {
  const query = {
    query: Schema.decodeUnknownSync(Query.fields.query)(plan.lift),
    find: plan.payee,
    units: 5n,
    step: 1,
    expires: noon
  }

  it("come back as they were", () => {
    comesBack(Query, query)
    comesBack(Way, { legs: plan.legs, room: 0n })
  })

  it("have bounded steps and legs", () => {
    for (const step of [1, mostSteps]) assert.isTrue(takes(Query, query, { step }))
    for (const step of [0, mostSteps + 1, 1.5]) assert.isFalse(takes(Query, query, { step }))
    assert.isFalse(takes(Query, query, { units: "0" }))
    const way = { legs: plan.legs, room: 1n }
    assert.isFalse(takes(Way, way, { legs: [] }))
    assert.isFalse(takes(Way, way, { legs: Array.from({ length: 13 }, () => plan.legs[0]) }))
  })
})

describe("a step", () => {
  it("is a new state with what is to be done, or says why nothing changes", () => {
    const tell = { _tag: "Tell", user: undefined, subject: "s", kind: "k", body: {} } as const
    assert.deepStrictEqual(stepped(1, tell), { _tag: "Stepped", state: 1, actions: [tell] })
    const why = unfit("stale", "r", "d")
    assert.deepStrictEqual(why, {
      _tag: "Unfit",
      outcome: "stale",
      reason: "r",
      detail: "d",
      revision: "",
      actions: []
    })
  })
})
