/**
 * The connection to the database is lost while a COMMIT is under way: it has happened, and nobody was told.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Schema } from "effect"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import type { Outcome } from "../../../src/protocol/delivery/Message.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { CommitUnknown, Transactions } from "../../../src/services/Transactions.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import * as SessionPair from "../../support/SessionPair.ts"

/** A protocol whose messages say how they want to be answered the first time. */
const wishes = () => {
  const handled: Array<string> = []
  const outcomes: Array<readonly [string, Outcome["_tag"]]> = []
  const taken = new Set<string>()
  const decide = (wish: string): Effect.Effect<void, Protocol.Rejected> => {
    if (wish.startsWith("refused")) return Effect.fail(Protocol.Rejected.refused("not-wanted"))
    if (wish.startsWith("stale")) return Effect.fail(Protocol.Rejected.stale("7"))
    return wish.startsWith("later") && !taken.has(wish) ? Effect.fail(Protocol.Rejected.later("1 second")) : Effect.void
  }
  const protocol = Protocol.make("wishes", {
    messages: Schema.String,
    subject: (wish) => wish,
    handle: (wish) =>
      Effect.andThen(
        decide(wish),
        Effect.sync(() => void handled.push(wish))
      ),
    onOutcome: (wish, outcome) => Effect.sync(() => void outcomes.push([wish, outcome._tag]))
  })
  return { handled, outcomes, taken, protocol }
}

const cause = new CommitUnknown({ transaction: undefined, problem: "it was cut" })
const lost = new SqlError({ reason: new UnknownError({ cause, message: cause.message }) })

/** Fails once, when armed, with what it was asked for done. */
class Fault {
  armed = false
  struck = 0
  readonly wrap = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
    Effect.flatMap(effect, (value) => {
      if (!this.armed) return Effect.succeed(value)
      this.armed = false
      this.struck++
      return Effect.fail(lost)
    })
}

const node = (seed: number, { protocol }: ReturnType<typeof wishes>, amend?: (services: Services) => Services) =>
  Effect.flatMap(MemoryDatabase.make, (database) =>
    DeliveryNode.start({ seed, database, protocols: [protocol.handled], ...(amend === undefined ? {} : { amend }) })
  )
type Services = Context.Context<DeliveryNode.Services>

/** Faults the outermost transactions. */
const committing =
  (fault: Fault) =>
  (services: Services): Services => {
    const transactions = Context.get(services, Transactions)
    let depth = 0
    return Context.add(services, Transactions, {
      ...transactions,
      within: (effect) =>
        Effect.suspend(() => {
          const outermost = depth++ === 0
          const done = Effect.ensuring(
            transactions.within(effect),
            Effect.sync(() => depth--)
          )
          return outermost ? fault.wrap(done) : done
        })
    })
  }

const numbering =
  (fault: Fault) =>
  (services: Services): Services => {
    const store = Context.get(services, RetryStore)
    return Context.add(services, RetryStore, {
      ...store,
      take: (link, room, now) =>
        Effect.flatMap(store.take(link, room, now), (taken) =>
          taken.messages.length === 0
            ? Effect.succeed(taken)
            : Effect.catchTag(fault.wrap(Effect.succeed(taken)), "SqlError", Effect.fail)
        )
    })
  }

const send = Effect.fnUntraced(function* (
  from: DeliveryNode.DeliveryNode,
  to: DeliveryNode.DeliveryNode,
  { protocol }: ReturnType<typeof wishes>,
  all: ReadonlyArray<string>
) {
  const delivery = Context.get(from.context, Delivery)
  for (const wish of all) yield* delivery.send(DeliveryNode.keyOf(to), protocol, wish)
})

const settle = Effect.gen(function* () {
  for (let round = 0; round < 20; round++) yield* TestClock.adjust(50)
})

const owed = (of: DeliveryNode.DeliveryNode) =>
  Effect.map(Context.get(of.context, RetryStore).owed({ limit: 100 }), (rows) => rows.length)

describe("a COMMIT of which nobody heard", () => {
  it.effect("trap 4: of received messages: their answers still reach the sender, and nothing runs twice", () =>
    Effect.gen(function* () {
      const [left, right] = [wishes(), wishes()]
      const fault = new Fault()
      const a = yield* node(1, left)
      const b = yield* node(2, right, committing(fault))
      yield* send(a, b, left, ["one", "refused", "stale", "later", "two"])
      const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
      fault.armed = true
      const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
      yield* settle
      assert.strictEqual(fault.struck, 1)
      assert.isFalse(yield* Deferred.isDone(pair.closed))
      assert.deepStrictEqual(left.outcomes, [
        ["one", "Ok"],
        ["refused", "Refused"],
        ["stale", "Stale"],
        ["later", "Later"],
        ["two", "Ok"]
      ])
      right.taken.add("later")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(right.handled.slice(-1), ["later"])
      assert.deepStrictEqual(left.outcomes.slice(5), [["later", "Ok"]])
      assert.strictEqual(yield* owed(a), 0)
      yield* Fiber.interruptAll(fibers)
    }).pipe(Effect.scoped)
  )

  it.effect("trap 4: of receipts that were settled: every outcome is told once", () =>
    Effect.gen(function* () {
      const [left, right] = [wishes(), wishes()]
      const fault = new Fault()
      const a = yield* node(1, left, committing(fault))
      const b = yield* node(2, right)
      yield* send(a, b, left, ["one", "refused", "two"])
      const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
      fault.armed = true
      const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
      yield* settle
      assert.strictEqual(fault.struck, 1)
      assert.deepStrictEqual(left.outcomes, [
        ["one", "Ok"],
        ["refused", "Refused"],
        ["two", "Ok"]
      ])
      assert.strictEqual(yield* owed(a), 0)
      yield* Fiber.interruptAll(fibers)
    }).pipe(Effect.scoped)
  )

  it.effect("trap 4: of numbers: what has one is sent, in the same session", () =>
    Effect.gen(function* () {
      const [left, right] = [wishes(), wishes()]
      const fault = new Fault()
      const a = yield* node(1, left, numbering(fault))
      const b = yield* node(2, right)
      const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
      const fibers = [yield* Effect.forkChild(a.run(pair.left)), yield* Effect.forkChild(b.run(pair.right))]
      yield* settle
      fault.armed = true
      yield* send(a, b, left, ["one", "two"])
      yield* settle
      assert.strictEqual(fault.struck, 1)
      assert.deepStrictEqual(right.handled, ["one", "two"])
      yield* send(a, b, left, ["three"])
      yield* settle
      assert.deepStrictEqual(right.handled, ["one", "two", "three"])
      assert.isFalse(yield* Deferred.isDone(pair.closed))
      assert.strictEqual(yield* owed(a), 0)
      yield* Fiber.interruptAll(fibers)
    }).pipe(Effect.scoped)
  )
})
