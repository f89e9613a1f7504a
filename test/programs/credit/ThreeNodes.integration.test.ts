/**
 * Three nodes as processes: a payment from one end to the other over the one in the middle, at the command line.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { ExitCode } from "../../../src/programs/ExitCode.ts"
import {
  Done,
  LiftState,
  Payment,
  PaymentPage,
  RouteState,
  TallyPage,
  User
} from "../../../src/programs/http/CreditModels.ts"
import * as Chad from "../../../src/protocol/credit/Chad.ts"
import { temporaryFolder } from "../HoldfastProcess.ts"
import { CreditSite } from "./CreditSite.ts"

const folder = await temporaryFolder()
const [alice, bob, carol] = [
  new CreditSite(join(folder.path, "alice")),
  new CreditSite(join(folder.path, "bob")),
  new CreditSite(join(folder.path, "carol"))
]

/** The tally of two users of two nodes, on which the second one may owe the first. */
const open = async (stock: CreditSite, one: string, foil: CreditSite, other: string): Promise<void> => {
  const { tally = "" } = await stock.json(Done, "tally", "draft", "--user", one, "--limit", "50")
  const shown = await foil.json(Done, "tally", "show", await stock.says("tally", "ticket", tally), "--user", other)
  assert.isDefined(shown.request)
  await stock.told(one, ({ kind, subject }) => kind === "tally.requested" && subject === tally)
  await stock.says("tally", "offer", tally)
  await foil.told(other, ({ kind, subject }) => kind === "tally.received" && subject === tally)
  await foil.says("tally", "accept", tally)
  await stock.told(one, ({ kind, subject }) => kind === "tally.open" && subject === tally)
}

const balances = async (site: CreditSite): Promise<ReadonlyArray<bigint>> =>
  (await site.json(TallyPage, "tally", "list")).items.map(({ side, sums }) => (side === "stock" ? sums.net : -sums.net))

const addressOf = async (site: CreditSite, user: string): Promise<string> =>
  Chad.format((await site.json(User, "user", "show", user)).certificate.chad)

beforeAll(async () => {
  await bob.start()
  await alice.start(bob)
  await carol.start(bob)
  await alice.says("user", "add", "alice")
  await bob.says("user", "add", "bob")
  await carol.says("user", "add", "carol")
  await open(bob, "bob", alice, "alice")
  await open(carol, "carol", bob, "bob")
})

afterAll(async () => {
  await Promise.all([alice.stop(), bob.stop(), carol.stop()])
  await folder.remove()
})

describe("a payment over a node in the middle", () => {
  it("finds its way", async () => {
    const found = await alice.json(RouteState, "route", "find", await addressOf(carol, "carol"), "30")
    assert.strictEqual(found.status, "found")
    assert.lengthOf(found.ways[0]?.legs ?? [], 2)
    const shown = await alice.says("route", "show", found.query)
    assert.include(shown, "50.000 CHIP")
    const none = await alice.fails("route", "find", await addressOf(carol, "carol"), "51")
    assert.strictEqual(none.code, ExitCode.refused)
    assert.include(none.message, "no way")
  })

  it("moves on all tallies at once, and once under a key", async () => {
    const to = await addressOf(carol, "carol")
    const pay = ["lift", "pay", to, "12.5", "--key", "order", "--memo", "tea"] as const
    const paid = await alice.json(Payment, ...pay)
    assert.deepInclude(paid, { status: "good", units: 12_500n, memo: "tea" })
    assert.include(await alice.says(...pay), `Paid 12.500 CHIP (12500 milli-CHIP) by lift ${paid.lift}`)
    await carol.told("carol", ({ kind, subject }) => kind === "lift.good" && subject === paid.lift)
    assert.deepStrictEqual(await balances(alice), [-12_500n])
    assert.deepStrictEqual((await balances(bob)).toSorted(), [-12_500n, 12_500n].toSorted())
    assert.deepStrictEqual(await balances(carol), [12_500n])
    const listed = await alice.json(PaymentPage, "lift", "list")
    assert.deepStrictEqual(
      listed.items.map(({ lift }) => lift),
      [paid.lift]
    )
    const Shown = Schema.Struct({ payment: Payment, lift: LiftState })
    const { lift } = await alice.json(Shown, "lift", "show", paid.lift)
    assert.deepInclude(lift, { status: "good" })
    assert.lengthOf(lift.plan.legs, 2)
    assert.isDefined(lift.record)
    for (const site of [alice, bob, carol]) await site.says("audit")
  })

  it("says why nothing was paid where there is no room", async () => {
    const refused = await alice.fails("lift", "pay", await addressOf(carol, "carol"), "49", "--life", "20s")
    assert.strictEqual(refused.code, ExitCode.refused)
    assert.include(refused.message, "Nothing was paid")
    assert.deepStrictEqual(await balances(alice), [-12_500n])
  })
})
