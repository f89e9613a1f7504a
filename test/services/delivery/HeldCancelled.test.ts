import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import * as SessionPair from "../../support/SessionPair.ts"

/** Lets everything that can happen without time happen, then a little time. */
const settle = Effect.gen(function* () {
  for (let round = 0; round < 20; round++) yield* TestClock.adjust(10)
})

/** A message that its receiver puts on hold, and that is taken back by `takeBack` before its sender hears of that. */
const scenario = Effect.fnUntraced(function* (
  takeBack: (store: RetryStore["Service"]) => Effect.Effect<unknown, SqlError>,
  resumes: boolean
) {
  const handled: Array<string> = []
  let whileHandled: Effect.Effect<void> = Effect.void
  const protocol = Protocol.make("words", {
    messages: Schema.String,
    handle: (word) => {
      if (word !== "first") return Effect.sync(() => void handled.push(word))
      return Effect.andThen(
        Effect.suspend(() => whileHandled),
        Effect.fail(Protocol.Rejected.later("1 second"))
      )
    }
  })
  const protocols = [protocol.handled]
  const a = yield* DeliveryNode.start({ seed: 1, database: yield* MemoryDatabase.make, protocols })
  const b = yield* DeliveryNode.start({ seed: 2, database: yield* MemoryDatabase.make, protocols })
  const store = Context.get(a.context, RetryStore)
  const connect = Effect.gen(function* () {
    const pair = yield* SessionPair.make(DeliveryNode.keyOf(a), DeliveryNode.keyOf(b))
    const left = yield* Effect.forkChild(a.run(pair.left))
    const right = yield* Effect.forkChild(b.run(pair.right))
    return { left, end: Effect.andThen(pair.cut, Fiber.interruptAll([left, right])) }
  })

  const session = yield* connect
  // From inside the handler: the number is out, and the answer is not.
  const loseSender = resumes ? Fiber.interrupt(session.left) : Effect.void
  whileHandled = Effect.asVoid(Effect.andThen(loseSender, Effect.orDie(takeBack(store))))
  for (const word of ["first", "second"]) {
    yield* Effect.provide(
      Effect.flatMap(Delivery, (delivery) =>
        delivery.send(DeliveryNode.keyOf(b), protocol, word, word === "first" ? { within: "1 hour" } : {})
      ),
      a.context
    )
  }
  yield* settle
  if (resumes) {
    assert.deepStrictEqual(handled, [])
    yield* session.end
    yield* connect
  }
  for (let round = 0; round < 60; round++) yield* TestClock.adjust(1_000)
  assert.deepStrictEqual(handled, ["second"])
  assert.deepStrictEqual(yield* store.owed({ limit: 10 }), [])
})

const cancelled = (store: RetryStore["Service"]) =>
  Effect.flatMap(store.owed({ limit: 1 }), ([first]) => store.cancel(first?.id ?? ""))
const expired = (store: RetryStore["Service"]) => store.expire(3_600_000, 10)

describe("a message that is on hold at its receiver", () => {
  it.effect("lets the one behind it through when it is cancelled before its receipt", () =>
    Effect.scoped(scenario(cancelled, false))
  )

  it.effect("lets the one behind it through when it expires before its receipt", () =>
    Effect.scoped(scenario(expired, false))
  )

  it.effect("lets the one behind it through when it is cancelled before the RESUME that brings its answer", () =>
    Effect.scoped(scenario(cancelled, true))
  )
})
