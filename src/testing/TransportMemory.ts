/**
 * A network in memory: hosts that dial and listen within one process, with nothing real beneath, so that a virtual
 * clock runs everything over it. It keeps no time of its own: bytes arrive in the turn after they were written.
 *
 * Whoever has the network decides what becomes of dials (`onDial`), and cuts, heals or resets every link by itself.
 */
import { Effect, FiberSet, Layer } from "effect"
import { Endpoint } from "../protocol/Address.ts"
import {
  type Accepted,
  DialFailed,
  type Listener,
  ListenFailed,
  type Reached,
  Transport
} from "../services/link/Transport.ts"
import { MemoryLink, type Where } from "./MemoryLink.ts"

/** What becomes of a dial: `hang` is a host that does not answer. */
export type Fate = "open" | "refuse" | "hang"

export interface Options {
  /** How long a dial may take, in milliseconds; 10 s by default. */
  readonly dialTimeout?: number | undefined
  /** Bytes that may be under way in one direction before a writer waits; 64 KiB by default. */
  readonly capacity?: number | undefined
  /** Connections that may wait for a listener whose `run` has not begun; 511 by default. */
  readonly backlog?: number | undefined
}

type Take = (link: MemoryLink) => void

interface Listening {
  readonly waiting: Array<MemoryLink>
  take: Take | undefined
}

const wildcard = /^(0\.0\.0\.0|::)$/
const at = ({ host, port }: Where): string => `${host.includes(":") ? `[${host}]` : host}:${port}`

export class MemoryNetwork {
  readonly #options: Required<{ [K in keyof Options]: number }>
  readonly #listening = new Map<string, Listening>()
  #links: Array<MemoryLink> = []
  #nextPort = 20_000
  #nextSource = 49_152
  #dials = 0
  /** Addresses of names. Everything else that is dialled is an address. */
  readonly names = new Map<string, string>()
  /** Decides every dial before it is looked whether anybody listens. */
  onDial: (from: string, to: Endpoint) => Fate = () => "open"

  constructor(options: Options = {}) {
    const { backlog = 511, capacity = 64 * 1024, dialTimeout = 10_000 } = options
    this.#options = { backlog, capacity, dialTimeout }
  }

  /** The links that are open at one end at least, oldest first. */
  get links(): ReadonlyArray<MemoryLink> {
    this.#links = this.#links.filter((link) => link.open)
    return this.#links
  }

  /** Dials in all, whatever became of them. */
  get dials(): number {
    return this.#dials
  }

  /** Ports that somebody listens at. */
  get ports(): number {
    return this.#listening.size
  }

  /** The transport of the host with this address. */
  transport(host: string): Transport["Service"] {
    return {
      dial: (endpoint) => this.#dial(host, endpoint),
      listen: (where) => this.#listen(host, where)
    }
  }

  layer(host: string): Layer.Layer<Transport> {
    return Layer.succeed(Transport, this.transport(host))
  }

  #dial(host: string, endpoint: Endpoint) {
    const failed = (reason: DialFailed["reason"]) => new DialFailed({ endpoint: endpoint.toString(), reason })
    const connect = Effect.suspend(() => {
      this.#dials++
      const fate = this.onDial(host, endpoint)
      if (fate === "hang") return Effect.never
      const to: Where = { host: this.names.get(endpoint.host) ?? endpoint.host, port: endpoint.port }
      const listening = fate === "refuse" ? undefined : this.#listening.get(at(to))
      if (listening === undefined) return Effect.fail(failed("refused"))
      if (listening.take === undefined && listening.waiting.length >= this.#options.backlog) return Effect.never
      const link = new MemoryLink({ host, port: this.#sourcePort() }, to, this.#options.capacity)
      this.#links.push(link)
      if (listening.take === undefined) listening.waiting.push(link)
      else listening.take(link)
      return Effect.succeed(link)
    })
    const dialled = Effect.acquireRelease(
      Effect.timeoutOrElse(connect, {
        duration: this.#options.dialTimeout,
        orElse: () => Effect.fail(failed("timed-out"))
      }),
      (link) => Effect.sync(link.dialler.close),
      { interruptible: true }
    )
    return Effect.map(dialled, (link): Reached => ({ ...link.dialler.socket, remoteHost: link.to.host }))
  }

  #listen(own: string, { host, port }: Where) {
    const bind = Effect.suspend(() => {
      const failed = (reason: ListenFailed["reason"]) => new ListenFailed({ endpoint: at({ host, port }), reason })
      if (host !== own && !wildcard.test(host)) return Effect.fail(failed("no-such-address"))
      const where: Where = { host: own, port: port === 0 ? this.#freePort(own) : port }
      if (this.#listening.has(at(where))) return Effect.fail(failed("in-use"))
      const listening: Listening = { waiting: [], take: undefined }
      this.#listening.set(at(where), listening)
      return Effect.succeed({ where, listening })
    })
    const unbind = (where: Where, listening: Listening) =>
      Effect.sync(() => {
        if (this.#listening.get(at(where)) === listening) this.#listening.delete(at(where))
        for (const link of listening.waiting.splice(0)) link.reset()
      })
    return Effect.gen(function* () {
      const { listening, where } = yield* Effect.acquireRelease(bind, (it) => unbind(it.where, it.listening))
      const handlers = yield* FiberSet.make()
      const listener: Listener = {
        endpoint: new Endpoint({ host, port: where.port }),
        run: (handler) =>
          Effect.gen(function* () {
            const run = yield* FiberSet.runtime(handlers)()
            return yield* Effect.callback<never>(() => {
              const take: Take = (link) => void run(handled(link, handler))
              listening.take = take
              for (const link of listening.waiting.splice(0)) take(link)
              return unbind(where, listening)
            })
          })
      }
      return listener
    })
  }

  #freePort(host: string): number {
    while (this.#listening.has(at({ host, port: this.#nextPort }))) this.#nextPort++
    return this.#nextPort++
  }

  #sourcePort(): number {
    return this.#nextSource < 65_535 ? this.#nextSource++ : (this.#nextSource = 49_152)
  }
}

const handled = (link: MemoryLink, handler: (accepted: Accepted) => Effect.Effect<void>) =>
  Effect.suspend(() => handler({ socket: link.listener.socket, remote: link.from })).pipe(
    Effect.ensuring(Effect.sync(link.listener.close)),
    Effect.tapCause((cause) => Effect.logError("The handler of a connection failed", cause))
  )
