/**
 * The metrics of delivery, as docs/operating.md lists them: what is owed, and what has been receipted, from the
 * database. They are as old as the last `refresh`.
 */
import { Clock, Context, Effect, Layer, Semaphore } from "effect"
import { type LinkTotals, RetryStore } from "../services/delivery/RetryStore.ts"
import * as Series from "./Series.ts"

/** Links looked at, at the most. */
const limit = 10_000
/** How long the database may take; half a scrape's usual patience. */
const patience = "5 seconds"
/** What is younger than this, in milliseconds, is not read again: several exporters cost the database one look. */
const fresh = 1_000

interface Known {
  readonly totals: ReadonlyArray<LinkTotals>
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
  const duplicate = "Messages that arrived again and changed nothing"
  counter("holdfast_delivery_duplicate_messages_total", duplicate, () => sum(totals(), (it) => it.duplicates))
}

export class DeliveryMetrics extends Context.Service<
  DeliveryMetrics,
  {
    /** Reads the database. One that does not answer is a metric of its own; the figures stay as they were. */
    readonly refresh: Effect.Effect<void>
  }
>()("holdfast/layers/DeliveryMetrics") {
  /** Registers the metrics of delivery in the metric registry of the context, until the scope closes. */
  static readonly layer: Layer.Layer<DeliveryMetrics, never, RetryStore> = Layer.effect(
    DeliveryMetrics,
    Effect.gen(function* () {
      const store = yield* RetryStore
      const clock = yield* Clock.Clock
      const turn = yield* Semaphore.make(1)
      let known: Known | undefined
      const now = () => clock.currentTimeMillisUnsafe()
      const none: Known = { totals: [], answers: false, at: Number.NEGATIVE_INFINITY }

      const read = store.totals(limit).pipe(
        Effect.timeout(patience),
        Effect.match({
          onFailure: () => ({ ...(known ?? none), answers: false, at: now() }),
          onSuccess: (totals) => ({ totals, answers: true, at: now() })
        }),
        Effect.map((read) => {
          known = read
        })
      )
      const isFresh = () => known !== undefined && Math.abs(now() - known.at) < fresh
      const refresh = turn.withPermit(Effect.suspend(() => (isFresh() ? Effect.void : read)))

      const series = Series.make(yield* Effect.context<never>())
      register(series, () => known ?? none, now)
      yield* Effect.addFinalizer(() => Effect.sync(series.remove))
      return DeliveryMetrics.of({ refresh })
    })
  )
}
