import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { Cuid, type Person } from "../../../src/protocol/credit/Chad.ts"
import { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import {
  issue,
  lifeByDefault,
  mostUses,
  type Redeem,
  redeem,
  type Redemption,
  revoke,
  Ticket
} from "../../../src/protocol/credit/Ticket.ts"
import { Token } from "../../../src/protocol/credit/Token.ts"
import { keyOf, noon } from "../../support/credit/CreditSamples.ts"

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`
const token = Token.make("00112233445566778899aabbccddeeff")
const draft = TallyId.make(uuid(1))
const issued = (more: { readonly reuse?: boolean; readonly life?: number } = {}): Ticket =>
  issue({ token, holder: Cuid.make("alice"), tally: draft, reuse: false, now: noon, ...more })
const bob: Person = { cuid: Cuid.make("bob"), agent: keyOf("site-b") }
const carol: Person = { cuid: Cuid.make("carol"), agent: keyOf("site-c") }

/** A node's two tables, to which each request comes as a message does. */
const desk = (first: Ticket | undefined) => {
  let ticket = first
  const redemptions = new Map<string, Redemption>()
  let fresh = 100
  const come = (request: number, by: Person = bob, now = noon): string => {
    const event: Redeem = {
      request: uuid(request),
      by,
      now,
      fresh: TallyId.make(uuid(fresh++)),
      ticket,
      known: redemptions.get(uuid(request))
    }
    const step = redeem(event)
    if (step._tag === "Unfit") {
      assert.strictEqual(step.outcome, "refused")
      return step.reason
    }
    if (step.isNew) {
      ticket = step.ticket
      assert.isFalse(redemptions.has(uuid(request)), "a new one for a request that has its tally")
      redemptions.set(uuid(request), step.redemption)
    }
    return step.redemption.tally
  }
  return { come, redemptions, ticket: () => ticket, set: (to: Ticket | undefined) => void (ticket = to) }
}

describe("a ticket", () => {
  it("lives 48 hours if nothing else is said", () => {
    assert.strictEqual(issued().expires, noon + lifeByDefault)
    assert.strictEqual(lifeByDefault, 172_800_000)
    assert.strictEqual(issued({ life: 1_000 }).expires, noon + 1_000)
    const forEver = issued({ life: Number.MAX_SAFE_INTEGER })
    assert.deepStrictEqual(Schema.decodeUnknownSync(Ticket)(Schema.encodeSync(Ticket)(forEver)), forEver)
  })

  it("for one time gives its own draft to the first who shows it", () => {
    const { come } = desk(issued())
    assert.strictEqual(come(1), draft)
    assert.strictEqual(come(2), "ticket-used")
    assert.strictEqual(come(3, carol), "ticket-used")
  })

  it("to be used again gives each request a tally of its own, and a request that comes twice one (S8)", () => {
    const { come, redemptions } = desk(issued({ reuse: true }))
    const one = come(1)
    const two = come(2, carol)
    assert.notStrictEqual(one, draft)
    assert.notStrictEqual(one, two)
    for (let again = 0; again < 3; again++) {
      assert.strictEqual(come(1), one)
      assert.strictEqual(come(2, carol), two)
    }
    assert.strictEqual(redemptions.size, 2)
  })

  it("that is used, expired or gone still answers the request that has its tally", () => {
    const { come, set } = desk(issued())
    const tally = come(1)
    assert.strictEqual(come(1, bob, noon + lifeByDefault * 10), tally)
    set(undefined)
    assert.strictEqual(come(1), tally)
  })

  it("is refused when it is unknown, from the moment on that it expires, and after it was revoked", () => {
    assert.strictEqual(desk(undefined).come(1), "ticket-unknown")
    const end = noon + lifeByDefault
    assert.strictEqual(desk(issued()).come(1, bob, end - 1), draft)
    assert.strictEqual(desk(issued()).come(1, bob, end), "ticket-expired")
    assert.strictEqual(desk(issued({ life: -5 })).come(1), "ticket-expired")
    assert.strictEqual(desk(revoke(issued({ reuse: true }), noon)).come(1), "ticket-expired")
    assert.strictEqual(revoke(issued(), end + 5).expires, end, "revoking makes no ticket live longer")
  })

  it("gives nobody the tally of somebody else's request", () => {
    const { come } = desk(issued({ reuse: true }))
    come(1)
    assert.strictEqual(come(1, carol), "request-taken")
    assert.strictEqual(come(1, { ...bob, agent: keyOf("site-a") }), "request-taken")
  })

  it("to be used again is used up after so many times", () => {
    const { come } = desk({ ...issued({ reuse: true }), used: mostUses - 1 })
    const last = come(1)
    assert.strictEqual(come(2), "ticket-used")
    assert.strictEqual(come(1), last)
  })

  it.prop(
    "makes one tally of each request, in whatever order and however often they come",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))), Schema.Boolean],
    ([requests, reuse]) => {
      const { come, redemptions, ticket } = desk(issued({ reuse }))
      const first = new Map<number, string>()
      for (const request of requests) {
        const answer = come(request)
        assert.strictEqual(first.get(request) ?? answer, answer, "one request, one answer")
        first.set(request, answer)
      }
      const tallies = new Set([...redemptions.values()].map(({ tally }) => tally))
      assert.strictEqual(tallies.size, reuse ? first.size : Math.min(1, first.size))
      assert.strictEqual(ticket()?.used, tallies.size)
    }
  )

  it("has a token of 32 hex digits", () => {
    const takes = (text: unknown) => Result.isSuccess(Schema.decodeUnknownResult(Token)(text))
    assert.isTrue(takes(token))
    for (const bad of ["", token.slice(1), `${token}0`, token.toUpperCase(), `${token}\n`, "g".repeat(32), 5]) {
      assert.isFalse(takes(bad), String(bad))
    }
  })
})
