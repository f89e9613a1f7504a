/** What becomes of a user's command whose transaction the database ends because others were in its way. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { DeadlockError, SerializationError, SqlError, UniqueViolation } from "effect/sql/SqlError"
import { Credit } from "../../../src/services/credit/Credit.ts"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import { mostAgain } from "../../../src/services/Contention.ts"
import type { Transactions } from "../../../src/services/Transactions.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as CreditNode from "../../support/credit/CreditNode.ts"
import { pass } from "../../support/VirtualTime.ts"

const deadlock = new SqlError({ reason: new DeadlockError({ cause: new Error("deadlock detected") }) })
const disorder = new SqlError({ reason: new SerializationError({ cause: new Error("could not serialize access") }) })
const taken = new SqlError({ reason: new UniqueViolation({ cause: new Error("taken"), constraint: "some" }) })

/** Transactions that do all their work and fail then, with one of these errors after the other. */
const failing = (errors: Array<SqlError>) => {
  let begun = 0
  const around = (own: Transactions["Service"]): Transactions["Service"] => ({
    ...own,
    within: (work) =>
      Effect.suspend(() => {
        begun++
        const error = errors.shift()
        return error === undefined ? own.within(work) : own.within(Effect.andThen(work, Effect.fail(error)))
      })
  })
  return { around, begun: () => begun }
}

const ann = Cuid.make("ann")
const added = { _tag: "PutUser", type: "person", name: "Ann" } as const

/** A command at a node whose transactions fail so, and how many there were until it ended. */
const given = Effect.fnUntraced(function* (...errors: Array<SqlError>) {
  const { around, begun } = failing(errors)
  const node = yield* CreditNode.start({ network: new MemoryNetwork(), seed: 1, around })
  const fiber = yield* Effect.forkChild(Effect.result(node.credit.run(ann, added, "once")))
  yield* pass("10 seconds")
  const result = yield* Fiber.join(fiber)
  const failure = result._tag === "Failure" ? result.failure : undefined
  return { failure, begun: begun(), told: yield* node.told("ann") }
})

describe("a command whose transaction has lost against others", () => {
  it.effect("is run again until it is done, and is done once", () =>
    Effect.gen(function* () {
      const { begun, failure, told } = yield* given(deadlock, disorder, deadlock)
      assert.deepStrictEqual([failure, begun, told], [undefined, 4, ["user.added"]])
    }).pipe(Effect.scoped)
  )

  it.effect("is given up after a few times, with the last failure", () =>
    Effect.gen(function* () {
      const errors = Array.from({ length: mostAgain + 2 }, (_, n) => (n === mostAgain ? disorder : deadlock))
      const { begun, failure, told } = yield* given(...errors)
      assert.deepStrictEqual([failure, begun, told], [disorder, mostAgain + 1, []])
    }).pipe(Effect.scoped)
  )

  it.effect("is not run again after any other failure", () =>
    Effect.gen(function* () {
      const { begun, failure, told } = yield* given(taken)
      assert.deepStrictEqual([failure, begun, told], [taken, 1, []])
    }).pipe(Effect.scoped)
  )

  it.effect("is its caller's matter inside a transaction of the caller's", () =>
    Effect.gen(function* () {
      const { around, begun } = failing([deadlock])
      const node = yield* CreditNode.start({ network: new MemoryNetwork(), seed: 1, around })
      const work = Effect.result(Effect.flatMap(Credit, (credit) => credit.run(ann, added)))
      const result = yield* node.run(work)
      assert.strictEqual(result._tag === "Failure" && result.failure, deadlock)
      assert.strictEqual(begun(), 1)
    }).pipe(Effect.scoped)
  )
})
