/**
 * Users at nodes of their own, what they do to have a tally, and a payment over one that is planned: for tests in virtual time.
 */
import { assert } from "@effect/vitest"
import { Clock, Effect, Scope } from "effect"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import { QueryId } from "../../../src/protocol/credit/Route.ts"
import { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import type { Config } from "../../../src/services/credit/CreditConfig.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import * as RouteDesk from "../../../src/services/credit/RouteDesk.ts"
import * as TallyDesk from "../../../src/services/credit/TallyDesk.ts"
import * as TicketDesk from "../../../src/services/credit/TicketDesk.ts"
import * as Users from "../../../src/services/credit/Users.ts"
import { Records } from "../../../src/services/Records.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { pass } from "../VirtualTime.ts"
import * as CreditNode from "./CreditNode.ts"
import { uuid } from "./Parties.ts"

export const soon = pass("1 second")

export interface Party {
  readonly node: CreditNode.CreditNode
  readonly user: string
}

/** Opens a tally of these two, by a ticket of stock's: foil may owe stock so much. */
export const open = Effect.fnUntraced(function* (stock: Party, foil: Party, number: number, limit = 1_000n) {
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

export const net = (party: Party, tally: TallyId) =>
  Effect.map(party.node.half(party.user, tally), (half) => [half?.status, half?.sums.net, half?.sums.up] as const)

export const join = Effect.fnUntraced(function* (
  network: MemoryNetwork,
  seed: number,
  user: string,
  others: ReadonlyArray<Party>,
  database?: MemoryDatabase["Service"],
  config: Partial<Config> = {}
) {
  const node = yield* CreditNode.start({ network, seed, config, ...(database && { database }) })
  for (const other of others) yield* node.connect(other.node)
  const party: Party = { node, user }
  return party
})

/** Each user at a node of their own; all nodes know each other. */
export const start = Effect.fnUntraced(function* (...names: ReadonlyArray<string>) {
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

/**
 * Ann and bob, who know each other. Bob's node lives in a scope of its own, and its rows outlive it: close `life`, and
 * `revive` starts another node over them, which ends with the scope it is called in.
 */
export const startRestorable = Effect.gen(function* () {
  const network = new MemoryNetwork()
  const database = yield* MemoryDatabase.make
  const ann = yield* join(network, 1, "ann", [])
  const revive = join(network, 2, "bob", [ann], database)
  const life = yield* Scope.make()
  const bob = yield* Scope.provide(revive, life)
  for (const { node, user } of [ann, bob]) assert.isUndefined(yield* node.add(user))
  yield* soon
  return { ann, bob, database, life, revive }
})

/** Looks for a way to somebody, who is also who decides, and plans a lift over it that may take a minute. */
export const plan = Effect.fnUntraced(function* (from: Party, to: Party, units: bigint) {
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
