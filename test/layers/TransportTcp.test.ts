import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import * as Socket from "effect/socket/Socket"
import * as Net from "node:net"
import { Worker } from "node:worker_threads"
import * as TransportTcp from "../../src/layers/TransportTcp.ts"
import { Endpoint } from "../../src/protocol/Address.ts"
import { Transport } from "../../src/services/link/Transport.ts"
import { transportContract } from "../support/TransportContract.ts"

const host = "127.0.0.1"

/** On a busy machine a dial, and even more a name look-up, may take long without being given up. */
const patient = 120_000

const build = (options: TransportTcp.Options = {}) =>
  Effect.map(Layer.build(Layer.fresh(TransportTcp.layerWith({ dialTimeout: patient, ...options }))), (context) =>
    Context.get(context, Transport)
  )

/** A bare socket of Node, connected. */
const bare = (endpoint: Endpoint, options: Partial<Net.NetConnectOpts> = {}) =>
  Effect.acquireRelease(
    Effect.callback<Net.Socket>((resume) => {
      const socket = Net.createConnection({ host: endpoint.host, port: endpoint.port, ...options })
      socket.on("error", () => undefined)
      socket.once("connect", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

/** A bare server of Node. */
const bareServer = (onConnection: (socket: Net.Socket) => void, at = host) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: Net.Server; readonly endpoint: Endpoint }>((resume) => {
      const server = Net.createServer((socket) => onConnection(socket.on("error", () => undefined)))
      server.listen(0, at, () => {
        const { port } = server.address() as Net.AddressInfo
        resume(Effect.succeed({ server, endpoint: new Endpoint({ host: at, port }) }))
      })
    }),
    ({ server }) => Effect.sync(() => server.close())
  )

const event = (emitter: NodeJS.EventEmitter, name: string) =>
  Effect.callback<void>((resume) => void emitter.once(name, () => resume(Effect.void)))

/**
 * A listener that never accepts: a thread that listens with a backlog of one and then blocks. The system drops the
 * first packets of all who come after the backlog is full, as a host does that is not there.
 */
const silentHost: Effect.Effect<Endpoint, never, Scope.Scope> = Effect.gen(function* () {
  const release = new Int32Array(new SharedArrayBuffer(4))
  const code = `
    const { parentPort, workerData } = require("node:worker_threads")
    const server = require("node:net").createServer()
    server.listen({ host: "${host}", port: 0, backlog: 1 }, () => {
      parentPort.postMessage(server.address().port)
      // Before anybody can know the port: one more turn of the event loop might accept a connection.
      Atomics.wait(workerData, 0, 0)
      process.exit()
    })`
  const worker = yield* Effect.acquireRelease(
    Effect.sync(() => new Worker(code, { eval: true, workerData: release })),
    (worker) =>
      Effect.promise(() => {
        Atomics.store(release, 0, 1)
        Atomics.notify(release, 0)
        return worker.terminate()
      })
  )
  const port = yield* Effect.callback<number>((resume) => {
    worker.once("message", (port: number) => resume(Effect.succeed(port)))
  })
  const endpoint = new Endpoint({ host, port })
  // Two are taken by the system; the third hangs already.
  yield* bare(endpoint)
  yield* bare(endpoint)
  return endpoint
})

transportContract(
  "TransportTcp",
  it.live,
  Effect.gen(function* () {
    return {
      transport: yield* build(),
      impatient: yield* build({ dialTimeout: 100 }),
      host,
      breakable: (endpoint) =>
        Effect.map(bare(endpoint), (socket) => ({
          reset: Effect.callback<void>((resume) => {
            socket.once("close", () => resume(Effect.void))
            socket.resetAndDestroy()
          })
        })),
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
