/**
 * Stands between a node and its PostgreSQL server, and cuts a connection at the worst moment: when the server has
 * committed and its answer is on the way. The client cannot know that it has.
 *
 * It reads the server's messages (one byte of type, four of length) and forwards whole ones; TLS must be off.
 */
import { once } from "node:events"
import * as net from "node:net"

/** `COMMIT`: a transaction's end. `any`: of whatever statement, one that is a transaction of its own among them. */
export type Target = "COMMIT" | "any"

export interface DatabaseProxy {
  /** The URL to use in the place of the server's. */
  readonly url: string
  /** Cuts at each `every`-th answer of the kind from now on; 0 stops that. */
  readonly cut: (target: Target, every: number) => void
  /** Connections that were cut so far. */
  readonly cuts: () => number
  readonly close: () => Promise<void>
}

const commandComplete = 0x43

/** The command that a message says is complete, such as `COMMIT` or `INSERT 0 1`; `undefined` for other messages. */
const completed = (message: Buffer): string | undefined =>
  message[0] === commandComplete ? message.toString("latin1", 5, message.length - 1) : undefined

export const open = async (server: string): Promise<DatabaseProxy> => {
  const at = new URL(server)
  let target: Target = "COMMIT"
  let every = 0
  let answers = 0
  let cuts = 0
  const sockets = new Set<net.Socket>()

  const strikes = (message: Buffer): boolean => {
    const command = completed(message)
    if (every === 0 || command === undefined) return false
    // BEGIN, SET and the like change nothing.
    if (target === "COMMIT" ? command !== "COMMIT" : !/^(COMMIT|INSERT|UPDATE|DELETE|SELECT)/.test(command))
      return false
    return ++answers % every === 0
  }

  const listener = net.createServer((client) => {
    const upstream = net.connect({ host: at.hostname, port: Number(at.port) })
    const end = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on("error", end)
      socket.on("close", () => {
        sockets.delete(socket)
        end()
      })
    }
    client.pipe(upstream)
    let rest: Buffer = Buffer.alloc(0)
    upstream.on("data", (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let from = 0
      while (rest.length - from >= 5) {
        const length = 1 + rest.readInt32BE(from + 1)
        if (rest.length - from < length) break
        if (strikes(rest.subarray(from, from + length))) {
          cuts++
          client.write(rest.subarray(0, from), end)
          upstream.removeAllListeners("data")
          return
        }
        from += length
      }
      client.write(rest.subarray(0, from))
      rest = rest.subarray(from)
    })
  })
  listener.listen(0, "127.0.0.1")
  await once(listener, "listening")
  const address = listener.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  const url = new URL(server)
  url.port = String(address.port)
  return {
    url: url.toString(),
    cut: (what, how) => {
      target = what
      every = how
    },
    cuts: () => cuts,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, "close")
    }
  }
}
