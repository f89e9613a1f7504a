import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Logger, References } from "effect"
import { Socket } from "effect/socket"
import { TestClock } from "effect/testing"
import { Endpoint } from "../../../src/protocol/Address.ts"
import * as Acceptor from "../../../src/services/link/Acceptor.ts"
import { ended } from "../../../src/services/link/Ended.ts"
import { defaults, LinkConfig } from "../../../src/services/link/LinkConfig.ts"
import { Links } from "../../../src/services/link/Links.ts"
import type { Pending } from "../../../src/services/link/Serving.ts"
import { nothing } from "../../../src/services/link/Outcome.ts"
import { Supervisor } from "../../../src/services/link/Supervisor.ts"
import type { Accepted } from "../../../src/services/link/Transport.ts"

const socket = Socket.make({ reader: Effect.never, writer: Effect.never })

/**
 * A port with nobody behind it but the acceptor. `knock` is a connection from an IP address, and tells whether it was
 * taken; it stays a handshake until `finish`.
 */
const port = Effect.fnUntraced(function* (options: {
  readonly config?: Partial<typeof defaults>
  readonly isBanned?: (ip: string) => boolean
}) {
  const handshakes = new Map<Pending, Deferred.Deferred<void>>()
  const serve: Links["Service"]["serve"] = (_, { direction, host = "" }) =>
    Effect.gen(function* () {
      const done = yield* Deferred.make<void>()
      const pending = { direction, host }
      handshakes.set(pending, done)
      yield* Effect.ensuring(
        Deferred.await(done),
        Effect.sync(() => handshakes.delete(pending))
      )
      return nothing(ended("closed", ""))
    })
  const layer = Layer.mergeAll(
    Layer.mock(Links, { serve, pending: () => handshakes.keys() }),
    Layer.mock(Supervisor, { report: () => Effect.void }),
    Layer.succeed(LinkConfig, { ...defaults, ...options.config })
  )
  const handler = yield* Deferred.make<(accepted: Accepted) => Effect.Effect<void>>()
  const listener = {
    endpoint: new Endpoint({ host: "0.0.0.0", port: 4_001 }),
    run: (serve: (accepted: Accepted) => Effect.Effect<void>) =>
      Effect.andThen(Deferred.succeed(handler, serve), Effect.never)
  }
  yield* Effect.forkScoped(Effect.provide(Acceptor.run(listener, options.isBanned), layer))
  const accept = yield* Deferred.await(handler)
  return {
    knock: (ip: string) =>
      Effect.gen(function* () {
        const before = handshakes.size
        const fiber = yield* Effect.forkScoped(accept({ socket, remote: { host: ip, port: 50_000 } }), {
          startImmediately: true
        })
        const taken = handshakes.size > before
        if (!taken) yield* Fiber.join(fiber)
        return taken
      }),
    /** A handshake that this node has begun itself. */
    dial: (host: string) => void handshakes.set({ direction: "outbound", host }, Deferred.makeUnsafe()),
    finish: Effect.suspend(() =>
      Effect.andThen(
        Effect.forEach(handshakes.values(), (done) => Deferred.succeed(done, undefined)),
        TestClock.adjust(0)
      )
    )
  }
})

type Port = Effect.Success<ReturnType<typeof port>>

/** Whether each of these is taken, one after the other, none of them waiting for the others. */
const knocking = ({ finish, knock }: Port, ips: ReadonlyArray<string>) =>
  Effect.forEach(ips, (ip) => Effect.tap(knock(ip), finish))

const times = (count: number, ip: string) => Array.from({ length: count }, () => ip)

describe("an acceptor", () => {
  it.effect("takes five a second of one host, and of an IPv6 network, and as many of each", () =>
    Effect.gen(function* () {
      const at = yield* port({})
      const taken = yield* knocking(at, [...times(6, "10.0.0.1"), ...times(6, "10.0.0.2")])
      assert.deepStrictEqual(taken, [true, true, true, true, true, false, true, true, true, true, true, false])
      const v6 = yield* knocking(
        at,
        [1, 2, 3, 4, 5, 6].map((n) => `2001:db8::${n}`)
      )
      assert.deepStrictEqual(v6, [true, true, true, true, true, false])
      yield* TestClock.adjust(400)
      assert.deepStrictEqual(yield* knocking(at, times(3, "::ffff:10.0.0.1")), [true, true, false])
    })
  )

  it.effect("takes any number a second of its own machine", () =>
    Effect.gen(function* () {
      const at = yield* port({})
      for (const ip of ["127.0.0.1", "127.8.0.1", "::1"]) {
        assert.notInclude(yield* knocking(at, times(50, ip)), false)
      }
    })
  )

  it.effect("has so many handshakes of one host and so many of all, those of its own machine among them", () =>
    Effect.gen(function* () {
      const at = yield* port({ config: { maxHandshakes: 6, maxHandshakesPerHost: 2 } })
      const waiting = (ips: ReadonlyArray<string>) => Effect.forEach(ips, at.knock)
      for (let n = 0; n < 6; n++) at.dial("10.0.0.1")
      assert.deepStrictEqual(yield* waiting(times(3, "10.0.0.1")), [true, true, false])
      assert.deepStrictEqual(yield* waiting(times(5, "127.0.0.1")), [true, true, true, true, false])
      assert.deepStrictEqual(yield* waiting(["10.0.0.2"]), [false])
      yield* at.finish
      assert.deepStrictEqual(yield* waiting(["10.0.0.2"]), [true])
    })
  )

  it.effect("turns away who is banned, before anything is counted", () =>
    Effect.gen(function* () {
      const banned = new Set(["10.0.0.1"])
      const at = yield* port({ isBanned: (ip) => banned.has(ip) })
      assert.notInclude(yield* knocking(at, times(100, "10.0.0.1")), true)
      banned.clear()
      assert.notInclude(yield* knocking(at, times(5, "10.0.0.1")), false)
    })
  )

  it.effect("says so ten times at once and once a second, however many it turns away", () =>
    Effect.gen(function* () {
      const lines: Array<Record<string, unknown>> = []
      const logger = Logger.make((line) => {
        if (String(line.message) === "Connection not taken")
          lines.push({ ...line.fiber.getRef(References.CurrentLogAnnotations) })
      })
      yield* Effect.gen(function* () {
        const at = yield* port({ isBanned: () => true })
        yield* knocking(at, times(1_000, "10.0.0.1"))
        assert.lengthOf(lines, 10)
        assert.deepStrictEqual(lines[0], { remote: "10.0.0.1:50000", limit: "the host is banned" })
        yield* TestClock.adjust(1_000)
        yield* knocking(at, times(3, "2001:db8::1"))
        assert.lengthOf(lines, 11)
        assert.deepStrictEqual(lines[10], {
          remote: "[2001:db8::1]:50000",
          limit: "the host is banned",
          unsaid: 990
        })
        yield* TestClock.adjust(10_000)
        yield* knocking(at, times(1, "10.0.0.1"))
        assert.strictEqual(lines[11]?.["unsaid"], 2)
      }).pipe(Effect.provide(Logger.layer([logger])))
    })
  )
})
