/** What one other node can have a node keep, and what becomes of what is more. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import type * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import { QueryId } from "../../../src/protocol/credit/Route.ts"
import { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import * as Desks from "../../../src/services/credit/Desks.ts"
import * as TallyDesk from "../../../src/services/credit/TallyDesk.ts"
import * as Users from "../../../src/services/credit/Users.ts"
import { Records } from "../../../src/services/Records.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as CreditNode from "../../support/credit/CreditNode.ts"
import { join, open, type Party, soon } from "../../support/credit/CreditParty.ts"
import * as People from "../../support/credit/CreditPeople.ts"
import { agents, lifted, uuid } from "../../support/credit/Parties.ts"
import { pass } from "../../support/VirtualTime.ts"

const [ann_, bob_] = [Cuid.make("ann"), Cuid.make("bob")]

const offers = Effect.fnUntraced(function* (from: Party, to: Party, n: number) {
  const tally = TallyId.make(uuid(9, n))
  const [own, other] = [
    yield* from.node.run(Users.get(Cuid.make(from.user))),
    yield* to.node.run(Users.get(Cuid.make(to.user)))
  ]
  const agree = { name: "none", rid: "none" }
  const document = {
    version: 1,
    uuid: tally,
    revision: 1,
    date: 0,
    memo: "",
    agree,
    stock: { cert: own!.certificate, terms: { limit: 5n } },
    foil: { cert: other!.certificate, terms: { limit: 0n } }
  } as const
  const drafted = { id: tally, side: "stock", memo: "", agree, terms: { limit: 5n }, partnerTerms: { limit: 0n } }
  yield* from.node.command(TallyDesk.draft(ann_, { ...drafted, side: "stock" }))
  assert.isUndefined(yield* from.node.command(TallyDesk.offer(ann_, tally, { document })))
  return tally
})

/** Two parties, of whose nodes the second one takes so much. */
const startWith = Effect.fnUntraced(function* (config: Parameters<typeof join>[5]) {
  const network = new MemoryNetwork()
  const ann = yield* join(network, 1, "ann", [])
  const bob = yield* join(network, 2, "bob", [ann], undefined, config)
  const cat = yield* join(network, 3, "cat", [ann, bob])
  for (const { node, user } of [ann, bob, cat]) yield* node.add(user)
  yield* soon
  return { ann, bob, cat }
})

describe("another node", () => {
  it.effect("has tallies that nobody has opened wait for room", () =>
    Effect.gen(function* () {
      const { ann, bob } = yield* startWith({ mostWaiting: 1 })
      const first = yield* offers(ann, bob, 1)
      yield* soon
      const second = yield* offers(ann, bob, 2)
      yield* pass("10 minutes")
      assert.isUndefined(yield* bob.node.half("bob", second))
      // It is not refused: as soon as there is room it is there.
      assert.strictEqual((yield* ann.node.half("ann", second))?.status, "offered")
      assert.isUndefined(yield* bob.node.command(TallyDesk.accept(bob_, first, 1)))
      yield* pass("10 minutes")
      assert.strictEqual((yield* bob.node.half("bob", second))?.status, "received")
      assert.strictEqual((yield* ann.node.half("ann", first))?.status, "open")
    }).pipe(Effect.scoped)
  )

  it.effect("gets so many tallies by one reusable ticket, whoever of its users shows it, and others get theirs", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const ann = yield* People.join({ network, seed: 1, name: "ann", config: { mostByTicket: 2 } })
      const bob = yield* People.join({ network, seed: 2, name: "bob", to: [ann] })
      const cat = yield* People.join({ network, seed: 3, name: "cat", to: [ann] })
      const eve = People.at(bob.node, "eve")
      yield* eve.does({ _tag: "PutUser", type: "person", name: "Eve" })
      const { tally } = yield* ann.does(People.draft)
      const { invitation } = yield* ann.does({ _tag: "IssueTicket", tally: tally!, reuse: true })
      const shows = Effect.fnUntraced(function* (who: People.Somebody) {
        const { request } = yield* who.does({ _tag: "ShowTicket", invitation: invitation! })
        yield* soon
        const requests = yield* Effect.orDie(who.node.credit.requests(who.user, 10))
        const row = requests.find((one) => one.request === request)
        return [row?.status, row?.reason]
      })
      // What has been opened counts as well: nobody else ends it.
      const ended = [yield* shows(bob), yield* shows(eve), yield* shows(bob), yield* shows(eve)]
      const refused = ["refused", "ticket-limit"]
      assert.deepStrictEqual(ended, [["granted", undefined], ["granted", undefined], refused, refused])
      assert.deepStrictEqual(yield* shows(cat), ["granted", undefined])
      const fresh = yield* ann.does({ _tag: "IssueTicket", tally: tally!, reuse: true })
      const again = yield* bob.does({ _tag: "ShowTicket", invitation: fresh.invitation! })
      yield* soon
      const rows = yield* Effect.orDie(bob.node.credit.requests(bob.user, 10))
      assert.strictEqual(rows.find(({ request }) => request === again.request)?.status, "granted")
    }).pipe(Effect.scoped)
  )

  it.effect("has so many tallies kept that were refused unsigned, and the oldest is forgotten", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const ann = yield* People.join({ network, seed: 1, name: "ann" })
      const bob = yield* People.join({ network, seed: 2, name: "bob", to: [ann], config: { mostVoid: 2 } })
      const offered = Effect.fnUntraced(function* () {
        const { tally } = yield* ann.does(People.draft)
        const { invitation } = yield* ann.does({ _tag: "IssueTicket", tally: tally!, reuse: false })
        yield* bob.does({ _tag: "ShowTicket", invitation: invitation! })
        yield* soon
        yield* ann.does({ _tag: "OfferTally", tally: tally! })
        yield* soon
        return tally!
      })
      const statuses = (who: People.Somebody) => (tally: TallyId) =>
        Effect.map(Effect.orDie(who.node.credit.tally(who.user, tally)), (half) => half?.status)
      // Bob has signed this one once: whoever forgets that could be held to it.
      const signed = yield* offered()
      yield* bob.does({ ...People.draft, _tag: "ReviseTally", side: "foil", tally: signed, revision: 1 })
      yield* bob.does({ _tag: "OfferTally", tally: signed })
      yield* soon
      yield* ann.does({ _tag: "RefuseTally", tally: signed, revision: 2 })
      yield* soon
      const refused: Array<TallyId> = []
      for (let n = 0; n < 4; n++) {
        const tally = yield* offered()
        yield* bob.does({ _tag: "RefuseTally", tally, revision: 1 })
        yield* soon
        refused.push(tally)
      }
      const at = yield* Effect.forEach([signed, ...refused], statuses(bob))
      assert.deepStrictEqual(at, ["void", undefined, undefined, "void", "void"])
      // At her own node they are her own, and stay.
      const own = yield* Effect.forEach([signed, ...refused], statuses(ann))
      assert.deepStrictEqual(own, ["void", "void", "void", "void", "void"])
      const last = yield* offered()
      yield* bob.does({ _tag: "AcceptTally", tally: last, revision: 1 })
      yield* soon
      assert.strictEqual(yield* statuses(ann)(last), "open")
    }).pipe(Effect.scoped)
  )

  it.effect("has so many queries under way, and is refused more", () =>
    Effect.gen(function* () {
      const { ann, bob, cat } = yield* startWith({ mostQueries: 2 })
      const tally = yield* open(bob, ann, 1)
      yield* open(cat, bob, 2)
      const find = { cuid: Cuid.make("dan"), agent: cat.node.key }
      const asks = (n: number) => {
        const query = { _tag: "Query", query: QueryId.make(uuid(6, n)), find, units: 5n, step: 1 } as const
        const message: CreditMessage = { ...query, expires: 60_000, tally, by: "foil" }
        return bob.node.command(Desks.hear(message, ann.node.key))
      }
      const answers = [yield* asks(1), yield* asks(2), yield* asks(3), yield* asks(1)]
      assert.deepStrictEqual(answers, [undefined, undefined, "busy", "asked"])
      yield* pass("2 minutes")
      assert.notStrictEqual(yield* asks(4), "busy")
    }).pipe(Effect.scoped)
  )
})

/** A plan of both agents' over which the node of seed 5 decides. */
const prepare = (n: number): CreditMessage => {
  const { authority, plan } = lifted("stock", n).record
  return { _tag: "Prepare", plan, authority, ballot: { round: 1, by: agents.stock.key } }
}

const rowOf = (node: CreditNode.CreditNode, { lift }: LiftPlan.LiftPlan) =>
  node.run(Effect.flatMap(Records, (records) => records.get(Tables.referees, [lift])))

describe("a referee", () => {
  it.effect("takes so many undecided lifts of one node, and others again once they are decided", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(lifted("stock", 1).record.plan.date)
      const node = yield* CreditNode.start({ network: new MemoryNetwork(), seed: 5, config: { mostPlans: 2 } })
      const hear = (message: CreditMessage, from = agents.stock.key) => node.command(Desks.hear(message, from))
      const answers = [yield* hear(prepare(1)), yield* hear(prepare(2)), yield* hear(prepare(3))]
      assert.deepStrictEqual(answers, [undefined, undefined, "busy"])
      assert.isUndefined(yield* rowOf(node, lifted("stock", 3).record.plan))
      // Of another node they are no more than before.
      const { authority, plan } = lifted("foil", 4).record
      const others = { _tag: "Prepare", plan, authority, ballot: { round: 1, by: agents.foil.key } } as const
      assert.isUndefined(yield* hear(others, agents.foil.key))
      assert.isUndefined(yield* hear({ _tag: "Ended", record: lifted("stock", 1).record }))
      assert.isUndefined(yield* hear(prepare(3)))
      // What is decided stays known for ever.
      assert.strictEqual((yield* rowOf(node, lifted("stock", 1).record.plan))?.record?.verdict, "good")
    }).pipe(Effect.scoped)
  )

  it.effect("keeps nothing of a lift of which it has signed nothing", () =>
    Effect.gen(function* () {
      const { authority, plan } = lifted("stock", 1).record
      yield* TestClock.setTime(plan.date)
      const node = yield* CreditNode.start({ network: new MemoryNetwork(), seed: 5 })
      const ballot = { round: 0 } as const
      const vain: CreditMessage = { _tag: "Decide", plan, authority, ballot, verdict: "good", promises: [], ready: [] }
      assert.isUndefined(yield* node.command(Desks.hear(vain, agents.stock.key)))
      assert.isUndefined(yield* rowOf(node, plan))
    }).pipe(Effect.scoped)
  )
})
