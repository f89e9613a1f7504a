/**
 * A port of 127.0.0.1 that can be shut, so that dials are refused as if nobody listened, and opened again.
 */
import { Effect, type Scope } from "effect"
import * as Net from "node:net"
import { Endpoint } from "../../protocol/Address.ts"
import { ListenFailed } from "../../services/link/Transport.ts"

export const host = "127.0.0.1"

/** How soon a port is tried again that somebody took while it was shut, in milliseconds. */
const retryAfter = 50

export class LocalPort {
  readonly #accept: (socket: Net.Socket) => void
  readonly #shutBy = new Set<object>()
  #port: number
  #server: Net.Server | undefined
  #retry: NodeJS.Timeout | undefined

  /** Port 0 takes a free one. Nothing listens before `start`. */
  constructor(port: number, accept: (socket: Net.Socket) => void) {
    this.#port = port
    this.#accept = accept
  }

  get endpoint(): Endpoint {
    return new Endpoint({ host, port: this.#port })
  }

  /** Listens for the first time. */
  readonly start: Effect.Effect<void, ListenFailed> = Effect.callback((resume) => {
    const server = this.#listen((cause: Error & { readonly code?: string }) => {
      const reason = cause.code === "EADDRINUSE" ? "in-use" : cause.code === "EACCES" ? "not-permitted" : "other"
      resume(Effect.fail(new ListenFailed({ endpoint: `${host}:${this.#port}`, reason, cause })))
    })
    server.once("listening", () => {
      const bound = server.address()
      if (typeof bound === "object" && bound !== null) this.#port = bound.port
      resume(Effect.void)
    })
  })

  /** Refuses dials from now on; open connections stay. It is open again once nobody wants it shut. */
  shut(by: object): void {
    this.#shutBy.add(by)
    this.#close()
  }

  /** Listens again, at the same port; keeps trying while somebody else has it. */
  open(by: object): void {
    if (this.#shutBy.delete(by)) this.#reopen()
  }

  #reopen(): void {
    if (this.#shutBy.size > 0 || this.#server !== undefined) return
    this.#listen(() => {
      this.#close()
      this.#retry = setTimeout(() => this.#reopen(), retryAfter)
    })
  }

  #close(): void {
    clearTimeout(this.#retry)
    this.#server?.close()
    this.#server = undefined
  }

  #listen(onError: (cause: Error) => void): Net.Server {
    const server = Net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, this.#accept)
    server.once("error", onError)
    // A connection that cannot be accepted, for want of descriptors, is an error event too.
    server.on("error", () => undefined)
    server.listen({ host, port: this.#port })
    this.#server = server
    return server
  }
}

/** A port that is open until the scope closes. */
export const make = (
  port: number,
  accept: (socket: Net.Socket) => void
): Effect.Effect<LocalPort, ListenFailed, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const made = new LocalPort(port, accept)
      yield* made.start
      return made
    }),
    (made) => Effect.sync(() => made.shut(made))
  )
