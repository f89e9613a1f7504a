/**
 * Counts what operators ask about links. What is open is read from the connections themselves when somebody asks; only
 * what has ended is added up, once, at its end. Nothing is counted per frame.
 *
 * The number of sessions is that of the distinct peers that have one, derived from the open connections: while a
 * connection takes the place of another it does not fall, and two connections of one peer are one session.
 */
import { Clock, Context, Effect, Layer } from "effect"
import * as Histogram from "../../protocol/Histogram.ts"
import * as PingSuccess from "../../protocol/link/PingSuccess.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { monotonic } from "../Monotonic.ts"
import type { EndReason } from "./Ended.ts"
import { LinkConfig } from "./LinkConfig.ts"
import type { Counters, DialResult, Noted, Observer } from "./LinkObserver.ts"
import type { ConnectionState } from "./Transition.ts"
import type { Direction } from "./Wire.ts"

export interface Traffic {
  readonly framesIn: number
  readonly framesOut: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** Ends by direction and reason. */
export type Ends = ReadonlyMap<`${Direction} ${EndReason}`, number>

export interface Reading {
  /** Peers with a live session. */
  readonly sessions: number
  /** Open connections. */
  readonly connections: Readonly<Record<Exclude<ConnectionState, "closed">, number>>
  readonly started: Readonly<Record<Direction, number>>
  /** Sessions that are over. */
  readonly ended: Ends
  /** Connections that came to no session. */
  readonly failed: Ends
  readonly dials: ReadonlyMap<DialResult, number>
  /** Durations in seconds: of dials that connected, from the open socket to the session, of sessions that are over. */
  readonly dialSeconds: Histogram.Histogram
  readonly handshakeSeconds: Histogram.Histogram
  readonly sessionSeconds: Histogram.Histogram
  readonly traffic: Traffic
  readonly queuedBytes: number
  /** Of the connection with the most. */
  readonly largestQueueBytes: number
  readonly pings: PingSuccess.Pings
  /** In milliseconds. */
  readonly roundTrips: Histogram.Histogram
}

/** A live session, as it is now. */
export interface Metered {
  readonly peer: NodeKey
  readonly counters: Counters
}

export class LinkMeter extends Context.Service<
  LinkMeter,
  {
    /** To be given to the services as their `LinkObserver`. */
    readonly observer: Observer
    readonly reading: () => Reading
    /** One for each peer with a session: its newest connection. */
    readonly sessions: () => ReadonlyArray<Metered>
  }
>()("holdfast/services/link/LinkMeter") {
  static readonly layer: Layer.Layer<LinkMeter> = Layer.effect(
    LinkMeter,
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const { heartbeat } = yield* LinkConfig
      return make(() => monotonic(clock), heartbeat.timeout)
    })
  )
}

const handshakeBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const sessionBounds = [1, 10, 60, 600, 3_600, 6 * 3_600, 86_400, 7 * 86_400]

/** Ends that this side has brought about. One for silence is the peer's. */
const here: ReadonlySet<EndReason> = new Set([
  "violation",
  "slow",
  "handshake-timeout",
  "refused",
  "replaced",
  "shutdown",
  "internal"
])

interface Open {
  readonly direction: Direction
  state: Exclude<ConnectionState, "closed">
  /** Milliseconds of the monotonic clock at which it got into its state. */
  since: number
  peer: NodeKey | undefined
  counters: Counters | undefined
  ended: EndReason | undefined
}

const quiet: Traffic = { framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0 }

const plus = (one: Traffic, { bytesIn, bytesOut = 0, framesIn, framesOut }: Counters): Traffic => ({
  framesIn: one.framesIn + framesIn,
  framesOut: one.framesOut + framesOut,
  bytesIn: one.bytesIn + bytesIn,
  bytesOut: one.bytesOut + bytesOut
})

const count = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1)

/** A meter whose clock gives monotonic milliseconds, with the time-out of pings. */
export const make = (now: () => number, timeout: number): LinkMeter["Service"] => {
  const open = new Map<number, Open>()
  const started = { inbound: 0, outbound: 0 }
  const ended = new Map<`${Direction} ${EndReason}`, number>()
  const failed = new Map<`${Direction} ${EndReason}`, number>()
  const dials = new Map<DialResult, number>()
  let dialSeconds = Histogram.empty(handshakeBounds)
  let handshakeSeconds = Histogram.empty(handshakeBounds)
  let sessionSeconds = Histogram.empty(sessionBounds)
  let traffic = quiet
  let pings = PingSuccess.none
  let roundTrips = Histogram.empty(PingSuccess.roundTripBounds)

  const noted = ({ connection, direction, peer, reason = "internal", to }: Noted): void => {
    const at = now()
    const known = open.get(connection)
    if (to === "closed") {
      const wasSession = known?.state === "active"
      if (known?.state !== "lane") count(wasSession ? ended : failed, `${direction} ${reason}`)
      if (wasSession) sessionSeconds = Histogram.add(sessionSeconds, (at - known.since) / 1_000)
      // One with counters leaves later, with them.
      if (known?.counters === undefined) open.delete(connection)
      else known.ended = reason
    } else if (known === undefined) {
      open.set(connection, { direction, state: to, since: at, peer, counters: undefined, ended: undefined })
    } else {
      known.peer = peer ?? known.peer
      if (to === "active") {
        started[direction]++
        handshakeSeconds = Histogram.add(handshakeSeconds, (at - known.since) / 1_000)
        known.since = at
      }
      known.state = to
    }
  }

  const left = (id: number): void => {
    const known = open.get(id)
    open.delete(id)
    if (known?.counters === undefined) return
    const { heartbeat } = known.counters
    const closedHere = known.ended !== undefined && here.has(known.ended)
    traffic = plus(traffic, known.counters)
    pings = PingSuccess.add(pings, PingSuccess.ofEnded(heartbeat, now(), timeout, closedHere))
    if (heartbeat.roundTrips !== undefined) roundTrips = Histogram.merge(roundTrips, heartbeat.roundTrips)
  }

  const sessions = (): ReadonlyArray<Metered> => {
    const live = new Map<NodeKey, Metered>()
    for (const { counters, ended, peer, state } of open.values()) {
      if (state !== "active" || ended !== undefined || peer === undefined || counters === undefined) continue
      live.set(peer, { peer, counters })
    }
    return [...live.values()]
  }

  const reading = (): Reading => {
    const at = now()
    const connections = { opening: 0, candidate: 0, active: 0, lane: 0 }
    const peers = new Set<NodeKey>()
    let sum = { traffic, queuedBytes: 0, largestQueueBytes: 0, pings, roundTrips }
    for (const { counters, ended, peer, state } of open.values()) {
      if (ended !== undefined) continue
      connections[state]++
      if (state === "active" && peer !== undefined) peers.add(peer)
      if (counters !== undefined) sum = withOpen(sum, counters, at, timeout)
    }
    return {
      ...sum,
      sessions: peers.size,
      connections,
      started: { ...started },
      ended,
      failed,
      dials,
      dialSeconds,
      handshakeSeconds,
      sessionSeconds
    }
  }

  const observer: Observer = {
    dialling: () => {
      const begun = now()
      return (result) => {
        count(dials, result)
        if (result === "connected") dialSeconds = Histogram.add(dialSeconds, (now() - begun) / 1_000)
      }
    },
    entered: (peer, connection) => {
      const known = open.get(connection.id)
      if (known === undefined) return
      known.peer = peer
      known.counters = connection
    },
    left: (_, id) => left(id),
    noted
  }
  return LinkMeter.of({ observer, reading, sessions })
}

type Sum = Pick<Reading, "traffic" | "queuedBytes" | "largestQueueBytes" | "pings" | "roundTrips">

const withOpen = (sum: Sum, counters: Counters, now: number, timeout: number): Sum => {
  const { heartbeat, queuedBytes = 0 } = counters
  return {
    traffic: plus(sum.traffic, counters),
    queuedBytes: sum.queuedBytes + queuedBytes,
    largestQueueBytes: Math.max(sum.largestQueueBytes, queuedBytes),
    pings: PingSuccess.add(sum.pings, PingSuccess.ofOpen(heartbeat, now, timeout)),
    roundTrips:
      heartbeat.roundTrips === undefined ? sum.roundTrips : Histogram.merge(sum.roundTrips, heartbeat.roundTrips)
  }
}
