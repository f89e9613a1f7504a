/**
 * The metrics of Bitcoin peers, as docs/operating.md lists them. All of them are read from the meter of peers when they are exported.
 *
 * One reading serves a whole export: the gauge of connected peers is registered first, so that it is read first, and takes it.
 * No label has a text of a peer.
 */
import { Effect, Layer } from "effect"
import { classes, type CommandClass } from "../protocol/bitcoin/CommandClass.ts"
import type { Kind, State } from "../protocol/bitcoin/ConnectionState.ts"
import { type Fault, points } from "../protocol/bitcoin/Misbehaviour.ts"
import type { BanReason, Ending } from "../protocol/bitcoin/Restarts.ts"
import * as Histogram from "../protocol/Histogram.ts"
import { PeerMeter, type Reading, rejectNames, type Traffic } from "../services/bitcoin/PeerMeter.ts"
import type { DialResult } from "../services/link/LinkObserver.ts"
import { DialReason } from "../services/link/Transport.ts"
import * as Series from "./Series.ts"

type Source = () => Reading

const kinds = { Outbound: "outbound", Inbound: "inbound", OverCapacity: "over_capacity" } as const
const states = { Connecting: "connecting", AwaitingHandshake: "awaiting_handshake", Connected: "connected" } as const
const dialResults: ReadonlyArray<DialResult> = ["connected", "interrupted", ...DialReason.literals]
const bans: ReadonlyArray<BanReason> = ["network", "agent", "misbehaved"]
const endings: ReadonlyArray<Ending> = [
  "lost",
  "handshake",
  "silent",
  "unsuitable",
  "network",
  "agent",
  "misbehaved",
  "self",
  "closed"
]

const keysOf = <K extends string>(record: Readonly<Record<K, unknown>>): ReadonlyArray<K> => {
  const keys: Array<K> = []
  for (const key in record) keys.push(key)
  return keys
}

const connections = ({ counter, gauge, histogram }: Series.Series, reading: Source): void => {
  const counted = (kind: Kind, state: State) => reading().connections.get(`${kind} ${state}`) ?? 0
  for (const kind of keysOf(kinds)) {
    const direction = kinds[kind]
    for (const state of keysOf(states)) {
      const labels = { direction, state: states[state] }
      const about = "Connections by direction and state; over capacity: to be told that there is no room"
      gauge("holdfast_bitcoin_connections", about, () => counted(kind, state), labels)
    }
    const about = "Handshakes that were completed"
    counter("holdfast_bitcoin_handshakes_total", about, () => reading().handshakes.get(kind) ?? 0, { direction })
  }
  const handshake = "From the connection to the end of the handshake"
  histogram("holdfast_bitcoin_handshake_duration_seconds", handshake, () => reading().handshakeSeconds)
  const lasted = "From the handshake to the end, of connections that are over"
  histogram("holdfast_bitcoin_connection_duration_seconds", lasted, () => reading().connectionSeconds)
  for (const reason of endings) {
    const about = "Connections that are over, by why"
    counter("holdfast_bitcoin_connections_ended_total", about, () => reading().ended.get(reason) ?? 0, { reason })
  }
}

const dials = ({ counter }: Series.Series, reading: Source): void => {
  for (const result of dialResults) {
    const of = () => reading().dials.get(result) ?? 0
    counter("holdfast_bitcoin_dials_total", "Dials by what came of them", of, { result })
  }
  for (const after of ["restart", "retry"] as const) {
    const about = "Peers that were dialled again: at once after a loss, or after a wait"
    counter("holdfast_bitcoin_redials_total", about, () => reading().redials[after], { after })
  }
  const left = "Peers that were given up for now"
  counter("holdfast_bitcoin_peers_inaccessible_total", left, () => reading().inaccessible)
  const not = "Connections that came in and were not taken"
  counter("holdfast_bitcoin_not_taken_total", not, () => reading().notTaken)
  const listen = "Attempts to listen that failed"
  counter("holdfast_bitcoin_listen_failures_total", listen, () => reading().listenFailures)
}

const inSeconds = (millis: Histogram.Histogram): Histogram.Histogram => ({
  bounds: millis.bounds.map((bound) => bound / 1_000),
  counts: millis.counts,
  sum: millis.sum / 1_000,
  min: millis.min / 1_000,
  max: millis.max / 1_000
})

const pings = ({ counter, histogram }: Series.Series, reading: Source): void => {
  counter("holdfast_bitcoin_pings_sent_total", "Pings sent", () => reading().pings.sent)
  const about = "Pongs received: of a ping, and those that no ping waited for"
  counter("holdfast_bitcoin_pongs_total", about, () => reading().pings.answered, { result: "answered" })
  counter("holdfast_bitcoin_pongs_total", about, () => reading().pings.unknown, { result: "unknown" })
  const trips = () => inSeconds(reading().pings.roundTrips)
  histogram("holdfast_bitcoin_ping_round_trip_seconds", "Round trips of pings", trips)
}

const traffic = ({ counter }: Series.Series, reading: Source): void => {
  const ways = ["received", "sent"] as const
  for (const way of ways) {
    for (const name of classes) {
      const of = (figure: keyof Traffic) => () => mentioned(reading()[way], name, figure)
      const labels = { class: name }
      counter(
        `holdfast_bitcoin_${way}_messages_total`,
        `Messages ${way}, by the class of their command`,
        of("messages"),
        labels
      )
      counter(
        `holdfast_bitcoin_${way}_bytes_total`,
        `Bytes of messages ${way}, with their headers`,
        of("bytes"),
        labels
      )
    }
  }
  const missed = "Messages that slow readers have missed"
  counter("holdfast_bitcoin_missed_messages_total", missed, () => reading().missed)
}

const mentioned = (of: ReadonlyMap<CommandClass, Traffic>, name: CommandClass, figure: keyof Traffic): number =>
  of.get(name)?.[figure] ?? 0

const misdeeds = ({ counter }: Series.Series, reading: Source): void => {
  for (const code of rejectNames) {
    const about = "What peers have refused, by the code of their reject"
    counter("holdfast_bitcoin_rejects_received_total", about, () => reading().rejects.get(code) ?? 0, { code })
  }
  const faults: ReadonlyArray<Fault> = keysOf(points)
  for (const fault of faults) {
    const about = "What peers did that they must not"
    counter("holdfast_bitcoin_misbehaviours_total", about, () => reading().faults.get(fault) ?? 0, { fault })
  }
  counter("holdfast_bitcoin_misbehaviour_points_total", "Points for it, of all peers", () => reading().points)
  for (const reason of bans) {
    const of = () => reading().bans.get(reason) ?? 0
    counter("holdfast_bitcoin_bans_total", "Peers that this node has banned", of, { reason })
  }
}

const headers = ({ counter, gauge }: Series.Series, reading: Source): void => {
  const best = "Height of the best header; NaN before the first that came since the start"
  gauge("holdfast_bitcoin_headers_height", best, () => reading().height ?? Number.NaN)
  const left = "Headers that have left the best chain for another one"
  counter("holdfast_bitcoin_headers_left_total", left, () => reading().headersLeft)
  const unanswered = "Questions for headers that a peer has not answered"
  counter("holdfast_bitcoin_headers_unanswered_total", unanswered, () => reading().headersUnanswered)
}

/** Registers the metrics of Bitcoin peers in the metric registry of the context, until the scope closes. */
export const layer: Layer.Layer<never, never, PeerMeter> = Layer.effectDiscard(
  Effect.gen(function* () {
    const meter = yield* PeerMeter
    const series = Series.make(yield* Effect.context<never>())
    let taken = meter.reading()
    const begin = () => {
      taken = meter.reading()
      return (taken.connections.get("Outbound Connected") ?? 0) + (taken.connections.get("Inbound Connected") ?? 0)
    }
    series.gauge("holdfast_bitcoin_peers", "Connections whose handshake is over", begin)
    for (const register of [connections, dials, pings, traffic, misdeeds, headers]) register(series, () => taken)
    yield* Effect.addFinalizer(() => Effect.sync(series.remove))
  })
)
