/**
 * A TCP proxy on the loopback that stands between two programs and breaks the connection between them on demand.
 *
 * It forwards bytes, back-pressure and half-closed ends as they are. A cut by "reset" destroys every connection and
 * refuses new ones the same way. A cut by "silence" is a pulled cable: nothing passes any more, not even the news that
 * an end has closed, and whoever dials waits; once healed, what has not given up meanwhile goes on where it was.
 */
import { Effect, type Scope } from "effect"
import * as Net from "node:net"
import { Endpoint } from "../protocol/Address.ts"
import { ListenFailed } from "../services/link/Transport.ts"

export type Cut = "reset" | "silence"

export interface Traffic {
  /** Connections that are open now. */
  readonly open: number
  /** Connections that were forwarded, in all. */
  readonly forwarded: number
  /** Connections that were turned away: the line was cut, its end is unknown, or there were too many. */
  readonly refused: number
  /** Bytes that went through, both ways together. */
  readonly bytes: number
}

export interface LinkProxy {
  /** Where to dial instead of the target. */
  readonly endpoint: Endpoint
  /** Where connections go from now on; those that are open stay. */
  readonly aim: (target: Endpoint) => void
  /** Cuts the line until `heal`. Another kind of cut may follow the first. */
  readonly cut: (how: Cut) => void
  readonly heal: () => void
  readonly traffic: () => Traffic
}

export interface Options {
  /** Where connections go; without it they are refused until `aim` is called. */
  readonly target?: Endpoint | undefined
  /** Connections at once, 64 by default; further ones are refused. */
  readonly maxConnections?: number | undefined
}

const host = "127.0.0.1"

/** One connection through the proxy: the end that dialled, and the end it is forwarded to once there is one. */
class Pair {
  private readonly dialled: Net.Socket
  private target: Net.Socket | undefined
  private readonly onClosed: () => void
  private silent = false
  /** An end has failed while the line was silent: the other one learns it when the line is back. */
  private severed = false
  private closed = false

  constructor(dialled: Net.Socket, onClosed: () => void) {
    this.onClosed = onClosed
    this.dialled = this.adopt(dialled)
  }

  get bytes(): number {
    return this.dialled.bytesRead + (this.target?.bytesRead ?? 0)
  }

  /** Connects to the target, if that has not been done yet, and forwards; says whether it was done now. */
  forward(target: Endpoint): boolean {
    if (this.target !== undefined || this.closed) return false
    this.target = this.adopt(Net.createConnection({ host: target.host, port: target.port, allowHalfOpen: true }))
    this.flow()
    return true
  }

  silence(): void {
    this.silent = true
    for (const end of [this.dialled, this.target]) end?.unpipe().pause()
  }

  speak(): void {
    this.silent = false
    if (this.severed) this.destroy()
    else this.flow()
  }

  destroy(): void {
    if (this.closed) return
    this.closed = true
    this.dialled.resetAndDestroy()
    this.target?.resetAndDestroy()
    this.onClosed()
  }

  /** `pipe` ends the other side after the last byte of this one, and waits for it when it is slow. */
  private flow(): void {
    if (this.target === undefined) return
    this.dialled.pipe(this.target)
    this.target.pipe(this.dialled)
  }

  private adopt(socket: Net.Socket): Net.Socket {
    const failed = () => {
      if (this.silent) this.severed = true
      else this.destroy()
    }
    const closed = () => {
      if (this.dialled.destroyed && this.target?.destroyed === true) this.destroy()
    }
    return socket.setNoDelay(true).pause().on("error", failed).on("close", closed)
  }
}

class Line {
  private readonly pairs = new Set<Pair>()
  private readonly most: number
  private target: Endpoint | undefined
  private state: Cut | "open" = "open"
  private forwarded = 0
  private refused = 0
  private bytesBefore = 0

  constructor(options: Options) {
    this.most = options.maxConnections ?? 64
    this.target = options.target
  }

  readonly accept = (socket: Net.Socket): void => {
    if (this.target === undefined || this.state === "reset" || this.pairs.size >= this.most) {
      this.refused++
      // The dialler may be gone already.
      socket.on("error", () => undefined).resetAndDestroy()
      return
    }
    const pair: Pair = new Pair(socket, () => {
      this.pairs.delete(pair)
      this.bytesBefore += pair.bytes
    })
    this.pairs.add(pair)
    if (this.state === "silence") pair.silence()
    else this.forward(pair)
  }

  readonly aim = (target: Endpoint): void => {
    this.target = target
  }

  readonly cut = (how: Cut): void => {
    this.state = how
    for (const pair of this.pairs) {
      if (how === "reset") pair.destroy()
      else pair.silence()
    }
  }

  readonly heal = (): void => {
    this.state = "open"
    for (const pair of this.pairs) {
      pair.speak()
      this.forward(pair)
    }
  }

  readonly traffic = (): Traffic => ({
    open: this.pairs.size,
    forwarded: this.forwarded,
    refused: this.refused,
    bytes: [...this.pairs].reduce((sum, pair) => sum + pair.bytes, this.bytesBefore)
  })

  private forward(pair: Pair): void {
    if (this.target !== undefined && pair.forward(this.target)) this.forwarded++
  }
}

const listening = (server: Net.Server): Effect.Effect<Endpoint, ListenFailed> =>
  Effect.callback((resume) => {
    server.once("error", (cause) => {
      resume(Effect.fail(new ListenFailed({ endpoint: `${host}:0`, reason: "other", cause })))
    })
    server.listen({ host, port: 0 }, () => {
      const bound = server.address()
      const port = typeof bound === "object" && bound !== null ? bound.port : 0
      resume(Effect.succeed(new Endpoint({ host, port })))
    })
  })

/** A line on a free port of 127.0.0.1, open at first; it and its connections end with the scope. */
export const make = (options: Options = {}): Effect.Effect<LinkProxy, ListenFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const line = new Line(options)
    const server = yield* Effect.acquireRelease(
      Effect.sync(() => Net.createServer({ allowHalfOpen: true }, line.accept)),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          line.cut("reset")
        })
    )
    const endpoint = yield* listening(server)
    return { endpoint, aim: line.aim, cut: line.cut, heal: line.heal, traffic: line.traffic }
  })
