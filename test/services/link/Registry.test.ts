import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
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
  it.effect("remembers what happened with peers, however many strangers come, and of those the last", () =>
    Effect.gen(function* () {
      const registry = yield* Registry
      const [peer, other] = [keyOf(2), keyOf(3)]
      const dialled = { id: 1, direction: "outbound", remote: "a:1" } as const
      const accepted = { id: 2, direction: "inbound", remote: "b:1" } as const
      registry.note(dialled, { to: "opening", peer })
      registry.note(accepted, { from: "candidate", to: "active", peer: other, session: 1n })
      registry.note(dialled, { from: "opening", to: "closed", peer, reason: "network", detail: "" })
      registry.note(accepted, { from: "active", to: "closed", peer: other, session: 1n, reason: "closed", detail: "" })
      for (let id = 3; id < 3 + 3 * keptTransitions; id++) {
        // Under the name of a peer, which anybody may claim before it has a session.
        registry.note({ id, direction: "inbound", remote: "c:1" }, { from: "opening", to: "candidate", peer })
      }
      const of = (key?: NodeKey) => registry.recent(key).map(({ connection }) => connection)
      assert.deepStrictEqual(of(other), [2, 2])
      assert.lengthOf(of(), 4 + keptTransitions)
      assert.deepStrictEqual(
        [...of().slice(0, 5), of().at(-1)],
        [1, 2, 1, 2, 3 + 2 * keptTransitions, 2 + 3 * keptTransitions]
      )
      registry.note(dialled, { to: "opening", peer })
      assert.deepStrictEqual(of(peer).slice(-2), [2 + 3 * keptTransitions, 1])
      for (let i = 0; i < 3 * keptTransitions; i++) registry.note(dialled, { to: "opening", peer })
      assert.lengthOf(of(), 2 * keptTransitions)
    }).pipe(Effect.provide(Layer.provide(Registry.layer, self)))
  )

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
