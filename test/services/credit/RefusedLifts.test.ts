/** Plans that a node does not take part in: those of strangers leave nothing behind, those of neighbours not too much. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import { promise } from "../../../src/protocol/credit/LiftRecord.ts"
import { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import { nothing } from "../../../src/services/credit/Answer.ts"
import { CreditMeter } from "../../../src/services/credit/CreditMeter.ts"
import * as CreditProtocol from "../../../src/services/credit/CreditProtocol.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import * as Users from "../../../src/services/credit/Users.ts"
import { Identity } from "../../../src/services/link/Identity.ts"
import { PeerBook } from "../../../src/services/link/PeerBook.ts"
import { Records } from "../../../src/services/Records.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { join, open, type Party, soon, start } from "../../support/credit/CreditParty.ts"
import { referee, uuid } from "../../support/credit/Parties.ts"
import { pass } from "../../support/VirtualTime.ts"

const idOf = (n: number) => LiftPlan.LiftId.make(uuid(5, n))

interface Wanted {
  readonly tally: TallyId
  readonly n: number
  readonly units?: bigint
  readonly lifeMillis?: number
}

/** What a payor's node says first of a lift to the next node; nobody is at its referee's address. */
const promised = Effect.fnUntraced(function* (
  from: Party,
  to: Party,
  { lifeMillis = 60_000, n, tally, units = 5n }: Wanted
) {
  const payor = (yield* from.node.run(Users.get(Cuid.make(from.user))))!
  const { sign } = yield* from.node.run(Identity)
  const date = yield* Clock.currentTimeMillis
  const plan: LiftPlan.LiftPlan = {
    version: 1,
    lift: idOf(n),
    legs: [{ tally, from: from.node.key, to: to.node.key, by: "foil" }],
    units,
    date,
    expires: date + lifeMillis,
    referees: [{ key: referee.key, host: "nowhere.test", port: 4_999 }],
    payor: { cuid: Cuid.make(from.user), agent: from.node.key },
    payee: { cuid: Cuid.make(to.user), agent: to.node.key },
    payorKey: payor.certificate.public
  }
  const digest = LiftPlan.digest(plan)
  const authority = yield* from.node.run(Users.sign(payor, "lift", digest, undefined))
  const promises = [promise(digest, from.node.key, sign)]
  const message: CreditMessage = { _tag: "Promise", plan, authority: authority!, promises }
  return message
})

/** Says it over the link. */
const says = (from: Party, to: Party, message: CreditMessage) =>
  Effect.andThen(
    from.node.run(CreditProtocol.perform({ ...nothing, actions: [{ _tag: "Send", to: to.node.key, message }] })),
    soon
  )

const lifts = ({ node }: Party) =>
  Effect.map(
    node.run(Effect.flatMap(Records, (records) => records.page(Tables.lifts, "key", { limit: 100 }))),
    (rows) => rows.map(({ plan, status }) => [plan.lift, status] as const)
  )

const counted = Effect.map(CreditMeter, ({ reading }) => {
  const { messages, refusals } = reading()
  const of = (outcome: string) => messages.get(`Promise ${outcome}`) ?? 0
  return { refused: of("refused"), busy: of("busy"), neighbour: refusals.get("message not-neighbour") ?? 0 }
})

/** Bob's node, which refuses so many lifts of one node, and ann's, who pays him. */
const startWith = Effect.fnUntraced(function* (mostRefused: number) {
  const network = new MemoryNetwork()
  const ann = yield* join(network, 1, "ann", [])
  const bob = yield* join(network, 2, "bob", [ann], undefined, { mostRefused })
  for (const { node, user } of [ann, bob]) yield* node.add(user)
  yield* soon
  return { ann, bob, tally: yield* open(bob, ann, 1) }
})

describe("a lift that is refused", () => {
  it.effect("leaves nothing behind where it comes from a stranger, and nobody is dialled for it", () =>
    Effect.gen(function* () {
      const [bob, eve] = yield* start("bob", "eve")
      const message = yield* promised(eve!, bob!, { tally: TallyId.make(uuid(9, 7)), n: 1 })
      const before = yield* counted
      yield* says(eve!, bob!, message)
      assert.deepStrictEqual(yield* lifts(bob!), [])
      assert.isUndefined(yield* bob!.node.run(Effect.flatMap(PeerBook, (book) => book.find(referee.key))))
      const { neighbour, refused } = yield* counted
      assert.deepStrictEqual([refused - before.refused, neighbour - before.neighbour], [1, 1])
    }).pipe(Effect.scoped)
  )

  it.effect("is a stranger's as well on a tally that nobody has accepted", () =>
    Effect.gen(function* () {
      const [bob, eve] = yield* start("bob", "eve")
      const tally = yield* open(bob!, eve!, 1)
      const half = yield* bob!.node.half("bob", tally)
      const offered = { ...half!, status: "received" } as const
      yield* bob!.node.run(Effect.flatMap(Records, (records) => records.put(Tables.halves, offered)))
      yield* says(eve!, bob!, yield* promised(eve!, bob!, { tally, n: 1 }))
      assert.deepStrictEqual(yield* lifts(bob!), [])
    }).pipe(Effect.scoped)
  )

  it.effect("is kept for a neighbour, so many of them until their plans have expired", () =>
    Effect.gen(function* () {
      const { ann, bob, tally } = yield* startWith(2)
      const before = yield* counted
      const asks = Effect.fnUntraced(function* (n: number, wanted: Partial<Wanted> = {}) {
        yield* says(ann, bob, yield* promised(ann, bob, { tally, n, units: 5_000n, ...wanted }))
      })
      yield* asks(1)
      yield* asks(2, { lifeMillis: 3_600_000 })
      yield* asks(3)
      const [one, two, four, five] = [idOf(1), idOf(2), idOf(4), idOf(5)]
      assert.deepStrictEqual(yield* lifts(bob), [
        [one, "refused"],
        [two, "refused"]
      ])
      const { busy } = yield* counted
      assert.strictEqual(busy - before.busy, 1)
      // What there is room for is promised nevertheless.
      yield* asks(5, { units: 5n, lifeMillis: 3_600_000 })
      yield* pass("2 minutes")
      // The first one is over: nobody could promise it any more, so it need not be known.
      yield* asks(4)
      assert.deepStrictEqual(yield* lifts(bob), [
        [two, "refused"],
        [four, "refused"],
        [five, "promised"]
      ])
    }).pipe(Effect.scoped)
  )
})
