/**
 * Counts what operators ask about Bitcoin peers. Everything that has a name is of a fixed set: nothing that a peer says names a
 * figure.
 */
import { Clock, Context, Effect, Layer } from "effect"
import { type CommandClass, classOf } from "../../protocol/bitcoin/CommandClass.ts"
import type { Kind, State } from "../../protocol/bitcoin/ConnectionState.ts"
import { type Fault, points } from "../../protocol/bitcoin/Misbehaviour.ts"
import { Code } from "../../protocol/bitcoin/Reject.ts"
import type { BanReason, Ending } from "../../protocol/bitcoin/Restarts.ts"
import * as Histogram from "../../protocol/Histogram.ts"
import * as PingSuccess from "../../protocol/link/PingSuccess.ts"
import type { Counters, DialResult } from "../link/LinkObserver.ts"
import { monotonic } from "../Monotonic.ts"
import type { PeerEvent } from "./PeerEvent.ts"
import type { Observer } from "./PeerObserver.ts"

/** Names of the codes of `reject`; all that are not known are "other". */
export const rejectNames: ReadonlyArray<string> = [...Object.keys(Code), "other"]
const nameOf = new Map<number, string>(Object.entries(Code).map(([name, code]) => [code, name]))

export interface Traffic {
  readonly messages: number
  readonly bytes: number
}

export interface Pings {
  readonly sent: number
  readonly answered: number
  /** Pongs that no ping waited for. */
  readonly unknown: number
  /** In milliseconds. */
  readonly roundTrips: Histogram.Histogram
}

export interface Reading {
  /** Connections that have a place, by kind and state. */
  readonly connections: ReadonlyMap<`${Kind} ${State}`, number>
  /** Handshakes that were completed, by kind; how long they took, and how long connections lasted that are over, in seconds. */
  readonly handshakes: ReadonlyMap<Kind, number>
  readonly handshakeSeconds: Histogram.Histogram
  readonly connectionSeconds: Histogram.Histogram
  /** Connections that are over, by why. Dials that came to none are counted as dials. */
  readonly ended: ReadonlyMap<Ending, number>
  readonly dials: ReadonlyMap<DialResult, number>
  readonly received: ReadonlyMap<CommandClass, Traffic>
  readonly sent: ReadonlyMap<CommandClass, Traffic>
  readonly pings: Pings
  /** What peers have refused, by `rejectNames`. */
  readonly rejects: ReadonlyMap<string, number>
  readonly faults: ReadonlyMap<Fault, number>
  /** Of all faults together. */
  readonly points: number
  readonly bans: ReadonlyMap<BanReason, number>
  /** Peers that were dialled again: at once, or after a while. */
  readonly redials: Readonly<Record<"restart" | "retry", number>>
  readonly inaccessible: number
  readonly notTaken: number
  readonly listenFailures: number
  /** Messages that readers have missed. */
  readonly missed: number
  /** Of the best header; none before it has changed. */
  readonly height: number | undefined
  /** Headers that have left the best chain. */
  readonly headersLeft: number
  /** Questions for headers that nobody has answered. */
  readonly headersUnanswered: number
}

export class PeerMeter extends Context.Service<
  PeerMeter,
  {
    /** To be given to the manager as its `PeerObserver`. */
    readonly observer: Observer
    readonly reading: () => Reading
  }
>()("holdfast/services/bitcoin/PeerMeter") {
  static readonly layer: Layer.Layer<PeerMeter> = Layer.effect(
    PeerMeter,
    Effect.map(Clock.Clock, (clock) => make(() => monotonic(clock)))
  )
}

const handshakeBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const connectionBounds = [1, 10, 60, 600, 3_600, 6 * 3_600, 86_400, 7 * 86_400]

const isFault = (text: string): text is Fault => Object.hasOwn(points, text)
const isBan = (text: string): text is BanReason => text === "network" || text === "agent" || text === "misbehaved"

const count = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1)

interface Tally {
  messages: number
  bytes: number
}

const tally = (tallies: Map<CommandClass, Tally>, kind: number, bytes: number): void => {
  const name = classOf(kind)
  const known = tallies.get(name)
  if (known === undefined) return void tallies.set(name, { messages: 1, bytes })
  known.messages++
  known.bytes += bytes
}

interface Open {
  readonly kind: Kind
  readonly state: State
  /** Monotonic milliseconds at which it got into its state. */
  readonly since: number
}

const quiet: Pings = { sent: 0, answered: 0, unknown: 0, roundTrips: Histogram.empty(PingSuccess.roundTripBounds) }

const plus = (one: Pings, { heartbeat: { matched, roundTrips, sent, unknown } }: Counters): Pings => ({
  sent: one.sent + sent,
  answered: one.answered + matched,
  unknown: one.unknown + unknown,
  roundTrips: roundTrips === undefined ? one.roundTrips : Histogram.merge(one.roundTrips, roundTrips)
})

/** A meter whose clock gives monotonic milliseconds. */
export const make = (now: () => number): PeerMeter["Service"] => {
  const open = new Map<number, Open>()
  const counters = new Map<number, Counters>()
  const handshakes = new Map<Kind, number>()
  const ended = new Map<Ending, number>()
  const dials = new Map<DialResult, number>()
  const received = new Map<CommandClass, Tally>()
  const sent = new Map<CommandClass, Tally>()
  const rejects = new Map<string, number>()
  const faults = new Map<Fault, number>()
  const bans = new Map<BanReason, number>()
  const redials = { restart: 0, retry: 0 }
  const sums = { points: 0, inaccessible: 0, notTaken: 0, listenFailures: 0, missed: 0, headersLeft: 0 }
  let headersUnanswered = 0
  let height: number | undefined
  let handshakeSeconds = Histogram.empty(handshakeBounds)
  let connectionSeconds = Histogram.empty(connectionBounds)
  let pings = quiet

  const changed = ({ id, kind, to }: Extract<PeerEvent, { readonly _tag: "Changed" }>): void => {
    const at = now()
    const known = open.get(id)
    const seconds = (at - (known?.since ?? at)) / 1_000
    if (to === "Connected") {
      count(handshakes, kind)
      handshakeSeconds = Histogram.add(handshakeSeconds, seconds)
    } else if (known?.state === "Connected") connectionSeconds = Histogram.add(connectionSeconds, seconds)
    if (to === "Disconnected" || to === "Rejected" || to === "Failed") open.delete(id)
    else open.set(id, { kind, state: to, since: at })
  }

  const misbehaved = (fault: string): void => {
    if (!isFault(fault)) return
    count(faults, fault)
    sums.points += points[fault]
  }

  const told = (event: PeerEvent): void => {
    switch (event._tag) {
      case "Changed":
        return changed(event)
      case "Restarting":
        return void redials[event.waitMillis === 0 ? "restart" : "retry"]++
      case "Inaccessible":
        return void sums.inaccessible++
      case "Misbehaved":
        return misbehaved(event.fault)
      case "Banned":
        return isBan(event.reason) ? count(bans, event.reason) : undefined
      case "NotTaken":
        return void sums.notTaken++
      case "Rejected":
        return count(rejects, nameOf.get(event.code) ?? "other")
      case "ListenFailed":
        return void sums.listenFailures++
      case "Tip":
        height = event.height
        return void (sums.headersLeft += event.left)
      case "NoHeaders":
        return void headersUnanswered++
    }
  }

  const observer: Observer = {
    told,
    dialling: () => (result) => count(dials, result),
    connected: (connection) => void counters.set(connection.id, connection),
    left: (id, ending) => {
      count(ended, ending)
      const known = counters.get(id)
      if (known !== undefined) pings = plus(pings, known)
      counters.delete(id)
    },
    received: (kind, bytes) => tally(received, kind, bytes),
    sent: (kind, bytes) => tally(sent, kind, bytes),
    missed: () => void sums.missed++
  }

  const reading = (): Reading => {
    const connections = new Map<`${Kind} ${State}`, number>()
    for (const { kind, state } of open.values()) count(connections, `${kind} ${state}` as const)
    return {
      ...sums,
      connections,
      handshakes,
      handshakeSeconds,
      connectionSeconds,
      ended,
      dials,
      received,
      sent,
      pings: [...counters.values()].reduce(plus, pings),
      rejects,
      faults,
      bans,
      redials,
      height,
      headersUnanswered
    }
  }
  return PeerMeter.of({ observer, reading })
}
