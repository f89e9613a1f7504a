/**
 * What the usual rules for two connections between the same two peers come to, in every interleaving: each ends with
 * nothing, or locks a peer out that has lost its connection. They are controls: the explorer that finds nothing wrong
 * with the arbiter finds all of this.
 */
import { assert, describe, it } from "@effect/vitest"
import { explore } from "../../support/explorer/Explorer.ts"
import { production } from "../../support/explorer/Machine.ts"
import { mutations } from "../../support/explorer/LinkMutations.ts"
import { situation } from "../../support/explorer/LinkScenarios.ts"
import { linkSpace } from "../../support/explorer/LinkSpace.ts"
import {
  blocked,
  type Contest,
  contestSpace,
  flap,
  type RuleName,
  rules,
  zero
} from "../../support/explorer/TieBreak.ts"

const safe = undefined

/** Where the lower one had dialled the dead connection: the lower one noticed, the greater one did; the same where the greater one had. */
type AfterCut = readonly [string | undefined, string | undefined, string | undefined, string | undefined]

interface Row {
  readonly rule: RuleName
  /** The slot is taken at completion, and each side dials once or twice. */
  readonly once: string | undefined
  readonly twice: string | undefined
  /** The slot is reserved at dial, and each side dials up to three times. */
  readonly reserved: string | undefined
  readonly afterCut: AfterCut
  /** Dials of the lower one hang, and the slot is reserved. */
  readonly firewalled: string | undefined
}

const recovers: AfterCut = [safe, safe, safe, safe]
const table: ReadonlyArray<Row> = [
  {
    rule: "the founding plan's code",
    once: zero,
    twice: zero,
    reserved: safe,
    afterCut: [blocked, blocked, safe, blocked],
    firewalled: zero
  },
  {
    rule: "the lower one's dial, the same way keep the old",
    once: safe,
    twice: zero,
    reserved: safe,
    afterCut: [blocked, blocked, safe, blocked],
    firewalled: zero
  },
  {
    rule: "the lower one's dial, the same way keep the new",
    once: safe,
    twice: zero,
    reserved: safe,
    afterCut: [safe, blocked, safe, safe],
    firewalled: zero
  },
  {
    rule: "the first wins",
    once: zero,
    twice: zero,
    reserved: zero,
    afterCut: [blocked, blocked, blocked, blocked],
    firewalled: zero
  },
  { rule: "the newest wins", once: zero, twice: zero, reserved: zero, afterCut: recovers, firewalled: safe },
  {
    rule: "a used one yields, else the greater one's dial",
    once: zero,
    twice: zero,
    reserved: zero,
    afterCut: [blocked, safe, blocked, safe],
    firewalled: safe
  }
]

/** What goes wrong in some interleaving, after all of them if nothing does. */
const worst = (rule: RuleName, contest: Omit<Contest, "rule">): string | undefined => {
  const { complete, wrong } = explore(contestSpace(rule, { rule: rules[rule], ...contest }))
  assert.isTrue(complete || wrong !== undefined)
  return wrong?.what
}

const bothWays = ["at completion", "at dial"] as const
const afterCut = (rule: RuleName, takes: (typeof bothWays)[number], used: boolean): ReadonlyArray<string | undefined> =>
  ([0, 1] as const).flatMap((dialer) =>
    ([0, 1] as const).map((noticedBy) => worst(rule, { takes, dials: 1, dead: { dialer, noticedBy, used } }))
  )

for (const { afterCut: expected, firewalled, once, reserved, rule, twice } of table) {
  describe(rule, () => {
    it(`ends with ${twice === zero ? "nothing at all" : "one connection"} if the slot is taken at completion`, () => {
      assert.strictEqual(worst(rule, { takes: "at completion", dials: 1 }), once)
      assert.strictEqual(worst(rule, { takes: "at completion", dials: 2 }), twice)
    })

    it(`ends with ${reserved === zero ? "nothing at all" : "one connection"} if the slot is reserved at dial`, () => {
      for (const dials of [1, 2, 3]) assert.strictEqual(worst(rule, { takes: "at dial", dials }), reserved)
    })

    it(`${expected.includes(blocked) ? "may lock out" : "lets in again"} who has lost a connection silently`, () => {
      for (const takes of bothWays) assert.deepStrictEqual(afterCut(rule, takes, false), expected)
    })

    it(`ends with ${firewalled === zero ? "nothing" : "one connection"} if the lower one's dials hang`, () => {
      assert.strictEqual(worst(rule, { takes: "at dial", dials: 2, firewalled: true }), firewalled)
    })
  })
}

describe("besides", () => {
  it("the newest wins closes connections that work", () => {
    assert.strictEqual(worst("the newest wins", { takes: "at completion", dials: 1, noFlaps: true }), flap)
  })

  it("a used one yields lets everybody in again once bytes have gone both ways", () => {
    const rule = "a used one yields, else the greater one's dial"
    for (const takes of bothWays) assert.deepStrictEqual(afterCut(rule, takes, true), recovers)
  })

  it("a reserved slot of a dial that hangs refuses the only side that could connect, and nothing else does", () => {
    for (const rule of ["the founding plan's code", "the lower one's dial, the same way keep the old"] as const) {
      assert.strictEqual(worst(rule, { takes: "at completion", dials: 1, firewalled: true }), safe)
    }
  })
})

describe("the arbiter commits", () => {
  const names = ["two cuts that only P notices", "two cuts that only Q notices"]

  it("ends with one connection on which both agree and closes none that works, with one to three dials a side", () => {
    for (const budget of [1, 2, 3]) {
      const { complete, wrong } = explore(linkSpace({ ...situation("both dial"), budget }, production))
      assert.isTrue(complete, wrong?.what)
    }
  })

  it("lets in again who has lost a connection silently, whoever had dialled it and whoever has noticed", () => {
    for (const name of names) {
      const { complete, excused, wrong } = explore(linkSpace({ ...situation(name), budget: 2, cuts: 1 }, production))
      assert.isTrue(complete, wrong?.what)
      assert.deepStrictEqual(excused, {})
    }
  })

  it("ends with one connection if the lower one's dials hang", () => {
    const { complete, wrong } = explore(linkSpace({ ...situation("three cuts, P's dials hang"), cuts: 0 }, production))
    assert.isTrue(complete, wrong?.what)
  })

  it("would end with nothing, however many dials there are, if any REJECT counted as not holding the session", () => {
    const shortcut = mutations.find(({ name }) => name.includes("after any REJECT"))!
    for (const budget of [1, 2, 3, 8]) {
      const { wrong } = explore(linkSpace({ ...situation("both dial"), budget }, shortcut.machine))
      assert.strictEqual(wrong?.what, "wrong: no session although nothing is in the way")
    }
  })
})
