import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { keptTransitions, Registry } from "../../../src/services/link/Registry.ts"
import { Self } from "../../../src/services/link/Self.ts"
import { arbiter, keyOf } from "../../support/LinkNode.ts"

const self = Layer.succeed(Self, {
  key: keyOf(arbiter),
  network: "test",
  instance: "00000000-0000-4000-8000-000000000001",
  database: "00000000-0000-4000-8000-000000000002",
  incarnation: 1n,
  versions: { min: 1, max: 1 },
  agent: "test",
  protocols: [],
  listen: undefined
})

describe("Registry", () => {
  it.effect("announces everything to a reader that keeps up, however far behind another one is", () =>
    Effect.gen(function* () {
      const registry = yield* Registry
      const seen: Array<number> = []
      const slow = yield* Effect.forkChild(Stream.runForEach(registry.transitions, () => Effect.never))
      const keeping = yield* Effect.forkChild(
        Stream.runForEach(registry.transitions, ({ connection }) => Effect.sync(() => void seen.push(connection)))
      )
      yield* Effect.yieldNow
      const count = 3 * keptTransitions
      for (let id = 1; id <= count; id++) {
        registry.note({ id, direction: "inbound", remote: "test:1" }, { to: "opening" })
        if (id % 100 === 0) yield* Effect.yieldNow
      }
      for (let i = 0; i < 100; i++) yield* Effect.yieldNow
      assert.deepStrictEqual([seen.length, seen.at(-1)], [count, count])
      yield* Fiber.interrupt(slow)
      yield* Fiber.interrupt(keeping)
    }).pipe(Effect.provide(Layer.provide(Registry.layer, self)))
  )
})
