/**
 * Real TCP: `node:net` sockets behind the `Transport` service, with typed failures, no Nagle delay, and keep-alive in
 * both directions as a backstop to the heartbeat.
 */
import { Effect, FiberSet, Layer } from "effect"
import { closeSync, openSync } from "node:fs"
import * as Net from "node:net"
import { devNull } from "node:os"
import { Endpoint, normaliseIp } from "../protocol/Address.ts"
import {
  type Accepted,
  DialFailed,
  type DialReason,
  type Listener,
  ListenFailed,
  Transport
} from "../services/link/Transport.ts"
import { Closing } from "./tcp/Closing.ts"
import { TcpSocket } from "./tcp/TcpSocket.ts"

export interface Options {
  /** How long a dial may take, name look-up included, in milliseconds; 10 s by default. */
  readonly dialTimeout?: number | undefined
  /** Connections that may wait to be accepted; 511 by default, as in Node. */
  readonly backlog?: number | undefined
  /** The local address to dial from, such as 127.0.0.2; the system chooses by default. */
  readonly localAddress?: string | undefined
  /** What finds the addresses of a name, at every dial anew; the system's resolver by default. */
  readonly lookup?: Net.LookupFunction | undefined
}

/** Idle time before the operating system probes a connection, in milliseconds. */
const keepAlive = 30_000

const defaultBacklog = 511

const defaultDialTimeout = 10_000
/**
 * How long an address of a name with several may take before the next one is tried, in milliseconds: longer than it takes
 * to reach any place, so that a slow way is not given up for none. A dial that may take less gives each its share.
 */
const attemptTimeout = 1_000

const dialReasons: Readonly<Record<string, DialReason>> = {
  ECONNREFUSED: "refused",
  EHOSTDOWN: "unreachable",
  EHOSTUNREACH: "unreachable",
  ENETDOWN: "unreachable",
  ENETUNREACH: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  // Of another family than this machine or the local address.
  EAFNOSUPPORT: "unreachable",
  EINVAL: "unreachable",
  ETIMEDOUT: "timed-out",
  // A resolver's.
  ETIMEOUT: "timed-out",
  ECONNRESET: "reset",
  EMFILE: "exhausted",
  ENFILE: "exhausted",
  ENOBUFS: "exhausted",
  ENOMEM: "exhausted"
}

const listenReasons: Readonly<Record<string, ListenFailed["reason"]>> = {
  EADDRINUSE: "in-use",
  EACCES: "not-permitted",
  EADDRNOTAVAIL: "no-such-address",
  ENOTFOUND: "no-such-address",
  EMFILE: "exhausted",
  ENFILE: "exhausted"
}

const codeOf = (cause: Error): string => ("code" in cause && typeof cause.code === "string" ? cause.code : "")

const isOfConnecting = (cause: Error): boolean =>
  cause instanceof AggregateError || ("syscall" in cause && (cause.syscall === "connect" || cause.syscall === "bind"))

/** Whether this process may open no more files. */
const isExhausted = (): boolean => {
  try {
    closeSync(openSync(devNull, "r"))
    return false
  } catch (cause) {
    return cause instanceof Error && dialReasons[codeOf(cause)] === "exhausted"
  }
}

/**
 * Whatever keeps a resolver from naming an address, unless it is time or the system: there is none. The system's own says
 * so as well when it cannot open its files.
 */
const reasonOf = (cause: Error): DialReason => {
  const reason = dialReasons[codeOf(cause)] ?? "other"
  if (isOfConnecting(cause) || reason === "timed-out" || reason === "exhausted") return reason
  return isExhausted() ? "exhausted" : "unknown-host"
}

const at = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`

/** The reader reports errors; this listener is always there, so that one which comes before it or after is handled. */
const ignored = (): void => undefined

const tune = (connection: Net.Socket): Net.Socket =>
  connection.on("error", ignored).setNoDelay(true).setKeepAlive(true, keepAlive)

/** Says so when there is no address: an answer without any would be an uncaught error of Node. */
const checked =
  (lookup: Net.LookupFunction): Net.LookupFunction =>
  (name, options, answer) =>
    lookup(name, options, (error, found, family) => {
      const none = error === null && found.length === 0
      answer(none ? new Error(`${name} has no address`) : error, found, family)
    })

/** How every dial is made. From a local address only one of the peer's is tried, of the same family. */
const dialled = ({ dialTimeout = defaultDialTimeout, localAddress, lookup }: Options) => ({
  allowHalfOpen: true,
  autoSelectFamily: localAddress === undefined,
  autoSelectFamilyAttemptTimeout: Math.min(attemptTimeout, Math.ceil(dialTimeout / 2)),
  ...(localAddress === undefined ? {} : { localAddress, family: Net.isIP(localAddress) }),
  ...(lookup === undefined ? {} : { lookup: checked(lookup) })
})

const dial = (options: Options, closing: Closing) => {
  const how = dialled(options)
  const duration = options.dialTimeout ?? defaultDialTimeout
  return Effect.fnUntraced(function* (endpoint: Endpoint) {
    const failed = (reason: DialReason, cause?: Error) =>
      new DialFailed({ endpoint: endpoint.toString(), reason, ...(cause === undefined ? {} : { cause }) })
    const connection = yield* Effect.acquireRelease(
      Effect.sync(() => tune(Net.createConnection({ host: endpoint.host, port: endpoint.port, ...how }))),
      closing.release
    )
    yield* Effect.callback<void, DialFailed>((resume) => {
      const onError = (cause: Error) => resume(Effect.fail(failed(reasonOf(cause), cause)))
      connection.once("error", onError)
      connection.once("connect", () => {
        connection.off("error", onError)
        resume(Effect.void)
      })
    }).pipe(
      // Of everything together: the time-out of a socket would begin anew with each address that is tried.
      Effect.timeoutOrElse({ duration, orElse: () => Effect.fail(failed("timed-out")) })
    )
    return new TcpSocket(connection, normaliseIp(connection.remoteAddress ?? endpoint.host))
  })
}

/** Closes the port at once. To wait for the callback of `close` would be to wait for every connection to end. */
const stop = (server: Net.Server, arrivals: Arrivals): Effect.Effect<void> =>
  Effect.sync(() => {
    server.close()
    arrivals.end()
  })

const open = ({ host, port }: { readonly host: string; readonly port: number }, options: Options, arrivals: Arrivals) =>
  Effect.acquireRelease(
    Effect.callback<Net.Server, ListenFailed>((resume) => {
      const server = Net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, arrivals.add)
      // Stays attached: a connection that cannot be accepted, for want of descriptors, is an error event too.
      server.on("error", (cause) => {
        const reason = listenReasons[codeOf(cause)] ?? "other"
        resume(Effect.fail(new ListenFailed({ endpoint: at(host, port), reason, cause })))
      })
      server.listen({ host, port, backlog: options.backlog ?? defaultBacklog }, () => resume(Effect.succeed(server)))
    }),
    (server) => stop(server, arrivals)
  )

/** One accepted connection from its handler's start to the close of its socket. */
const handled = (connection: Net.Socket, handler: (accepted: Accepted) => Effect.Effect<void>, closing: Closing) =>
  Effect.suspend(() => {
    const { remoteAddress, remotePort } = connection
    // The peer has gone already.
    if (remoteAddress === undefined || remotePort === undefined) return Effect.void
    const host = normaliseIp(remoteAddress)
    return handler({ socket: new TcpSocket(connection, host), remote: { host, port: remotePort } })
  }).pipe(
    Effect.onExit(() => closing.release(connection)),
    Effect.tapCause((cause) => Effect.logError("The handler of a connection failed", cause))
  )

/** The connections of a port: each goes to whoever takes them, or waits for that, as in the backlog. */
class Arrivals {
  readonly #most: number
  #waiting: Array<Net.Socket> = []
  #take: ((connection: Net.Socket) => void) | undefined

  constructor(most: number) {
    this.#most = most
  }

  readonly add = (connection: Net.Socket): void => {
    tune(connection)
    if (this.#take !== undefined) this.#take(connection)
    else if (this.#waiting.length < this.#most) this.#waiting.push(connection)
    else connection.destroy()
  }

  readonly takeAll = (take: (connection: Net.Socket) => void): void => {
    this.#take = take
    for (const connection of this.#waiting.splice(0)) take(connection)
  }

  readonly end = (): void => {
    this.takeAll((connection) => void connection.destroy())
  }
}

const listen = (options: Options, closing: Closing) =>
  Effect.fnUntraced(function* (where: { readonly host: string; readonly port: number }) {
    const arrivals = new Arrivals(options.backlog ?? defaultBacklog)
    const server = yield* open(where, options, arrivals)
    // After the port, so that they are interrupted first, all at once.
    const handlers = yield* FiberSet.make()
    const bound = server.address()
    const port = typeof bound === "object" && bound !== null ? bound.port : where.port
    const listener: Listener = {
      endpoint: new Endpoint({ host: where.host, port }),
      run: (handler) =>
        Effect.gen(function* () {
          const run = yield* FiberSet.runtime(handlers)()
          return yield* Effect.callback<never>(() => {
            arrivals.takeAll((connection) => void run(handled(connection, handler, closing)))
            return stop(server, arrivals)
          })
        })
    }
    return listener
  })

/** TCP with these options. */
export const layerWith = (options: Options): Layer.Layer<Transport> =>
  Layer.effect(
    Transport,
    Effect.gen(function* () {
      const lingering = yield* FiberSet.make<void>()
      const closing = new Closing(yield* FiberSet.runtime(lingering)())
      // Whatever is still closing has its moment.
      yield* Effect.addFinalizer(() => FiberSet.awaitEmpty(lingering))
      return { dial: dial(options, closing), listen: listen(options, closing) }
    })
  )

/** TCP with the defaults. */
export const layer: Layer.Layer<Transport> = layerWith({})
