/**
 * Stands between a client and PostgreSQL and takes the connection away at a COMMIT, once for each time it is told to:
 * before the server has it, after the server has answered it, or so that the server does not notice.
 *
 * It reads whole messages of the wire protocol both ways; TLS must be off.
 */
import { Effect, Redacted, type Scope } from "effect"
import { once } from "node:events"
import * as net from "node:net"

/** `unheard`: committed, and not answered. `unsent`: the server sees a close in its place. `frozen`: it sees nothing. */
export type Cut = "unheard" | "unsent" | "frozen"

export interface CommitProxy {
  readonly url: Redacted.Redacted
  /** Cuts at the next COMMIT, or at the next statement that has this text in it, which is a transaction of its own. */
  readonly arm: (cut: Cut, text?: string) => void
  readonly cuts: () => number
  /** From now on nobody gets through, until `false`. */
  readonly refuse: (refusing: boolean) => void
}

const letter = (text: string): number => text.charCodeAt(0)
const end = (buffer: Buffer, from: number): number => buffer.indexOf(0, from)

/** Cuts a stream into messages; those of a client begin with one that has no type. */
class Messages {
  #rest: Buffer = Buffer.alloc(0)
  #untyped: boolean
  constructor(untyped: boolean) {
    this.#untyped = untyped
  }
  *of(chunk: Buffer): Generator<Buffer> {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (true) {
      const typed = this.#untyped ? 0 : 1
      if (this.#rest.length < 4 + typed) return
      const length = typed + this.#rest.readInt32BE(typed)
      if (this.#rest.length < length) return
      this.#untyped = false
      yield this.#rest.subarray(0, length)
      this.#rest = this.#rest.subarray(length)
    }
  }
}

/** Tells of a client's messages which text they run: by the name that this was given. */
const running = () => {
  const texts = new Map<string, string>()
  return (message: Buffer): string | undefined => {
    if (message[0] === letter("P")) {
      const name = message.toString("utf8", 5, end(message, 5))
      const text = message.toString("utf8", 6 + name.length, end(message, 6 + name.length))
      texts.set(name, text)
    }
    if (message[0] !== letter("B")) return undefined
    const portal = end(message, 5)
    return texts.get(message.toString("utf8", portal + 1, end(message, portal + 1)))
  }
}

const open = async (server: string) => {
  const place = new URL(server)
  const sockets = new Set<net.Socket>()
  let next: Cut | undefined
  let at = "COMMIT"
  let refusing = false
  let cuts = 0

  const listener = net.createServer((client) => {
    if (refusing) return client.destroy()
    const upstream = net.connect({ host: place.hostname, port: Number(place.port) })
    let cut: Cut | undefined
    const close = (): void => {
      client.destroy()
      if (cut !== "frozen") upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay(true))
      socket.on("error", close)
      socket.on("close", () => {
        sockets.delete(socket)
        close()
      })
    }
    const textOf = running()
    const [asked, answered] = [new Messages(true), new Messages(false)]
    client.on("data", (chunk) => {
      for (const message of asked.of(Buffer.from(chunk))) {
        const text = textOf(message)
        if (next !== undefined && text?.includes(at) === true) {
          cut = next
          next = undefined
          cuts++
          if (cut !== "unheard") return close()
        }
        upstream.write(message)
      }
    })
    upstream.on("data", (chunk) => {
      for (const message of answered.of(Buffer.from(chunk))) {
        if (cut === "unheard" && message[0] === letter("Z")) return close()
        if (cut === undefined) client.write(message)
      }
    })
  })
  listener.listen(0, "127.0.0.1")
  await once(listener, "listening")
  const address = listener.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  const url = new URL(server)
  url.port = String(address.port)
  const proxy: CommitProxy = {
    url: Redacted.make(url.toString()),
    arm: (cut, text = "COMMIT") => {
      next = cut
      at = text
    },
    cuts: () => cuts,
    refuse: (now) => void (refusing = now)
  }
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    listener.close()
    await once(listener, "close")
  }
  return { proxy, stop }
}

/** A proxy before the server that a URL names, until the scope closes. */
export const make = (server: Redacted.Redacted): Effect.Effect<CommitProxy, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => open(Redacted.value(server))),
      ({ stop }) => Effect.promise(stop)
    ),
    ({ proxy }) => proxy
  )
