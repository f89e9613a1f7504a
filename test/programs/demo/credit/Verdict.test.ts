import { assert, describe, it } from "@effect/vitest"
import { type Facts, none } from "../../../../src/programs/demo/credit/Facts.ts"
import { owed, pairs, type Site, sites } from "../../../../src/programs/demo/credit/Sites.ts"
import { lines, summary } from "../../../../src/programs/demo/credit/Summary.ts"
import { failures } from "../../../../src/programs/demo/credit/Verdict.ts"

const promised = { A: "promised", B: "promised", C: "promised", D: "promised" } as const
const good = { A: "good", B: "good", C: "good", D: "good" } as const

/** All that there is to see when everything goes well. */
const facts = (change: Partial<Facts> = {}): Facts => ({
  invoices: 5,
  killedAt: promised,
  remembered: "promised",
  cutAt: { ...promised, C: "good", D: "good" },
  payment: "good",
  settled: good,
  circle: "good",
  balances: pairs.map((pair) => ({ ...pair, atDebtor: owed(pair), atCreditor: owed(pair), isQuiet: true })),
  audits: sites.map((site) => ({ site, code: 0, text: "Nothing found" })),
  stops: sites.map((site) => ({ site, code: 0, signal: null, millis: 200 })),
  ranOutAfter: undefined,
  ...change
})

const at = <Row extends { readonly site: Site }>(rows: ReadonlyArray<Row>, site: Site, change: Partial<Row>) =>
  rows.map((row) => (row.site === site ? { ...row, ...change } : row))

describe("the verdict of the demo of credit", () => {
  it("passes when everything is settled, and what is owed is the payment alone", () => {
    assert.deepStrictEqual(failures(facts()), [])
    assert.deepStrictEqual(pairs.map(owed), [25_000n, 25_000n, 25_000n, 0n, 0n])
  })

  it("fails where an audit has found something, or came to no end, and shows what it has said", () => {
    const found = facts({ audits: at(facts().audits, "C", { code: 1, text: "credit/sum-wrong" }) })
    assert.deepStrictEqual(failures(found), ["the audit of site C has found something (code 1)"])
    const result = summary(found, { database: "pglite", seconds: 1, folder: "/somewhere" })
    assert.isFalse(result.ok)
    assert.include(lines(found, result).join("\n"), "    credit/sum-wrong")
    assert.include(lines(found, result).join("\n"), "FAILED")
    assert.deepStrictEqual(failures(facts({ audits: at(facts().audits, "D", { code: null }) })), [
      "the audit of site D came to no end"
    ])
    assert.lengthOf(failures(facts({ audits: [] })), 5)
  })

  it("fails where a fault has not struck when it should", () => {
    assert.include(failures(facts({ killedAt: undefined })), "the relay was not killed")
    assert.include(failures(facts({ killedAt: { ...promised, C: "absent" } }))[0], "carol absent")
    assert.include(failures(facts({ remembered: "absent" }))[0], "says absent afterwards")
    assert.include(failures(facts({ cutAt: good }))[0], "alice good")
    assert.include(failures(facts({ cutAt: promised }))[0], "dave promised")
    assert.include(failures(facts({ cutAt: undefined })), "the line was not cut when the lift was decided")
  })

  it("fails where ends of a tally differ, or are not what they should be, or not settled", () => {
    const [first, ...others] = facts().balances
    assert.isDefined(first)
    const ends = failures(facts({ balances: [{ ...first, atCreditor: 24_000n }, ...others] }))
    assert.deepStrictEqual(ends, ["alice owes bob 25.000 there and 24.000 here, and it should be 25.000"])
    assert.lengthOf(failures(facts({ balances: [{ ...first, isQuiet: false }, ...others] })), 1)
    assert.lengthOf(failures(facts({ balances: others })), 1)
  })

  it("fails where a lift is not good, an invoice not paid, a site not stopped in order, or the time over", () => {
    assert.deepStrictEqual(failures(facts({ payment: "void" })), ["the payment is void, and not good"])
    assert.lengthOf(failures(facts({ settled: { ...good, B: "promised" } })), 1)
    assert.lengthOf(failures(facts({ circle: undefined })), 1)
    assert.deepStrictEqual(failures(facts({ invoices: 4 })), ["4 of 5 invoices were paid"])
    const killed = at(facts().stops, "E", { code: null, signal: "SIGKILL" })
    assert.deepStrictEqual(failures(facts({ stops: killed })), ["site E did not stop in order: it ended by SIGKILL"])
    assert.deepStrictEqual(failures(facts({ ranOutAfter: 3 })), ["not everything was settled within 3 s"])
    assert.isAbove(failures(none()).length, 10)
  })
})
