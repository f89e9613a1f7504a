import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import * as Socket from "effect/socket/Socket"
import * as Net from "node:net"
import * as TransportTcp from "../../src/layers/TransportTcp.ts"
import { Endpoint } from "../../src/protocol/Address.ts"
import { Transport } from "../../src/services/link/Transport.ts"
import { bare, bareServer, breakable, event, silentHost } from "../support/BareSockets.ts"
import { transportContract } from "../support/TransportContract.ts"

const host = "127.0.0.1"

/** On a busy machine a dial, and even more a name look-up, may take long without being given up. */
const patient = 120_000

const build = (options: TransportTcp.Options = {}) =>
  Effect.map(Layer.build(Layer.fresh(TransportTcp.layerWith({ dialTimeout: patient, ...options }))), (context) =>
    Context.get(context, Transport)
  )

/** Says something on a new connection, which stays until the scope closes. */
const saying = Effect.fnUntraced(function* (words: string, transport: Transport["Service"], endpoint: Endpoint) {
  const socket = yield* Effect.orDie(transport.dial(endpoint))
  const writer = yield* socket.writer
  yield* Effect.orDie(writer.write(Buffer.from(words)))
})

/** What a peer reads until the other side has ended, in order or not. */
const heard = (peer: Net.Socket) =>
  Effect.callback<string>((resume) => {
    let words = ""
    peer.on("data", (chunk) => void (words += chunk.toString()))
    peer.once("end", () => resume(Effect.succeed(words)))
    peer.once("error", (error) => resume(Effect.succeed(error.message)))
  })

transportContract(
  "TransportTcp",
  it.live,
  Effect.gen(function* () {
    return {
      transport: yield* build(),
      impatient: yield* build({ dialTimeout: 100 }),
      host,
      breakable,
      silentHost,
      waitForTimeout: Effect.void
    }
  })
)

describe("TransportTcp", () => {
  for (const [what, doIt] of [
    ["a reset", (socket: Net.Socket) => void socket.resetAndDestroy()],
    ["an end", (socket: Net.Socket) => void socket.end()]
  ] as const) {
    it.live(`tells ${what} that came before anybody read, on the side that dialled`, () =>
      Effect.gen(function* () {
        const transport = yield* build()
        const arrived = yield* Deferred.make<Net.Socket>()
        const { endpoint } = yield* bareServer((socket) => Deferred.doneUnsafe(arrived, Effect.succeed(socket)))
        const echo = yield* bareServer((socket) => void socket.pipe(socket))
        const socket = yield* transport.dial(endpoint)
        doIt(yield* Deferred.await(arrived))
        // Once another connection has carried something there and back, the news has come here.
        const other = yield* bare(echo.endpoint)
        for (let i = 0; i < 5; i++) {
          other.write("x")
          yield* event(other, "data")
        }
        const exit = yield* Effect.exit(Effect.scoped(Effect.flatten(Socket.readerBytes(socket))))
        assert.isTrue(Exit.isFailure(exit))
      })
    )
  }

  it.live("cuts a peer that never closes its side a moment after its own close", () =>
    Effect.gen(function* () {
      const transport = yield* build()
      const listener = yield* transport.listen({ host, port: 0 })
      yield* Effect.forkScoped(
        listener.run(({ socket }) =>
          Effect.gen(function* () {
            const pull = yield* Socket.readerBytes(socket)
            const writer = yield* socket.writer
            yield* writer.write(Uint8Array.of(1))
            yield* pull
          }).pipe(Effect.scoped, Effect.ignore)
        )
      )
      const peer = yield* bare(listener.endpoint, { allowHalfOpen: true })
      peer.resume().write("x")
      yield* event(peer, "end")
      // Still writing long after the end: the reset comes.
      const closed = yield* Effect.forkChild(event(peer, "close"), { startImmediately: true })
      yield* Effect.forkChild(
        Effect.forever(
          Effect.andThen(
            Effect.sync(() => peer.write("x")),
            Effect.sleep(20)
          )
        )
      )
      yield* Fiber.join(closed)
    })
  )

  // On the clock of the test no moment is over before it is told, however long the machine takes.
  it.effect("lets go of a connection at once, however long the peer takes to close its side", () =>
    Effect.gen(function* () {
      const transport = yield* build()
      const arrived = yield* Deferred.make<Net.Socket>()
      // Reads nothing, and so hears of no end.
      const { endpoint } = yield* bareServer((socket) => Deferred.doneUnsafe(arrived, Effect.succeed(socket)))
      const scope = yield* Scope.make()
      yield* saying("last words", transport, endpoint).pipe(Scope.provide(scope))
      const peer = yield* Deferred.await(arrived)
      // It lingers for a second, which does not pass here.
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* heard(peer), "last words")
    })
  )

  it.effect("waits at its own end for what its connections said last", () =>
    Effect.gen(function* () {
      const layer = yield* Scope.make()
      const transport = yield* Scope.provide(build(), layer)
      const arrived = yield* Deferred.make<Net.Socket>()
      const { endpoint } = yield* bareServer((socket) => {
        // Unread here, so that nothing but a moment of patience keeps the end from being a reset.
        socket.write(new Uint8Array(4 << 20))
        Deferred.doneUnsafe(arrived, Effect.succeed(socket))
      })
      yield* Effect.scoped(saying("last words", transport, endpoint))
      const peer = yield* Deferred.await(arrived)
      const hearing = yield* Effect.forkChild(heard(peer), { startImmediately: true })
      yield* Scope.close(layer, Exit.void)
      assert.strictEqual(yield* Fiber.join(hearing), "last words")
    })
  )

  it.live("closes its port without waiting for connections that nobody closes", () =>
    Effect.gen(function* () {
      const transport = yield* build()
      const scope = yield* Scope.make()
      const listener = yield* Scope.provide(transport.listen({ host, port: 0 }), scope)
      const peers = yield* Effect.forEach([1, 2, 3], () => bare(listener.endpoint))
      yield* Scope.close(scope, Exit.void)
      yield* Effect.forEach(peers, (peer) => (peer.destroyed ? Effect.void : event(peer.resume(), "close")), {
        concurrency: "unbounded"
      })
    })
  )

  it.live("listens and dials with IPv6, and shows addresses as people write them", () =>
    Effect.gen(function* () {
      const transport = yield* build()
      const listener = yield* transport.listen({ host: "::1", port: 0 })
      assert.strictEqual(listener.endpoint.toString(), `[::1]:${listener.endpoint.port}`)
      const from = yield* Deferred.make<string>()
      yield* Effect.forkScoped(listener.run(({ remote }) => Effect.asVoid(Deferred.succeed(from, remote.host))))
      yield* transport.dial(listener.endpoint)
      assert.strictEqual(yield* Deferred.await(from), "::1")
      const failed = yield* Effect.flip(transport.listen(listener.endpoint))
      assert.include(failed.message, `[::1]:${listener.endpoint.port}`)
    })
  )

  it.live("shows a peer that came by IPv4 to an IPv6 listener by its IPv4 address", () =>
    Effect.gen(function* () {
      const transport = yield* build()
      const listener = yield* transport.listen({ host: "::", port: 0 })
      const from = yield* Deferred.make<string>()
      yield* Effect.forkScoped(listener.run(({ remote }) => Effect.asVoid(Deferred.succeed(from, remote.host))))
      yield* transport.dial(new Endpoint({ host: "127.0.0.1", port: listener.endpoint.port }))
      assert.strictEqual(yield* Deferred.await(from), "127.0.0.1")
    })
  )

  it.live("dials from the local address that it was given", () =>
    Effect.gen(function* () {
      const transport = yield* build({ localAddress: "127.0.0.7" })
      const { endpoint, server } = yield* bareServer(() => undefined)
      const arrived = yield* Effect.forkChild(
        Effect.callback<string | undefined>((resume) => {
          server.once("connection", (socket) => resume(Effect.succeed(socket.remoteAddress)))
        }),
        { startImmediately: true }
      )
      yield* transport.dial(endpoint)
      assert.strictEqual(yield* Fiber.join(arrived), "127.0.0.7")
    })
  )

  it.live("names the host that cannot be found", () =>
    Effect.gen(function* () {
      const transport = yield* build()
      const failed = yield* Effect.flip(transport.dial(new Endpoint({ host: "no-such-host.invalid", port: 1 })))
      assert.strictEqual(failed.reason, "unknown-host")
      assert.strictEqual(failed.message, "could not connect to no-such-host.invalid:1: unknown-host")
    })
  )
})
