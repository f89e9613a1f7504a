/**
 * The dials of a node on a Bitcoin network: each node that is called is dialled, again and again where there is reason to,
 * in one fiber of its own, until there is none.
 */
import { Effect, FiberMap, Latch, Random } from "effect"
import { Endpoint } from "../../protocol/Address.ts"
import * as Restarts from "../../protocol/bitcoin/Restarts.ts"
import { OwnAddresses } from "../link/OwnAddresses.ts"
import type { Connect } from "../link/DialLimits.ts"
import type { Config } from "./Config.ts"
import type { PeerEvent } from "./PeerEvent.ts"
import type { Status } from "./PeerStore.ts"
import type { Roster } from "./Roster.ts"
import type { Serve } from "./Serve.ts"

export interface Options {
  readonly config: () => Config
  readonly now: () => number
  readonly roster: Roster
  readonly connect: Connect
  readonly serve: Serve
  readonly isBanned: (host: string) => boolean
  readonly tell: (event: PeerEvent) => void
  /** Notes what is known of a node now. */
  readonly mark: (endpoint: Endpoint, status: Status, reason?: string) => Effect.Effect<void>
}

/** How one attempt ended. */
interface Attempt {
  readonly ending: Restarts.Ending
  readonly detail: string
  /** When the handshake was over, if it was. */
  readonly connectedAt: number | undefined
}

const failed = (ending: Restarts.Ending, detail: string): Attempt => ({ ending, detail, connectedAt: undefined })

/** How long to wait before asking for a place again, should nobody say that one is free, in milliseconds. */
const lookAgain = 5_000

export type Calls = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function* (options: Options) {
  const { config, connect, isBanned, mark, now, roster, serve, tell } = options
  const fibers = yield* FiberMap.make<string>()
  const free = Latch.makeUnsafe(false)
  const own = new OwnAddresses()
  let called = 0

  /** One dial and its connection, to the end; nothing if there is no place for it. */
  const attempt = Effect.fnUntraced(function* (endpoint: Endpoint) {
    const entry = roster.dial(endpoint.host, endpoint.port, endpoint.toString())
    if (typeof entry === "string") return undefined
    const { id } = entry
    const dialled = Effect.gen(function* () {
      const socket = yield* connect(endpoint, () => true)
      if (socket === undefined) return failed("closed", "nobody needs it any more")
      const host = socket.remoteHost
      if (isBanned(host)) return failed("closed", `${host} is banned`)
      roster.opened(id)
      return yield* serve(socket, { entry, host, port: endpoint.port })
    }).pipe(
      Effect.scoped,
      Effect.catchTag("DialFailed", ({ message }) => Effect.succeed(failed("unreachable", message)))
    )
    return yield* Effect.onExit(dialled, (exit) =>
      Effect.sync(() => {
        const { detail, ending } = exit._tag === "Success" ? exit.value : failed("closed", "this node stops")
        roster.ended(id, ending, detail)
      })
    )
  })

  /** What follows from the end of an attempt: whether to go on. */
  const conclude = Effect.fnUntraced(function* (endpoint: Endpoint, { detail, ending }: Attempt, fate: Restarts.Fate) {
    const remote = endpoint.toString()
    switch (fate._tag) {
      case "Restart":
        tell({ _tag: "Restarting", remote, waitMillis: 0 })
        return true
      case "Retry":
        tell({ _tag: "Restarting", remote, waitMillis: fate.waitMillis })
        yield* Effect.sleep(fate.waitMillis)
        return true
      case "Banned":
        yield* mark(endpoint, "Banned", detail)
        return false
      case "Inaccessible":
        tell({ _tag: "Inaccessible", remote, reason: detail })
        yield* mark(endpoint, "Inaccessible", detail)
        yield* isFixed(endpoint) ? Effect.sleep(config().fixedAgain) : Effect.void
        return isFixed(endpoint)
      case "Leave":
        if (ending === "self") own.note(endpoint)
        return ending !== "self" && isFixed(endpoint)
    }
  })

  const isFixed = ({ host, port }: Endpoint): boolean => {
    const { peers } = config()
    return peers._tag === "Fixed" && peers.endpoints.some((one) => one.host === host && one.port === port)
  }

  /** A place may be free, or the peer may not be engaged any more. */
  const change = Effect.suspend(() => {
    free.closeUnsafe()
    return Effect.timeoutOption(free.await, lookAgain)
  })

  const call = Effect.fnUntraced(function* (endpoint: Endpoint) {
    let restarts = Restarts.initial
    for (let goesOn = true; goesOn;) {
      const tried = yield* attempt(endpoint)
      if (tried === undefined) {
        if (!isFixed(endpoint)) return
        yield* change
        continue
      }
      const policy = config().restarts
      if (tried.connectedAt !== undefined) {
        restarts = Restarts.step(policy, restarts, { _tag: "Connected", now: tried.connectedAt }).state
      }
      const random = yield* Random.next
      const { ending } = tried
      const ended = Restarts.step(policy, restarts, {
        _tag: "Ended",
        now: now(),
        random,
        direction: "outbound",
        ending
      })
      restarts = ended.state
      goesOn = ended.fate !== undefined && (yield* conclude(endpoint, tried, ended.fate))
      if (goesOn && ended.fate?._tag === "Leave") yield* change
    }
  })

  const counted = <A>(calling: Effect.Effect<A>): Effect.Effect<A> =>
    Effect.suspend(() => {
      called++
      return Effect.ensuring(
        calling,
        Effect.sync(() => void called--)
      )
    })

  return {
    /** Begins to call a node, unless it is being called. */
    call: (endpoint: Endpoint): Effect.Effect<void> =>
      Effect.asVoid(FiberMap.run(fibers, endpoint.toString(), counted(call(endpoint)), { onlyIfMissing: true })),
    /** Whether it is being called, or leads back to this node. */
    isSettled: (endpoint: Endpoint): boolean => own.has(endpoint) || FiberMap.hasUnsafe(fibers, endpoint.toString()),
    /** How many are. */
    size: (): number => called,
    /** A place may be free. */
    freed: (): void => void free.openUnsafe()
  }
})
