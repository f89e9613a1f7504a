/**
 * Sockets of Node without a transport around them, and a host that does not answer.
 */
import { Effect, type Scope } from "effect"
import * as Net from "node:net"
import { Worker } from "node:worker_threads"
import { Endpoint } from "../../src/protocol/Address.ts"

const host = "127.0.0.1"

/** A bare socket of Node, connected. */
export const bare = (endpoint: Endpoint, options: Partial<Net.NetConnectOpts> = {}) =>
  Effect.acquireRelease(
    Effect.callback<Net.Socket>((resume) => {
      const socket = Net.createConnection({ host: endpoint.host, port: endpoint.port, ...options })
      socket.on("error", () => undefined)
      socket.once("connect", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

/** A bare server of Node. */
export const bareServer = (onConnection: (socket: Net.Socket) => void, at = host) =>
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

export const event = (emitter: NodeJS.EventEmitter, name: string) =>
  Effect.callback<void>((resume) => void emitter.once(name, () => resume(Effect.void)))

/**
 * A listener that never accepts: a thread that listens with a backlog of one and then blocks. The system drops the
 * first packets of all who come after the backlog is full, as a host does that is not there.
 */
export const silentHost: Effect.Effect<Endpoint, never, Scope.Scope> = Effect.gen(function* () {
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

/** A bare connection, for the contract of transports; its reset is done once the socket is gone. */
export const breakable = (endpoint: Endpoint) =>
  Effect.map(bare(endpoint), (socket) => ({
    reset: Effect.callback<void>((resume) => {
      socket.once("close", () => resume(Effect.void))
      socket.resetAndDestroy()
    })
  }))
