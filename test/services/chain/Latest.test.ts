import { assert, describe, it } from "@effect/vitest"
import { Effect, FiberSet, Queue } from "effect"
import { Latest } from "../../../src/services/chain/Latest.ts"
import { settle } from "../../support/VirtualTime.ts"

describe("the latest of what waits", () => {
  it.effect("is taken when the one before is done with, and those between never", () =>
    Effect.gen(function* () {
      const used: Array<number> = []
      const gate = yield* Queue.unbounded<void>()
      const fork = yield* FiberSet.makeRuntime<never, void>()
      const use = (value: number) =>
        Effect.andThen(
          Queue.take(gate),
          Effect.sync(() => void used.push(value))
        )
      const latest = new Latest<number>(fork, use)
      for (const value of [1, 2, 3, 4]) latest.offer(value)
      yield* settle
      assert.deepStrictEqual(used, [])
      yield* Queue.offerAll(gate, [undefined, undefined])
      yield* settle
      assert.deepStrictEqual(used, [1, 4])
      latest.offer(5)
      latest.offer(6)
      latest.offer(7)
      yield* Queue.offerAll(gate, [undefined, undefined, undefined])
      yield* settle
      assert.deepStrictEqual(used, [1, 4, 5, 7])
    })
  )
})
