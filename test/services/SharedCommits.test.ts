/** Work of several callers that shares transactions, and what is whose where one of them fails or goes away. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import { commitUnknown, Transactions } from "../../src/services/Transactions.ts"
import * as SharedCommits from "../../src/services/SharedCommits.ts"
import * as Stores from "../support/Stores.ts"
import { settle } from "../support/VirtualTime.ts"

const lost = new SqlError({
  reason: new UnknownError({ cause: new Error("lost"), message: "lost", operation: "query" })
})

/** Requests are texts: `no` is refused, `defect` is a bug in doing it. The part of one before a blank is its name. */
const make = Effect.fnUntraced(function* (most = 4) {
  const transactions = yield* Transactions
  const batches: Array<ReadonlyArray<string>> = []
  const gate = { wait: Effect.void as Effect.Effect<void, SqlError> }
  const share = SharedCommits.make(transactions, {
    most,
    nameOf: (request: string) => (request.includes(" ") ? request.split(" ")[0] : undefined),
    work: Effect.fnUntraced(function* (requests: ReadonlyArray<string>) {
      batches.push(requests)
      yield* gate.wait
      if (requests.includes("defect")) return yield* Effect.die(new Error("defect"))
      return requests.map((request) => (request === "no" ? Exit.fail("refused" as const) : Exit.succeed(request)))
    })
  })
  const given = (request: string, place = "here") => Effect.forkChild(Effect.exit(share(place, request)))
  /** Nobody gets further than into a transaction before what this returns is done. */
  const shut = Effect.map(Deferred.make<void, SqlError>(), (door) => {
    gate.wait = Deferred.await(door)
    return door
  })
  return { batches, given, gate, shut }
})

const test = (title: string, body: Effect.Effect<void, SqlError, Transactions>) =>
  it.effect(title, () => Effect.provide(body, Stores.memory))

const joined = (fibers: ReadonlyArray<Fiber.Fiber<Exit.Exit<string, string | SqlError>>>) =>
  Effect.map(Effect.forEach(fibers, Fiber.join), (exits) => exits.map(String))

describe("transactions that callers share", () => {
  test(
    "have all that came during the one before, in their order, as many as may be; a refusal is its caller's own",
    Effect.gen(function* () {
      const { batches, given, shut } = yield* make()
      const door = yield* shut
      const fibers = yield* Effect.forEach(["a", "b", "no", "c", "d", "e"], (request) => given(request))
      yield* settle
      yield* Deferred.succeed(door, undefined)
      const exits = yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(batches, [["a"], ["b", "no", "c", "d"], ["e"]])
      assert.deepStrictEqual(
        exits.map((exit) => (Exit.isSuccess(exit) ? exit.value : "failed")),
        ["a", "b", "failed", "c", "d", "e"]
      )
      assert.deepStrictEqual(exits[2], Exit.fail("refused"))
    })
  )

  test(
    "do not have two of one name, and do not wait for another place",
    Effect.gen(function* () {
      const { batches, given, shut } = yield* make()
      const door = yield* shut
      const fibers = yield* Effect.forEach(["a", "k 1", "b", "k 2", "c"], (request) => given(request))
      fibers.push(yield* given("x", "there"))
      yield* settle
      assert.deepStrictEqual(batches, [["a"]])
      yield* Deferred.succeed(door, undefined)
      yield* joined(fibers)
      assert.deepStrictEqual(
        batches.filter(([first]) => first !== "x"),
        [["a"], ["k 1", "b"], ["k 2", "c"]]
      )
    })
  )

  test(
    "are run again by those who wait where their caller goes away, without what that one wanted",
    Effect.gen(function* () {
      const { batches, given, shut } = yield* make()
      const first = yield* shut
      const fibers = yield* Effect.forEach(["a", "b", "c", "d"], (request) => given(request))
      yield* settle
      yield* Fiber.interrupt(fibers[2]!)
      const second = yield* shut
      yield* Deferred.succeed(first, undefined)
      yield* settle
      assert.deepStrictEqual(batches, [["a"], ["b", "d"]])
      yield* Fiber.interrupt(fibers[1]!)
      yield* Deferred.succeed(second, undefined)
      assert.deepStrictEqual(yield* Fiber.join(fibers[3]!), Exit.succeed("d"))
      assert.deepStrictEqual(batches, [["a"], ["b", "d"], ["d"]])
    })
  )

  test(
    "are everybody's failure where the database has failed, and one alone is its caller's where a bug has",
    Effect.gen(function* () {
      const { batches, gate, given, shut } = yield* make()
      for (const failure of [lost, commitUnknown("the line was cut")]) {
        const door = yield* shut
        const fibers = yield* Effect.forEach(["a", "b", "c"], (request) => given(request))
        yield* settle
        gate.wait = Effect.fail(failure)
        yield* Deferred.succeed(door, undefined)
        const [one, ...others] = yield* Effect.forEach(fibers, Fiber.join)
        assert.deepStrictEqual(one, Exit.succeed("a"))
        assert.deepStrictEqual(others, [Exit.fail(failure), Exit.fail(failure)])
      }
      batches.splice(0)
      const door = yield* shut
      const fibers = yield* Effect.forEach(["a", "b", "defect", "c"], (request) => given(request))
      yield* settle
      yield* Deferred.succeed(door, undefined)
      const exits = yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, true, false, true])
      assert.deepStrictEqual(batches, [["a"], ["b", "defect", "c"], ["b"], ["defect"], ["c"]])
    })
  )
})
