/**
 * The metrics of links, as docs/operating.md lists them. All of them are read from the meter of links and from the
 * supervisor when they are exported.
 *
 * One reading serves a whole export: the gauge of sessions is registered first, so that it is read first, and takes it.
 * Series per peer are made only if they are asked for, and go with the peer's session.
 */
import { Context, Effect, Layer, Option } from "effect"
import type { NodeKey } from "../protocol/NodeKey.ts"
import * as PingSuccess from "../protocol/link/PingSuccess.ts"
import { Bans } from "../services/link/Bans.ts"
import { EndReason } from "../services/link/Ended.ts"
import { type Ends, LinkMeter, type Metered, type Reading } from "../services/link/LinkMeter.ts"
import type { DialResult } from "../services/link/LinkObserver.ts"
import { Supervisor, type Watch } from "../services/link/Supervisor.ts"
import { DialReason } from "../services/link/Transport.ts"
import * as Series from "./Series.ts"

export interface Options {
  /** Series labelled with the key of each peer that has a session; without it no label names a peer. */
  readonly perPeer?: boolean | undefined
}

const directions = ["inbound", "outbound"] as const
const dialResults: ReadonlyArray<DialResult> = ["connected", "interrupted", ...DialReason.literals]
const breakers = ["closed", "open", "half-open"] as const

interface Sources {
  readonly reading: () => Reading
  readonly watches: () => ReadonlyArray<Watch>
}

const sessions = ({ counter, gauge, histogram }: Series.Series, { reading }: Sources): void => {
  for (const state of ["opening", "candidate", "active", "lane"] as const) {
    gauge("holdfast_link_connections", "Open connections by state", () => reading().connections[state], { state })
  }
  const ends = (name: string, description: string, of: (reading: Reading) => Ends) => {
    for (const direction of directions) {
      for (const reason of EndReason.literals) {
        counter(name, description, () => of(reading()).get(`${direction} ${reason}`) ?? 0, { direction, reason })
      }
    }
  }
  for (const direction of directions) {
    const started = "holdfast_link_sessions_started_total"
    counter(started, "Sessions that became live", () => reading().started[direction], { direction })
  }
  ends("holdfast_link_sessions_ended_total", "Sessions that are over", ({ ended }) => ended)
  ends("holdfast_link_handshakes_failed_total", "Connections that came to no session", ({ failed }) => failed)
  const handshake = "From the open socket to the live session"
  histogram("holdfast_link_handshake_duration_seconds", handshake, () => reading().handshakeSeconds)
  histogram("holdfast_link_session_duration_seconds", "Sessions that are over", () => reading().sessionSeconds)
}

const dials = ({ counter, gauge, histogram }: Series.Series, { reading, watches }: Sources): void => {
  for (const result of dialResults) {
    counter("holdfast_link_dials_total", "Dials by what came of them", () => reading().dials.get(result) ?? 0, {
      result
    })
  }
  histogram("holdfast_link_dial_duration_seconds", "Dials that connected", () => reading().dialSeconds)
  const wanted = () => watches().filter(({ desires }) => desires.length > 0)
  gauge("holdfast_link_wanted_peers", "Peers that this node stays connected to", () => wanted().length)
  for (const state of breakers) {
    const of = () => wanted().filter(({ breaker }) => breaker === state).length
    gauge("holdfast_link_breakers", "Wanted peers by the state of their breaker", of, { state })
  }
}

const pings = ({ counter, gauge, histogram }: Series.Series, { reading }: Sources): void => {
  const of = () => reading().pings
  counter("holdfast_link_pings_sent_total", "Pings sent", () => of().sent)
  const pongs = "holdfast_link_pongs_total"
  const about = "Pongs received: in time, later than the time-out, and those that no ping waited for"
  counter(pongs, about, () => of().inTime, { result: "in_time" })
  counter(pongs, about, () => of().late, { result: "late" })
  counter(pongs, about, () => of().unknown, { result: "unknown" })
  counter("holdfast_link_pings_abandoned_total", "Pings in flight when this node closed", () => of().abandoned)
  gauge("holdfast_link_pings_in_flight", "Pings that wait for their pong, within the time-out", () => of().waiting)
  const success = "Pongs in time, of the pings that have been answered or are overdue; NaN before the first"
  gauge("holdfast_link_ping_success_ratio", success, () => PingSuccess.ratio(of()) ?? Number.NaN)
  const seconds = () => inSeconds(reading().roundTrips)
  histogram("holdfast_link_ping_round_trip_seconds", "Round trips of pings", seconds)
}

const inSeconds = (millis: Reading["roundTrips"]): Reading["roundTrips"] => ({
  bounds: millis.bounds.map((bound) => bound / 1_000),
  counts: millis.counts,
  sum: millis.sum / 1_000,
  min: millis.min / 1_000,
  max: millis.max / 1_000
})

const traffic = ({ counter, gauge }: Series.Series, { reading }: Sources): void => {
  const of = () => reading().traffic
  counter("holdfast_link_received_bytes_total", "Bytes received", () => of().bytesIn)
  counter("holdfast_link_sent_bytes_total", "Bytes sent", () => of().bytesOut)
  counter("holdfast_link_received_frames_total", "Frames received", () => of().framesIn)
  counter("holdfast_link_sent_frames_total", "Frames sent", () => of().framesOut)
  gauge("holdfast_link_send_queue_bytes", "Waiting to be written, to all peers", () => reading().queuedBytes)
  const largest = "Waiting to be written to the peer with the most"
  gauge("holdfast_link_send_queue_largest_bytes", largest, () => reading().largestQueueBytes)
}

const ofPeer = ({ counter, gauge }: Series.Series, { counters, peer }: Metered): void => {
  const labels = { peer }
  const trip = () => (counters.heartbeat.rttMillis ?? Number.NaN) / 1_000
  gauge("holdfast_link_peer_connected", "1 while the peer has a session", () => 1, labels)
  gauge("holdfast_link_peer_round_trip_seconds", "Round trip, smoothed", trip, labels)
  const queue = "Waiting to be written to the peer"
  gauge("holdfast_link_peer_send_queue_bytes", queue, () => counters.queuedBytes ?? 0, labels)
  const about = "of the peer's session"
  counter("holdfast_link_peer_received_bytes_total", `Bytes received ${about}`, () => counters.bytesIn, labels)
  counter("holdfast_link_peer_sent_bytes_total", `Bytes sent ${about}`, () => counters.bytesOut ?? 0, labels)
}

/** The series of peers: those that have a session when `follow` is called, and no others. */
const peersOf = (context: Context.Context<never>, meter: LinkMeter["Service"]) => {
  const shown = new Map<NodeKey, { readonly of: Metered["counters"]; readonly series: Series.Series }>()
  const hide = (peer: NodeKey) => {
    shown.get(peer)?.series.remove()
    shown.delete(peer)
  }
  return {
    follow: () => {
      const live = new Map(meter.sessions().map((metered) => [metered.peer, metered]))
      for (const [peer, { of }] of shown) if (live.get(peer)?.counters !== of) hide(peer)
      for (const [peer, metered] of live) {
        if (shown.has(peer)) continue
        const series = Series.make(context)
        ofPeer(series, metered)
        shown.set(peer, { of: metered.counters, series })
      }
    },
    hideAll: () => [...shown.keys()].forEach(hide)
  }
}

export class LinkMetrics extends Context.Service<
  LinkMetrics,
  {
    /**
     * Makes and removes the series per peer; for whoever exports to call before. Without it they are those of the last
     * export.
     */
    readonly refresh: () => void
  }
>()("holdfast/layers/LinkMetrics") {}

/** Registers the metrics of links in the metric registry of the context, until the scope closes. */
export const layer = (options: Options = {}): Layer.Layer<LinkMetrics, never, LinkMeter | Supervisor> =>
  Layer.effect(
    LinkMetrics,
    Effect.gen(function* () {
      const meter = yield* LinkMeter
      const supervisor = yield* Supervisor
      const context = yield* Effect.context<never>()
      const peers = peersOf(context, meter)
      const refresh = options.perPeer === true ? peers.follow : () => {}
      const run = Effect.runSyncWith(context)
      const take = () => ({ reading: meter.reading(), watches: run(supervisor.watches) })
      let taken = take()
      const begin = () => {
        refresh()
        taken = take()
        return taken.reading
      }
      const sources: Sources = { reading: () => taken.reading, watches: () => taken.watches }
      const series = Series.make(context)
      series.gauge("holdfast_link_sessions", "Peers with a live session", () => begin().sessions)
      sessions(series, sources)
      dials(series, sources)
      pings(series, sources)
      traffic(series, sources)
      const bans = Option.getOrUndefined(yield* Effect.serviceOption(Bans))
      if (bans !== undefined) series.gauge("holdfast_link_bans", "Bans in force", () => bans.list().length)
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          series.remove()
          peers.hideAll()
        })
      )
      return LinkMetrics.of({ refresh })
    })
  )
