import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Socket from "effect/socket/Socket"
import { TestClock } from "effect/testing"
import { Endpoint } from "../../src/protocol/Address.ts"
import { MemoryNetwork } from "../../src/testing/TransportMemory.ts"
import { transportContract } from "../support/TransportContract.ts"

const host = "10.0.0.1"

transportContract(
  "MemoryNetwork",
  it.effect,
  Effect.sync(() => {
    const network = new MemoryNetwork()
    const transport = network.transport(host)
    const nowhere = new Endpoint({ host: "10.0.0.9", port: 1 })
    network.onDial = (_, to) => (to.host === nowhere.host ? "hang" : "open")
    return {
      transport,
      host,
      breakable: (endpoint) =>
        Effect.gen(function* () {
          yield* Effect.orDie(transport.dial(endpoint))
          const link = network.links.at(-1)!
          return { reset: Effect.sync(link.reset) }
        }),
      silentHost: Effect.succeed(nowhere),
      waitForTimeout: TestClock.adjust("10 seconds")
    }
  })
)

/** Two ends of one link. */
const connected = Effect.gen(function* () {
  const network = new MemoryNetwork()
  const listener = yield* network.transport(host).listen({ host, port: 4000 })
  yield* Effect.forkScoped(
    listener.run(({ socket }) =>
      Effect.gen(function* () {
        const pull = yield* Socket.readerBytes(socket)
        const writer = yield* socket.writer
        while (true) for (const chunk of yield* pull) yield* writer.write(chunk)
      }).pipe(Effect.scoped, Effect.ignore)
    ),
    { startImmediately: true }
  )
  const socket = yield* network.transport("10.0.0.2").dial(listener.endpoint)
  const pull = yield* Socket.readerBytes(socket)
  const writer = yield* socket.writer
  return { network, pull, write: writer.write, link: network.links[0]! }
})

describe("MemoryNetwork", () => {
  it.effect("holds everything on a cut link, the news of an end included, and delivers it once healed", () =>
    Effect.gen(function* () {
      const { link, network, pull, write } = yield* connected
      yield* write(Uint8Array.of(1))
      assert.deepStrictEqual(yield* pull, [Uint8Array.of(1)])
      link.cut()
      yield* write(Uint8Array.of(2))
      const pulling = yield* Effect.forkChild(pull)
      yield* TestClock.adjust("1 day")
      assert.isUndefined(pulling.pollUnsafe())
      assert.strictEqual(network.links.length, 1)
      link.heal()
      assert.deepStrictEqual(yield* Fiber.join(pulling), [Uint8Array.of(2)])
    })
  )

  it.effect("keeps no link that is closed at both ends", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const listener = yield* network.transport(host).listen({ host, port: 0 })
      yield* Effect.forkScoped(listener.run(() => Effect.void))
      for (let i = 0; i < 100; i++) yield* Effect.scoped(network.transport(host).dial(listener.endpoint))
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(network.links, [])
      assert.strictEqual(network.dials, 100)
    })
  )

  it.effect("sends a dial wherever the test wants it", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const { endpoint } = yield* network.transport(host).listen({ host, port: 0 })
      network.onDial = (from) => (from === "10.0.0.2" ? "refuse" : "open")
      assert.strictEqual((yield* Effect.flip(network.transport("10.0.0.2").dial(endpoint))).reason, "refused")
      yield* network.transport("10.0.0.3").dial(endpoint)
    })
  )
})
