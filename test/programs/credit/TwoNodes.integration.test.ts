/**
 * Two nodes as processes, each with a user: how they come to a tally and pay each other, at the command line, over kills and repetitions.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { stat } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { ExitCode } from "../../../src/programs/ExitCode.ts"
import { ChitPage, Done, TallyHalf, TallyPage } from "../../../src/programs/http/CreditModels.ts"
import { AttentionList } from "../../../src/programs/http/Models.ts"
import { temporaryFolder } from "../HoldfastProcess.ts"
import { CreditSite } from "./CreditSite.ts"

const folder = await temporaryFolder()
const alice = new CreditSite(join(folder.path, "alice"))
const bob = new CreditSite(join(folder.path, "bob"))

beforeAll(async () => {
  await alice.start()
  await bob.start(alice)
})

afterAll(async () => {
  await Promise.all([alice.stop(), bob.stop()])
  await folder.remove()
})

const balance = async (site: CreditSite): Promise<bigint> => {
  const { items } = await site.json(TallyPage, "tally", "list")
  const [half] = items
  assert.lengthOf(items, 1)
  return half?.sums.net ?? 0n
}

describe("credit of two nodes", () => {
  it("has users whose keys are in the data folder, for its owner alone", async () => {
    assert.include((await alice.fails("tally", "list")).message, "holdfast user add")
    assert.include(await alice.says("user", "add", "alice", "--name", "Alice Example"), "alice:")
    assert.include(await bob.says("user", "add", "bob"), "bob:")
    assert.include(await alice.says("user", "list"), "Alice Example")
    assert.match(await alice.says("user", "show", "alice"), /Address +alice:[A-Za-z0-9_-]{43}@127\.0\.0\.1:\d+/)
    const { mode } = await stat(join(alice.folder, "keyring.json"))
    assert.strictEqual(mode & 0o777, 0o600)
  })

  it("begins with a ticket, an offer and its acceptance, over a kill", async () => {
    const { tally } = await alice.json(Done, "tally", "draft", "--limit", "100", "--partner-limit", "20000m")
    assert.isDefined(tally)
    const invitation = await alice.says("tally", "ticket", tally)
    assert.match(invitation, /^\{"token":"[0-9a-f]{32}","chad":"alice:/)
    await bob.says("tally", "show", invitation)
    await alice.hears("alice", "tally.requested")
    assert.include(await alice.says("tally", "offer", "bob"), "Offered")
    await bob.hears("bob", "tally.received")
    const waiting = await bob.json(AttentionList, "attention", "--for", "bob")
    assert.deepInclude(waiting.items[0], { protocol: "credit", audience: "bob" })
    assert.match(await bob.says("status"), /^Waiting +1 thing, 0 for the operator, the oldest for .*: see/m)
    assert.match(await alice.says("status"), /^Waiting +nothing$/m)
    await bob.kill()
    await bob.start()
    assert.include(await bob.says("tally", "status", "alice"), "an offer that waits for your answer")
    await bob.says("tally", "accept", "alice")
    await alice.hears("alice", "tally.open")
    const half = await alice.json(TallyHalf, "tally", "status", "bob")
    assert.deepInclude(half, { status: "open", side: "stock", id: tally })
    assert.include(await alice.says("tally", "status", "bob"), "100.000 CHIP (100000 milli-CHIP)")
    assert.include(await alice.says("tally", "status", "bob"), "20.000 CHIP (20000 milli-CHIP)")
  })

  it("pays an invoice, and once whatever is paid under a key", async () => {
    const { chit = "" } = await alice.json(Done, "chit", "ask", "bob", "12.5", "--memo", "two hours")
    await bob.told("bob", ({ body, kind }) => kind === "chit.asked" && JSON.stringify(body).includes(chit))
    assert.include(await bob.says("chit", "list", "alice"), "asked of you")
    assert.include(await bob.says("pay", "alice", chit, "--key", "one"), "Paid invoice")
    assert.include(await bob.says("pay", "alice", chit, "--key", "one"), "Paid invoice")
    await alice.told("alice", ({ body, kind }) => kind === "chit.good" && JSON.stringify(body).includes(chit))
    assert.strictEqual(await balance(alice), 12_500n)

    const paid = await bob.json(Done, "pay", "alice", "250m", "--key", "two")
    assert.deepStrictEqual(await bob.json(Done, "pay", "alice", "250m", "--key", "two"), paid)
    const taken = await bob.fails("pay", "alice", "251m", "--key", "two")
    assert.strictEqual(taken.code, ExitCode.refused)
    assert.include(taken.message, "take a new one")
    assert.strictEqual(await balance(bob), 12_750n)
    assert.match(await bob.says("tally", "list"), /-12\.750/)
    assert.match(await bob.says("tally", "status"), /Owed by you +12\.750 CHIP \(12750 milli-CHIP\)/)
  })

  it("goes on after a kill: what was paid meanwhile arrives once", async () => {
    await alice.kill()
    const { chit = "" } = await bob.json(Done, "pay", "alice", "1", "--ref", "while you were away")
    await alice.start()
    await alice.told("alice", ({ body, kind }) => kind === "chit.good" && JSON.stringify(body).includes(chit))
    assert.strictEqual(await balance(alice), 13_750n)
    const Listed = Schema.Struct({ ...ChitPage.fields, moving: ChitPage.fields.items })
    const listed = await alice.json(Listed, "chit", "list", "bob")
    assert.lengthOf([...listed.items, ...listed.moving], 3)
    assert.include(await alice.says("chit", "evidence", "bob"), "There is none")
  })

  it("refuses in a sentence what does not fit", async () => {
    const refused = await bob.fails("pay", "alice", "1000000")
    assert.strictEqual(refused.code, ExitCode.refused)
    assert.notMatch(refused.message, /GET \//)
    const nobody = await bob.fails("pay", "carol", "1")
    assert.strictEqual(nobody.code, ExitCode.usage)
    assert.include(nobody.message, "holdfast tally list")
  })

  it("tells a user what has happened to them, and goes on where they were", async () => {
    const first = await bob.told("bob", () => true)
    assert.strictEqual(first.audience, "bob")
    const second = await bob.told("bob", () => true, first.cursor)
    assert.strictEqual(second.audience, "bob")
    assert.notStrictEqual(second.cursor, first.cursor)
    const shown = await bob.says("events", "--for", "bob", "--json")
    assert.isTrue(shown.split("\n").every((line) => line.includes('"audience":"bob"')))
    assert.include(await bob.says("events", "--for", "bob"), "chit.asked")
  })

  it("leaves nothing that an audit would find", async () => {
    await alice.says("audit")
    await bob.says("audit")
  })
})
