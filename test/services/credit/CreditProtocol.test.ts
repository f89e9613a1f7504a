/** Whole nodes with users who give credit: the desks, the protocol and delivery together. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Scope } from "effect"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import { ChitId } from "../../../src/protocol/credit/Chit.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import { QueryId } from "../../../src/protocol/credit/Route.ts"
import { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import * as InvoiceDesk from "../../../src/services/credit/InvoiceDesk.ts"
import * as LiftDesk from "../../../src/services/credit/LiftDesk.ts"
import * as RouteDesk from "../../../src/services/credit/RouteDesk.ts"
import * as TallyDesk from "../../../src/services/credit/TallyDesk.ts"
import * as TicketDesk from "../../../src/services/credit/TicketDesk.ts"
import * as Users from "../../../src/services/credit/Users.ts"
import { Records } from "../../../src/services/Records.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as CreditNode from "../../support/credit/CreditNode.ts"
import { uuid } from "../../support/credit/Parties.ts"
import { pass } from "../../support/VirtualTime.ts"

const soon = pass("1 second")

interface Party {
  readonly node: CreditNode.CreditNode
  readonly user: string
}

/** Opens a tally of these two, by a ticket of stock's: foil may owe stock so much. */
const open = Effect.fnUntraced(function* (stock: Party, foil: Party, number: number, limit = 1_000n) {
  const id = TallyId.make(uuid(9, number))
  const [one, other] = [Cuid.make(stock.user), Cuid.make(foil.user)]
  const agree = { name: "none", rid: "none" }
  const drafted = { id, side: "stock", memo: "", agree, terms: { limit }, partnerTerms: { limit: 0n } } as const
  assert.isUndefined(yield* stock.node.command(TallyDesk.draft(one, drafted)))
  const ticket = yield* stock.node.run(TicketDesk.issue(one, id, { reuse: false }))
  assert.isUndefined(yield* foil.node.command(TicketDesk.show(other, uuid(8, number), ticket!)))
  yield* soon
  assert.isUndefined(yield* stock.node.command(TallyDesk.offer(one, id)))
  yield* soon
  assert.isUndefined(yield* foil.node.command(TallyDesk.accept(other, id, 1)))
  yield* soon
  return id
})

const net = (party: Party, tally: TallyId) =>
  Effect.map(party.node.half(party.user, tally), (half) => [half?.status, half?.sums.net, half?.sums.up] as const)

const join = Effect.fnUntraced(function* (
  network: MemoryNetwork,
  seed: number,
  user: string,
  others: ReadonlyArray<Party>,
  database?: MemoryDatabase["Service"]
) {
  const node = yield* CreditNode.start({ network, seed, ...(database && { database }) })
  for (const other of others) yield* node.connect(other.node)
  const party: Party = { node, user }
  return party
})

const start = Effect.fnUntraced(function* (...names: ReadonlyArray<string>) {
  const network = new MemoryNetwork()
  const parties: Array<Party> = []
  for (const [index, user] of names.entries()) {
    const party = yield* join(network, index + 1, user, parties)
    assert.isUndefined(yield* party.node.add(user))
    parties.push(party)
  }
  yield* soon
  return parties
})

/** Looks for a way to somebody, who is also who decides, and plans a lift over it that may take a minute. */
const plan = Effect.fnUntraced(function* (from: Party, to: Party, units: bigint) {
  const { node } = from
  const [payor, payee] = [Cuid.make(from.user), { cuid: Cuid.make(to.user), agent: to.node.key }]
  const query = QueryId.make(uuid(6, 1))
  assert.isUndefined(yield* node.command(RouteDesk.begin(payor, { query, units, to: { find: payee } })))
  yield* soon
  const route = yield* node.run(Effect.flatMap(Records, (records) => records.get(Tables.routes, [payor, query])))
  const user = (yield* node.run(Users.get(payor)))!
  const date = yield* Clock.currentTimeMillis
  const planned: LiftPlan.LiftPlan = {
    version: 1,
    lift: LiftPlan.LiftId.make(uuid(5, 1)),
    legs: route!.ways[0]!.legs,
    units,
    date,
    expires: date + 60_000,
    referees: [{ key: to.node.key, host: "127.0.0.1", port: 4000 }],
    payor: { cuid: payor, agent: node.key },
    payee,
    payorKey: user.certificate.public
  }
  const authority = yield* node.run(Users.sign(user, "lift", LiftPlan.digest(planned), undefined))
  return { plan: planned, authority: authority! }
})

/** No audit of any of these nodes finds anything. */
const areSound = Effect.fnUntraced(function* (...parties: ReadonlyArray<Party>) {
  for (const { node, user } of parties) assert.deepStrictEqual(yield* node.findings, [], user)
})

describe("nodes whose users give credit", () => {
  it.effect("open a tally by a ticket, and keep one order of what both write on it", () =>
    Effect.gen(function* () {
      const [ann, bob] = yield* start("ann", "bob")
      const tally = yield* open(ann!, bob!, 1)
      const asked = { tally, uuid: ChitId.make(uuid(7, 1)), units: 300n, memo: "bread" }
      assert.isUndefined(yield* ann!.node.command(InvoiceDesk.ask(Cuid.make("ann"), asked)))
      yield* soon
      assert.isUndefined(yield* bob!.node.command(InvoiceDesk.pay(Cuid.make("bob"), asked)))
      yield* soon
      const unasked = { tally, uuid: ChitId.make(uuid(7, 2)), units: 100n }
      assert.isUndefined(yield* ann!.node.command(InvoiceDesk.pay(Cuid.make("ann"), unasked)))
      yield* soon
      for (const party of [ann!, bob!]) assert.deepStrictEqual(yield* net(party, tally), ["open", 200n, 0n])
      yield* areSound(ann!, bob!)
      const much = { tally, uuid: ChitId.make(uuid(7, 3)), units: 801n }
      assert.strictEqual(yield* bob!.node.command(InvoiceDesk.pay(Cuid.make("bob"), much)), "no-room")
      assert.deepStrictEqual(yield* bob!.node.told("bob"), [
        "user.added",
        "ticket.granted",
        "tally.received",
        "tally.open",
        "chit.asked",
        "chit.good"
      ])
    }).pipe(Effect.scoped)
  )

  it.effect("find a way over somebody else, and pay over it by a lift that leaves nothing held", () =>
    Effect.gen(function* () {
      const [ann, bob, cat] = yield* start("ann", "bob", "cat")
      // Bob takes Ann's word, and Cat takes Bob's.
      const first = yield* open(bob!, ann!, 1)
      const second = yield* open(cat!, bob!, 2)
      assert.isUndefined(yield* ann!.node.command(LiftDesk.begin(yield* plan(ann!, cat!, 70n))))
      yield* soon
      yield* soon
      for (const party of [ann!, bob!]) assert.deepStrictEqual(yield* net(party, first), ["open", 70n, 0n])
      for (const party of [bob!, cat!]) assert.deepStrictEqual(yield* net(party, second), ["open", 70n, 0n])
      assert.include(yield* ann!.node.told("ann"), "lift.good")
      yield* areSound(ann!, bob!, cat!)
      assert.include(yield* cat!.node.told("cat"), "lift.good")
    }).pipe(Effect.scoped)
  )

  it.effect("hold what they have promised while who decides is away, and give it back once that is void", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const database = yield* MemoryDatabase.make
      const ann = yield* join(network, 1, "ann", [])
      const bob = yield* join(network, 2, "bob", [ann])
      const life = yield* Scope.make()
      const cat = yield* Scope.provide(join(network, 3, "cat", [ann, bob], database), life)
      for (const { node, user } of [ann, bob, cat]) assert.isUndefined(yield* node.add(user))
      yield* soon
      const first = yield* open(bob, ann, 1)
      const second = yield* open(cat, bob, 2)
      const signed = yield* plan(ann, cat, 70n)
      yield* Scope.close(life, Exit.void)
      assert.isUndefined(yield* ann.node.command(LiftDesk.begin(signed)))
      yield* pass("10 minutes")
      yield* areSound(ann, bob)
      // Nobody lets go alone, however long it takes.
      assert.deepStrictEqual(yield* net(ann, first), ["open", 0n, 70n])
      assert.deepStrictEqual(yield* net(bob, second), ["open", 0n, 70n])
      const back = yield* join(network, 3, "cat", [ann, bob], database)
      yield* pass("6 minutes")
      for (const party of [ann, bob]) assert.deepStrictEqual(yield* net(party, first), ["open", 0n, 0n])
      for (const party of [bob, back]) assert.deepStrictEqual(yield* net(party, second), ["open", 0n, 0n])
      assert.include(yield* ann.node.told("ann"), "lift.void")
      yield* areSound(ann, bob, back)
    }).pipe(Effect.scoped)
  )
})
