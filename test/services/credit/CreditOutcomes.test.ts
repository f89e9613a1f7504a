/** What follows at a node from how its messages have ended at others. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import { ChitId } from "../../../src/protocol/credit/Chit.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import { QueryId } from "../../../src/protocol/credit/Route.ts"
import { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import * as InvoiceDesk from "../../../src/services/credit/InvoiceDesk.ts"
import * as LiftDesk from "../../../src/services/credit/LiftDesk.ts"
import * as RouteDesk from "../../../src/services/credit/RouteDesk.ts"
import * as TallyDesk from "../../../src/services/credit/TallyDesk.ts"
import * as TicketDesk from "../../../src/services/credit/TicketDesk.ts"
import * as Users from "../../../src/services/credit/Users.ts"
import { Records } from "../../../src/services/Records.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { join, net, open, type Party, plan, soon, start } from "../../support/credit/CreditParty.ts"
import { uuid } from "../../support/credit/Parties.ts"
import { pass } from "../../support/VirtualTime.ts"

const [ann_, bob_] = [Cuid.make("ann"), Cuid.make("bob")]
const chit = (n: number) => ChitId.make(uuid(7, n))

/** The party's half is as a backup has it that knows nothing of the tally. */
const forget = ({ node, user }: Party, tally: TallyId) =>
  node.run(
    Effect.gen(function* () {
      const records = yield* Records
      const holder = Cuid.make(user)
      yield* records.remove(Tables.halves, [holder, tally])
      for (const one of yield* records.page(Tables.chits, "key", { prefix: [holder, tally], limit: 100 })) {
        yield* records.remove(Tables.chits, [holder, tally, one.core.uuid])
      }
    })
  )

const change = ({ node, user }: Party, tally: TallyId, how: (half: TallyHalf) => TallyHalf) =>
  node.run(
    Effect.gen(function* () {
      const records = yield* Records
      const half = yield* records.lock(Tables.halves, [Cuid.make(user), tally])
      yield* records.put(Tables.halves, how(half!))
    })
  )

const chitOf = ({ node, user }: Party, tally: TallyId, id: ChitId) =>
  node.run(Effect.flatMap(Records, (records) => records.get(Tables.chits, [Cuid.make(user), tally, id])))

/** Stock pays `n` milli-CHIP unasked. */
const pays = ({ node, user }: Party, tally: TallyId, n: number) =>
  Effect.map(node.command(InvoiceDesk.pay(Cuid.make(user), { tally, uuid: chit(n), units: BigInt(n) })), (why) =>
    assert.isUndefined(why)
  )

describe("a message of credit that had no effect", () => {
  for (const late of ["stock", "foil"] as const) {
    it.effect(`has a tally opened again that the node of ${late} has forgotten, with all that is on it (S27)`, () =>
      Effect.gen(function* () {
        const [ann, bob] = yield* start("ann", "bob")
        const tally = yield* open(ann!, bob!, 1)
        yield* pays(bob!, tally, 50)
        yield* soon
        yield* pays(ann!, tally, 20)
        yield* soon
        const [loser, other] = late === "stock" ? [ann!, bob!] : [bob!, ann!]
        yield* forget(loser, tally)
        yield* pays(other, tally, 7)
        yield* soon
        const sum = late === "stock" ? 37n : 23n
        for (const party of [ann!, bob!]) assert.deepStrictEqual(yield* net(party, tally), ["open", sum, 0n])
        for (const party of [ann!, bob!]) assert.isUndefined((yield* party.node.half(party.user, tally))?.wish)
      }).pipe(Effect.scoped)
    )
  }

  it.effect("has an invoice asked for again once the tally is open again", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = yield* open(ann!, bob!, 1)
      yield* pays(bob!, tally, 50)
      yield* soon
      yield* forget(bob!, tally)
      yield* ann!.node.command(InvoiceDesk.ask(ann_, { tally, uuid: chit(1), units: 5n }))
      yield* soon
      assert.strictEqual((yield* chitOf(bob!, tally, chit(1)))?.status, "asked")
      assert.deepStrictEqual(yield* net(bob!, tally), ["open", 50n, 0n])
    }).pipe(Effect.scoped)
  )

  it.effect("takes a chit back whose id the other side has for something else, and the others count (S26)", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = yield* open(ann!, bob!, 1)
      yield* pays(bob!, tally, 50)
      yield* soon
      const core = { type: "tran", tally, uuid: chit(5), by: "stock", date: 1, units: 9n } as const
      yield* bob!.node.run(
        Effect.flatMap(Records, (records) =>
          records.put(Tables.chits, { holder: bob_, core, status: "asked", revision: 1, changed: 1 })
        )
      )
      yield* pays(ann!, tally, 5)
      yield* pays(ann!, tally, 6)
      yield* soon
      for (const party of [ann!, bob!]) assert.deepStrictEqual(yield* net(party, tally), ["open", 44n, 0n])
      assert.strictEqual((yield* chitOf(ann!, tally, chit(5)))?.status, "void")
      assert.include(yield* ann!.node.told("ann"), "chit.conflict")
      assert.include(yield* bob!.node.told("bob"), "chit.conflict")
      assert.strictEqual((yield* ann!.node.half("ann", tally))?.chain?.unplaced, 0)
    }).pipe(Effect.scoped)
  )

  it.effect("makes an offer void that is for nobody, and says why", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = TallyId.make(uuid(9, 1))
      const terms = { terms: { limit: 5n }, partnerTerms: { limit: 0n } }
      const drafted = { id: tally, side: "stock", memo: "", agree: { name: "none", rid: "none" }, ...terms } as const
      yield* ann!.node.command(TallyDesk.draft(ann_, drafted))
      const { certificate } = (yield* bob!.node.run(Users.get(bob_)))!
      const stranger = { ...certificate, chad: { ...certificate.chad, cuid: Cuid.make("nobody") } }
      const own = (yield* ann!.node.run(Users.get(ann_)))!.certificate
      const document = {
        version: 1,
        uuid: tally,
        revision: 1,
        date: 0,
        memo: "",
        agree: drafted.agree,
        stock: { cert: own, terms: terms.terms },
        foil: { cert: stranger, terms: terms.partnerTerms }
      } as const
      assert.isUndefined(yield* ann!.node.command(TallyDesk.offer(ann_, tally, { document })))
      yield* soon
      assert.strictEqual((yield* ann!.node.half("ann", tally))?.status, "void")
      assert.deepStrictEqual((yield* ann!.node.told("ann")).slice(-2), ["tally.offered", "tally.refused"])
    }).pipe(Effect.scoped)
  )

  it.effect("says that a tally does not open at the other end, and says it no more", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = yield* open(ann!, bob!, 1)
      yield* change(bob!, tally, (half) => ({ ...half, wish: "open" }))
      yield* ann!.node.run(Effect.flatMap(Records, (records) => records.remove(Tables.users, [ann_])))
      yield* bob!.node.command(TallyDesk.resend(bob_, tally))
      yield* soon
      const half = yield* bob!.node.half("bob", tally)
      assert.deepStrictEqual([half?.status, half?.wish], ["open", undefined])
      assert.strictEqual((yield* bob!.node.told("bob")).at(-1), "tally.trouble")
    }).pipe(Effect.scoped)
  )

  it.effect("takes an invoice back that the other node does not take any more", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = yield* open(ann!, bob!, 1)
      yield* change(bob!, tally, (half) => ({ ...half, status: "closed" }))
      yield* ann!.node.command(InvoiceDesk.ask(ann_, { tally, uuid: chit(1), units: 5n }))
      yield* soon
      assert.strictEqual((yield* chitOf(ann!, tally, chit(1)))?.status, "void")
      assert.strictEqual((yield* ann!.node.told("ann")).at(-1), "chit.declined")
    }).pipe(Effect.scoped)
  )

  it.effect("keeps and tells once why the other node takes no chits, until it takes them again", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = yield* open(ann!, bob!, 1)
      yield* pays(bob!, tally, 50)
      yield* soon
      yield* change(bob!, tally, (half) => ({ ...half, trouble: "somebody has to look" }))
      yield* pays(ann!, tally, 5)
      yield* pass("10 minutes")
      assert.strictEqual((yield* ann!.node.half("ann", tally))?.objection, "trouble")
      assert.lengthOf(
        (yield* ann!.node.told("ann")).filter((kind) => kind === "tally.stuck"),
        1
      )
      yield* change(bob!, tally, (half) => {
        const { trouble: _, ...rest } = half
        return rest
      })
      yield* pass("1 hour")
      for (const party of [ann!, bob!]) assert.deepStrictEqual(yield* net(party, tally), ["open", 45n, 0n])
      assert.isUndefined((yield* ann!.node.half("ann", tally))?.objection)
    }).pipe(Effect.scoped)
  )

  it.effect("is no way, where it was a query", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = yield* open(bob!, ann!, 1)
      yield* change(bob!, tally, (half) => ({ ...half, status: "closed" }))
      const find = { cuid: Cuid.make("cat"), agent: bob!.node.key }
      const query = QueryId.make(uuid(6, 1))
      assert.isUndefined(yield* ann!.node.command(RouteDesk.begin(ann_, { query, units: 5n, to: { find } })))
      yield* soon
      assert.strictEqual((yield* ann!.node.told("ann")).at(-1), "route.none")
    }).pipe(Effect.scoped)
  )

  it.effect("ends a lift that the next node never promises, long before it expires", () =>
    Effect.gen(function* () {
      const [ann, bob, cat] = yield* start("ann", "bob", "cat")
      const first = yield* open(bob!, ann!, 1)
      yield* open(cat!, bob!, 2)
      const signed = yield* plan(ann!, cat!, 70n)
      const other = { ...signed.plan, units: 71n }
      const digest = LiftPlan.digest(other)
      yield* bob!.node.run(
        Effect.flatMap(Records, (records) =>
          records.put(Tables.lifts, {
            plan: other,
            authority: signed.authority,
            digest,
            status: "refused",
            promises: [],
            round: 0,
            attempts: 0
          })
        )
      )
      assert.isUndefined(yield* ann!.node.command(LiftDesk.begin(signed)))
      yield* pass("10 seconds")
      assert.deepStrictEqual(yield* net(ann!, first), ["open", 0n, 0n])
      assert.include(yield* ann!.node.told("ann"), "lift.void")
    }).pipe(Effect.scoped)
  )

  it.effect("ends the request of a ticket whose node was away until it expired (S9)", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const life = yield* Scope.make()
      const ann = yield* Scope.provide(join(network, 1, "ann", []), life)
      const bob = yield* join(network, 2, "bob", [ann])
      for (const { node, user } of [ann, bob]) yield* node.add(user)
      yield* soon
      const tally = TallyId.make(uuid(9, 1))
      const terms = { terms: { limit: 5n }, partnerTerms: { limit: 0n }, memo: "", agree: { name: "a", rid: "b" } }
      yield* ann.node.command(TallyDesk.draft(ann_, { id: tally, side: "stock", ...terms }))
      const ticket = yield* ann.node.run(TicketDesk.issue(ann_, tally, { reuse: false, life: 3_600_000 }))
      yield* Scope.close(life, Exit.void)
      yield* bob.node.command(TicketDesk.show(bob_, uuid(8, 1), ticket!))
      yield* pass("30 minutes")
      assert.strictEqual((yield* bob.node.told("bob")).at(-1), "user.added")
      yield* pass("31 minutes")
      assert.strictEqual((yield* bob.node.told("bob")).at(-1), "ticket.expired")
    }).pipe(Effect.scoped)
  )

  it.effect("means the same between two users of one node", () =>
    Effect.gen(function* () {
      const [both] = yield* start("ann")
      yield* both!.node.add("bob")
      const tally = yield* open(both!, { node: both!.node, user: "bob" }, 1)
      yield* pays({ node: both!.node, user: "bob" }, tally, 50)
      const core = { type: "tran", tally, uuid: chit(5), by: "stock", date: 1, units: 9n } as const
      yield* both!.node.run(
        Effect.flatMap(Records, (records) =>
          records.put(Tables.chits, { holder: bob_, core, status: "asked", revision: 1, changed: 1 })
        )
      )
      yield* pays(both!, tally, 5)
      yield* pays(both!, tally, 6)
      for (const user of ["ann", "bob"])
        assert.deepStrictEqual(yield* net({ node: both!.node, user }, tally), ["open", 44n, 0n])
      assert.include(yield* both!.node.told("bob"), "ticket.granted")
    }).pipe(Effect.scoped)
  )
})
