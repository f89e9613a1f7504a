/**
 * What a node holds for a lift, when its chit comes by the chain of one of its tallies, when the record comes, and when both do, in any order
 * and more than once: it is given free once, and all that the lift moves here is moved with it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Chad, Cuid } from "../../../src/protocol/credit/Chad.ts"
import * as ChitLog from "../../../src/protocol/credit/ChitLog.ts"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import * as LiftRecord from "../../../src/protocol/credit/LiftRecord.ts"
import { signWith } from "../../../src/protocol/credit/Signature.ts"
import { digest, other, type Side, type TallyDocument, TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import * as Desks from "../../../src/services/credit/Desks.ts"
import { Records } from "../../../src/services/Records.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as CreditNode from "../../support/credit/CreditNode.ts"
import { agents, opened, referee, stranger, users, uuid } from "../../support/credit/Parties.ts"

const units = 70n

/** The payor and the node of this test, and the payee: the value goes from the first over the second to the third. */
const [payor, relay, payee] = [
  { cuid: Cuid.make("payor"), agent: agents.stock, user: users.stock },
  { cuid: Cuid.make("relay"), agent: agents.foil, user: users.foil },
  { cuid: Cuid.make("payee"), agent: stranger, user: users.foil }
] as const
type Party = typeof payor | typeof relay | typeof payee

const chadOf = ({ agent, cuid }: Party): Chad => ({ cuid, agent: agent.key, host: "127.0.0.1", port: 4_001 })

const documentOf = (n: number, stock: Party, foil: Party): TallyDocument => {
  const [one, two] = [stock, foil].map((party) => ({
    cert: { date: 0, chad: chadOf(party), type: "person" as const, name: party.cuid, public: party.user.key },
    terms: { limit: 1_000n }
  }))
  const agree = { name: "none", rid: "none" }
  return { version: 1, uuid: TallyId.make(uuid(1, n)), revision: 1, date: 0, memo: "", agree, stock: one!, foil: two! }
}

/** The relay's half of its tally with somebody, on which it has this side. */
const halfWith = (n: number, partner: Party, side: Side): TallyHalf & { readonly document: TallyDocument } => {
  const document = side === "stock" ? documentOf(n, relay, partner) : documentOf(n, partner, relay)
  const chain = { at: ChitLog.genesis(digest(document)), told: 0, agreed: 0, unplaced: 0, closedThere: false }
  return { ...opened(side), holder: relay.cuid, id: document.uuid, partner: chadOf(partner), document, chain }
}

/** A lift over both tallies, on the first of which the relay has this side; on the second it has the other one. */
const liftOver = (side: Side) => {
  const halves = [halfWith(1, payor, side), halfWith(2, payee, other(side))] as const
  const plan: LiftPlan.LiftPlan = {
    version: 1,
    lift: LiftPlan.LiftId.make(uuid(4, 1)),
    legs: [
      { tally: halves[0].id, from: payor.agent.key, to: relay.agent.key, by: other(side) },
      { tally: halves[1].id, from: relay.agent.key, to: payee.agent.key, by: other(side) }
    ],
    units,
    date: 0,
    expires: 60_000,
    referees: [{ key: referee.key, host: "127.0.0.1", port: 4_003 }],
    payor: { cuid: payor.cuid, agent: payor.agent.key },
    payee: { cuid: payee.cuid, agent: payee.agent.key },
    payorKey: payor.user.key
  }
  const authority = signWith(payor.user.sign, "lift", LiftPlan.digest(plan))
  const promises = [payor, relay, payee].map(({ agent }) =>
    LiftRecord.promise(LiftPlan.digest(plan), agent.key, agent.sign)
  )
  const recordOf = (verdict: LiftRecord.Verdict): LiftRecord.LiftRecord => {
    const ballot = verdict === "good" ? LiftRecord.first : { round: 1, by: payor.agent.key }
    const votes = [LiftRecord.vote(LiftPlan.digest(plan), ballot, verdict, referee.key, referee.sign)]
    return { plan, authority, verdict, ballot, votes, promises: verdict === "good" ? promises : [] }
  }
  const entry: ChitLog.Entry = { chit: { core: LiftPlan.chitOf(plan, 0) }, record: recordOf("good") }
  const after = halves[0].chain!.at
  const head = ChitLog.signHead(halves[0].id, ChitLog.next(after, entry.chit), payor.agent.sign)
  const messages = {
    promise: { _tag: "Promise", plan, authority, promises: promises.slice(0, 1) },
    chain:
      side === "foil"
        ? { _tag: "Propose", tally: halves[0].id, chits: [entry], at: after }
        : { _tag: "Entered", tally: halves[0].id, after, entries: [entry], head },
    record: { _tag: "Ended", record: recordOf("good") },
    void: { _tag: "Ended", record: recordOf("void") }
  } satisfies Record<string, CreditMessage>
  return { halves, messages, plan }
}

type Name = keyof ReturnType<typeof liftOver>["messages"]

/** A node with these two halves, that hears of the lift from the payor's node. */
const start = Effect.fnUntraced(function* (side: Side, changed: Partial<TallyHalf> = {}) {
  const { halves, messages, plan } = liftOver(side)
  const node = yield* CreditNode.start({ network: new MemoryNetwork(), seed: 2 })
  const put = (half: TallyHalf) => Effect.flatMap(Records, (records) => records.put(Tables.halves, half))
  yield* node.run(put({ ...halves[0], ...changed }))
  yield* node.run(put(halves[1]))
  const half = (n: 0 | 1) => Effect.map(node.half("relay", halves[n].id), (found) => found!)
  return {
    hear: (name: Name) => node.command(Desks.hear(messages[name], payor.agent.key)),
    half,
    change: (changed: TallyHalf) => node.run(put(changed)),
    sums: Effect.map(Effect.all([half(0), half(1)]), (both) => both.map(({ sums }) => sums)),
    status: node.run(
      Effect.flatMap(Records, (records) => Effect.map(records.get(Tables.lifts, [plan.lift]), (one) => one?.status))
    )
  }
})

const orders: ReadonlyArray<ReadonlyArray<Name>> = [
  ["promise", "chain", "record", "chain", "record", "promise"],
  ["promise", "record", "chain", "record", "chain", "promise"],
  ["promise", "chain", "chain", "record", "record"],
  ["promise", "record", "record", "chain", "chain"],
  ["chain", "record", "chain", "promise", "record"],
  ["record", "chain", "record", "promise", "chain"]
]

describe("what a node holds for a lift", () => {
  for (const side of ["stock", "foil"] as const) {
    // The relay owes on one tally what it is owed on the other.
    const effect = side === "stock" ? units : -units
    for (const order of orders) {
      it.effect(`is free once, and all of it moved, after ${order.join(", ")}, where it is ${side}`, () =>
        Effect.gen(function* () {
          const node = yield* start(side)
          for (const [i, name] of order.entries()) {
            yield* node.hear(name)
            if (name === "promise" && i === 0) {
              const held = (yield* node.sums).map(({ down, up }) => up + down)
              assert.deepStrictEqual(held, [units, units])
              continue
            }
            const moved = { net: effect, up: 0n, down: 0n }
            assert.deepStrictEqual(yield* node.sums, [moved, moved])
            assert.strictEqual(yield* node.status, "good")
          }
        }).pipe(Effect.scoped)
      )
    }
  }

  it.effect("is given back once when the lift is void", () =>
    Effect.gen(function* () {
      const node = yield* start("stock")
      for (const name of ["promise", "void", "void", "promise"] as const) yield* node.hear(name)
      const nothing = { net: 0n, up: 0n, down: 0n }
      assert.deepStrictEqual(yield* node.sums, [nothing, nothing])
    }).pipe(Effect.scoped)
  )

  it.effect("lets a tally close that has waited for it, where the chit comes by the chain", () =>
    Effect.gen(function* () {
      const sums = { net: -units, up: 0n, down: 0n }
      const node = yield* start("stock", { sums, sets: { stock: {}, foil: {} } })
      yield* node.hear("promise")
      yield* node.hear("chain")
      const half = yield* node.half(0)
      assert.deepStrictEqual([half.status, half.sums], ["open", { net: 0n, up: 0n, down: 0n }])
      const closing = yield* start("stock", { sums, sets: { stock: {}, foil: { close: true } } })
      yield* closing.hear("promise")
      yield* closing.hear("chain")
      assert.strictEqual((yield* closing.half(0)).status, "closed")
    }).pipe(Effect.scoped)
  )

  it.effect("lets a tally close that has waited for it, where the lift is void", () =>
    Effect.gen(function* () {
      const node = yield* start("stock")
      yield* node.hear("promise")
      const half = yield* node.half(0)
      yield* node.change({ ...half, sets: { stock: {}, foil: { close: true } } })
      yield* node.hear("void")
      assert.strictEqual((yield* node.half(0)).status, "closed")
    }).pipe(Effect.scoped)
  )
})
