/**
 * Bare sockets on the loopback, for tests of proxies: what each hears, to be waited for, and how it ends.
 */
import { assert } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import * as Net from "node:net"
import { Endpoint } from "../../src/protocol/Address.ts"

const host = "127.0.0.1"

/** What a socket says, to be waited for one by one. */
export class End {
  readonly socket: Net.Socket
  private received = ""
  private readonly waiting: Array<() => void> = []
  private over: string | undefined
  private error: string | undefined
  private readonly sizes: Array<number> = []

  constructor(socket: Net.Socket) {
    this.socket = socket
    const say = (over: string) => () => {
      this.over ??= over
      for (const look of this.waiting.splice(0)) look()
    }
    socket
      .on("data", (chunk: Buffer) => {
        this.received += chunk.toString("latin1")
        this.sizes.push(chunk.length)
        for (const look of this.waiting.splice(0)) look()
      })
      .on("end", say("end"))
      .on("error", (error: Error & { readonly code?: string }) => {
        this.error = error.code
        say("reset")()
      })
      .on("connect", () => {
        for (const look of this.waiting.splice(0)) look()
      })
      .on("close", say("close"))
  }

  get text(): string {
    return this.received
  }

  /** The sizes of what came in, read by read. */
  get chunks(): ReadonlyArray<number> {
    return this.sizes
  }

  /** Whether it has ended, in whatever way. */
  get isOver(): boolean {
    return this.over !== undefined
  }

  /** How a dial comes out: "connected", or the code of its error. */
  readonly dialled: Effect.Effect<string> = Effect.suspend(() =>
    Effect.map(
      this.until(() => !this.socket.connecting),
      () => this.error ?? "connected"
    )
  )

  /** Until so many bytes have come in, or it has ended. */
  readonly receives = (size: number): Effect.Effect<string> =>
    Effect.map(
      this.until(() => this.received.length >= size),
      () => this.received
    )

  /** Until this text has come in whole, or what came instead. */
  readonly hears = (text: string): Effect.Effect<void> =>
    this.until(() => this.received.length >= text.length).pipe(
      Effect.andThen(Effect.sync(() => assert.strictEqual(this.received, text)))
    )

  /** How the other side's half ends: in order, or with a reset. */
  readonly ends: Effect.Effect<string> = Effect.suspend(() =>
    Effect.as(
      this.until(() => this.over !== undefined),
      Effect.sync(() => this.over ?? "")
    )
  ).pipe(Effect.flatten)

  private readonly until = (holds: () => boolean): Effect.Effect<void> =>
    Effect.callback((resume) => {
      const look = () => {
        if (holds() || this.over !== undefined) resume(Effect.void)
        else this.waiting.push(look)
      }
      look()
    })
}

const closing = <A extends { destroy: () => unknown }>(socket: A) => Effect.sync(() => void socket.destroy())

/** A listener that hands out what is accepted, one by one. */
export const listen = Effect.gen(function* () {
  const accepted: Array<End> = []
  const takers: Array<(end: End) => void> = []
  const server = yield* Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const server = Net.createServer({ allowHalfOpen: true }, (socket) => {
        const end = new End(socket)
        const taker = takers.shift()
        if (taker === undefined) accepted.push(end)
        else taker(end)
      })
      server.listen({ host, port: 0 }, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => void server.close())
  )
  const bound = server.address()
  const accept = Effect.acquireRelease(
    Effect.callback<End>((resume) => {
      const end = accepted.shift()
      if (end === undefined) takers.push((next) => resume(Effect.succeed(next)))
      else resume(Effect.succeed(end))
    }),
    (end) => closing(end.socket)
  )
  const port = typeof bound === "object" && bound !== null ? bound.port : 0
  return { endpoint: new Endpoint({ host, port }), accept }
})

export const dial = ({ port }: Endpoint): Effect.Effect<End, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new End(Net.createConnection({ host, port, allowHalfOpen: true }))),
    (end) => closing(end.socket)
  )

/** Says a text there and back. */
export const roundTrip = Effect.fnUntraced(function* (left: End, right: End, text: string) {
  const [before, after] = [left.text, right.text]
  left.socket.write(text)
  yield* right.hears(after + text)
  right.socket.write(text)
  yield* left.hears(before + text)
})
