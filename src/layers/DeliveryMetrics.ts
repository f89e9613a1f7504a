/**
 * The metrics of delivery, as docs/operating.md lists them. What is owed, receipted and parked is read from the
 * database and as old as the last `refresh`; batches and transactions are read from the meter when they are exported.
 */
import { Clock, Context, Effect, Layer, Semaphore } from "effect"
import type { NodeKey } from "../protocol/NodeKey.ts"
import { DeliveryMeter, type Meter, type Transaction } from "../services/delivery/DeliveryMeter.ts"
import { ParkedStore } from "../services/delivery/ParkedStore.ts"
import { type LinkTotals, RetryStore } from "../services/delivery/RetryStore.ts"
import * as Series from "./Series.ts"

/** Links looked at, at the most. */
const limit = 10_000
/** How long the database may take; half a scrape's usual patience. */
const patience = "5 seconds"
/** What is younger than this, in milliseconds, is not read again: several exporters cost the database one look. */
const fresh = 1_000
/** Peers with a series of their own: those to whom most is owed. The rest are one series together. */
export const owedPeersShown = 20

interface Known {
  readonly totals: ReadonlyArray<LinkTotals>
  readonly parked: number
  readonly answers: boolean
  readonly at: number
}

const sum = (totals: ReadonlyArray<LinkTotals>, of: (link: LinkTotals) => bigint | number): number =>
  Number(totals.reduce((sum, link) => sum + BigInt(of(link)), 0n))

const oldest = (totals: ReadonlyArray<LinkTotals>): number =>
  Math.min(...totals.map(({ oldestCreatedAt = Number.POSITIVE_INFINITY }) => oldestCreatedAt))

const register = ({ counter, gauge }: Series.Series, known: () => Known, now: () => number): void => {
  const totals = () => known().totals
  gauge("holdfast_database_up", "1 if the database answered the last time", () => (known().answers ? 1 : 0))
  gauge("holdfast_delivery_owed_messages", "Messages that are still owed to peers", () =>
    sum(totals(), (it) => it.owed)
  )
  gauge("holdfast_delivery_owed_oldest_age_seconds", "Age of the oldest message that is owed; 0 if none is", () => {
    const since = oldest(totals())
    return Number.isFinite(since) ? Math.max(0, now() - since) / 1_000 : 0
  })
  const indebted = "Peers that are owed a message"
  gauge("holdfast_delivery_owed_peers", indebted, () => totals().filter(({ owed }) => owed > 0).length)
  const receipted = "Messages that peers have receipted"
  counter("holdfast_delivery_receipted_messages_total", receipted, () => sum(totals(), (it) => it.receipted))
  const received = "Messages of peers that took effect"
  counter("holdfast_delivery_received_messages_total", received, () => sum(totals(), (it) => it.received))
  const put = "Messages that crashed their handler and wait for an operator"
  gauge("holdfast_delivery_parked_messages", put, () => known().parked)
  const duplicate = "Messages that arrived again and changed nothing"
  counter("holdfast_delivery_duplicate_messages_total", duplicate, () => sum(totals(), (it) => it.duplicates))
}

const transactions: ReadonlyArray<Transaction> = ["receive", "settle", "send"]

/** What no table remembers. The first series takes the reading of one export for all of them. */
const registerMeter = ({ counter, histogram }: Series.Series, meter: Meter): void => {
  let taken = meter.reading()
  const attempts = "Messages that were handed to a session, again included"
  counter("holdfast_delivery_attempts_total", attempts, () => (taken = meter.reading()).attempts)
  const sent = "Messages of each frame that was handed to a session"
  histogram("holdfast_delivery_sent_batch_messages", sent, () => taken.sentBatches)
  const received = "Messages of each transaction of received ones"
  histogram("holdfast_delivery_received_batch_messages", received, () => taken.receivedBatches)
  const groups = "Messages that shared one transaction of sending"
  histogram("holdfast_delivery_group_messages", groups, () => taken.groups)
  const seconds = "From the beginning of a transaction to the end of its commit"
  for (const transaction of transactions) {
    const of = () => taken.commitSeconds[transaction]
    histogram("holdfast_delivery_commit_duration_seconds", seconds, of, { transaction })
  }
  const expired = "Messages that were taken back because their time was over"
  counter("holdfast_delivery_expired_messages_total", expired, () => taken.expired)
  const parked = "Messages that crashed their handler and were put aside"
  counter("holdfast_delivery_parked_messages_total", parked, () => taken.parked)
  const takeovers = "Links that were taken over from another process"
  counter("holdfast_delivery_takeovers_total", takeovers, () => taken.takeovers)
}

/** The series of the peers to whom most is owed, and one of all the others. */
const owedByPeer = (context: Context.Context<never>, known: () => Known) => {
  const rest = "other"
  const shown = new Map<NodeKey | typeof rest, { series: Series.Series; owed: number }>()
  const show = (peer: NodeKey | typeof rest, owed: number) => {
    const there = shown.get(peer)
    if (there !== undefined) return void (there.owed = owed)
    const one = { series: Series.make(context), owed }
    shown.set(peer, one)
    const about = `Messages owed to each of the ${owedPeersShown} peers that are owed most, and to all others`
    one.series.gauge("holdfast_delivery_owed_peer_messages", about, () => one.owed, { peer })
  }
  const hide = (peer: NodeKey | typeof rest) => {
    shown.get(peer)?.series.remove()
    shown.delete(peer)
  }
  return {
    follow: () => {
      const indebted = known()
        .totals.filter(({ owed }) => owed > 0)
        .toSorted((a, b) => b.owed - a.owed)
      const most = indebted.slice(0, owedPeersShown)
      const named = new Set<NodeKey | typeof rest>(most.map(({ peer }) => peer)).add(rest)
      for (const peer of shown.keys()) if (!named.has(peer)) hide(peer)
      for (const { owed, peer } of most) show(peer, owed)
      show(
        rest,
        indebted.slice(owedPeersShown).reduce((sum, { owed }) => sum + owed, 0)
      )
    },
    hideAll: () => [...shown.keys()].forEach(hide)
  }
}

export class DeliveryMetrics extends Context.Service<
  DeliveryMetrics,
  {
    /** Reads the database. One that does not answer is a metric of its own; the figures stay as they were. */
    readonly refresh: Effect.Effect<void>
  }
>()("holdfast/layers/DeliveryMetrics") {
  /** Registers the metrics of delivery in the metric registry of the context, until the scope closes. */
  static readonly layer: Layer.Layer<DeliveryMetrics, never, RetryStore | ParkedStore> = Layer.effect(
    DeliveryMetrics,
    Effect.gen(function* () {
      const store = yield* RetryStore
      const parkedStore = yield* ParkedStore
      const meter = yield* DeliveryMeter
      const clock = yield* Clock.Clock
      const turn = yield* Semaphore.make(1)
      let known: Known | undefined
      const now = () => clock.currentTimeMillisUnsafe()
      const none: Known = { totals: [], parked: 0, answers: false, at: Number.NEGATIVE_INFINITY }

      const context = yield* Effect.context<never>()
      const byPeer = owedByPeer(context, () => known ?? none)
      const read = Effect.all({ totals: store.totals(limit), parked: parkedStore.count(limit) }).pipe(
        Effect.timeout(patience),
        Effect.match({
          onFailure: () => ({ ...(known ?? none), answers: false, at: now() }),
          onSuccess: (found) => ({ ...found, answers: true, at: now() })
        }),
        Effect.map((read) => {
          known = read
          byPeer.follow()
        })
      )
      const isFresh = () => known !== undefined && Math.abs(now() - known.at) < fresh
      const refresh = turn.withPermit(Effect.suspend(() => (isFresh() ? Effect.void : read)))

      const series = Series.make(context)
      register(series, () => known ?? none, now)
      registerMeter(series, meter)
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          series.remove()
          byPeer.hideAll()
        })
      )
      return DeliveryMetrics.of({ refresh })
    })
  )
}
