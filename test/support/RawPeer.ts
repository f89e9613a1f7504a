/**
 * A bare TCP connection to a node: whatever bytes a test wants, and everything that came back, as events.
 */
import { Effect } from "effect"
import * as Net from "node:net"
import { Endpoint } from "../../src/protocol/Address.ts"

export interface RawPeer {
  readonly port: number
  readonly write: (bytes: Uint8Array | string) => Effect.Effect<void>
  /** Ends the writing side. */
  readonly end: Effect.Effect<void>
  /** Everything that came until the other side ended or broke off. */
  readonly reply: Effect.Effect<Uint8Array>
  readonly socket: Net.Socket
}

/** Connected, and closed with the scope. */
export const dial = (endpoint: Endpoint) =>
  Effect.acquireRelease(
    Effect.callback<RawPeer>((resume) => {
      const socket = Net.createConnection({ host: endpoint.host, port: endpoint.port, allowHalfOpen: true })
      const chunks: Array<Buffer> = []
      let over = false
      const waiting: Array<() => void> = []
      const end = () => {
        over = true
        for (const wake of waiting.splice(0)) wake()
      }
      socket.on("error", () => undefined)
      socket.on("data", (chunk) => void chunks.push(chunk))
      socket.on("end", end)
      socket.on("close", end)
      socket.once("connect", () =>
        resume(
          Effect.succeed({
            port: socket.localPort ?? 0,
            socket,
            write: (bytes) => Effect.sync(() => void (socket.writable && socket.write(bytes))),
            end: Effect.sync(() => void socket.end()),
            reply: Effect.callback<Uint8Array>((done) => {
              const finish = () => {
                socket.end()
                done(Effect.succeed(Uint8Array.from(Buffer.concat(chunks))))
              }
              if (over) finish()
              else waiting.push(finish)
            })
          })
        )
      )
    }),
    ({ socket }) => Effect.sync(() => void socket.destroy())
  )

/** A bare server: whatever a test does with those who come. Closed with the scope, its connections too. */
export const listen = (onConnection: (socket: Net.Socket) => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly server: Net.Server; readonly open: Set<Net.Socket>; readonly endpoint: Endpoint }>(
        (resume) => {
          const open = new Set<Net.Socket>()
          const server = Net.createServer((socket) => {
            open.add(socket)
            socket.on("error", () => undefined).on("close", () => open.delete(socket))
            onConnection(socket.resume())
          })
          server.listen(0, "127.0.0.1", () => {
            const bound = server.address()
            const port = typeof bound === "object" && bound !== null ? bound.port : 0
            resume(Effect.succeed({ server, open, endpoint: new Endpoint({ host: "127.0.0.1", port }) }))
          })
        }
      ),
      ({ open, server }) =>
        Effect.sync(() => {
          server.close()
          for (const socket of open) socket.destroy()
        })
    ),
    ({ endpoint }) => endpoint
  )
