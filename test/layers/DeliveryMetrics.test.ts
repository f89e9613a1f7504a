import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { DeliveryMetrics, owedPeersShown } from "../../src/layers/DeliveryMetrics.ts"
import * as DeliveryMeter from "../../src/services/delivery/DeliveryMeter.ts"
import { ParkedStore } from "../../src/services/delivery/ParkedStore.ts"
import { type LinkTotals, RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { stranger } from "../support/Messages.ts"

const lost = new SqlError({ reason: new ConnectionError({ cause: new Error("down"), message: "down" }) })

const includes = (text: string, lines: ReadonlyArray<string>): void => {
  for (const line of lines) assert.include(text.split("\n"), line)
}

const peer = stranger()
const owing = (owed: number): LinkTotals => ({
  peer: stranger(),
  owed,
  oldestCreatedAt: owed === 0 ? undefined : 0,
  receipted: 0n,
  received: 0n,
  duplicates: 0n
})

/** Runs with metrics over stores that answer so; no series is left afterwards. */
const measured = (
  answer: () => Effect.Effect<{ readonly totals: ReadonlyArray<LinkTotals>; readonly parked: number }, SqlError>,
  use: (refresh: Effect.Effect<void>, scrape: Effect.Effect<string>, meter: DeliveryMeter.Meter) => Effect.Effect<void>
) =>
  Effect.gen(function* () {
    const asked = Effect.suspend(answer)
    const stores = Layer.merge(
      Layer.mock(RetryStore, {
        databaseId: "",
        incarnation: 1n,
        totals: () => Effect.map(asked, ({ totals }) => totals)
      }),
      Layer.mock(ParkedStore, { count: () => Effect.map(asked, ({ parked }) => parked) })
    )
    const registry: Metric.MetricRegistry = new Map()
    const meter = DeliveryMeter.make()
    yield* Effect.flatMap(DeliveryMetrics, ({ refresh }) => use(refresh, PrometheusMetrics.format(), meter)).pipe(
      Effect.provide(DeliveryMetrics.layer.pipe(Layer.provide(stores))),
      Effect.provideService(DeliveryMeter.DeliveryMeter, meter),
      Effect.provideService(Metric.MetricRegistry, registry)
    )
    assert.strictEqual(registry.size, 0, "series are left when the node is gone")
  })

describe("the metrics of delivery", () => {
  it.effect("add up what is owed, and say when the database does not answer", () => {
    let answers = true
    const totals = [
      { peer, owed: 3, oldestCreatedAt: -5_000, receipted: 7n, received: 1n, duplicates: 0n },
      { peer: stranger(), owed: 0, oldestCreatedAt: undefined, receipted: 1n, received: 2n, duplicates: 4n }
    ]
    const answer = () => (answers ? Effect.succeed({ totals, parked: 2 }) : Effect.fail(lost))
    return measured(answer, (refresh, scrape) =>
      Effect.gen(function* () {
        includes(yield* scrape, ["holdfast_database_up 0", "holdfast_delivery_owed_messages 0"])
        yield* refresh
        const figures = [
          "holdfast_delivery_owed_messages 3",
          "holdfast_delivery_owed_peers 1",
          "holdfast_delivery_owed_oldest_age_seconds 5",
          "holdfast_delivery_receipted_messages_total 8",
          "holdfast_delivery_received_messages_total 3",
          "holdfast_delivery_duplicate_messages_total 4",
          "holdfast_delivery_parked_messages 2",
          `holdfast_delivery_owed_peer_messages{peer="${peer}"} 3`,
          `holdfast_delivery_owed_peer_messages{peer="other"} 0`
        ]
        includes(yield* scrape, [...figures, "holdfast_database_up 1"])
        answers = false
        // What has just been read is not read again.
        yield* refresh
        includes(yield* scrape, [...figures, "holdfast_database_up 1"])
        yield* TestClock.adjust("2 seconds")
        yield* refresh
        includes(yield* scrape, [...figures.toSpliced(2, 1), "holdfast_database_up 0"])
        answers = true
        yield* TestClock.adjust("2 seconds")
        yield* refresh
        includes(yield* scrape, ["holdfast_database_up 1"])
      })
    )
  })

  it.effect("name the peers that are owed most and no others, however many there are", () => {
    let totals = Array.from({ length: 500 }, (_, n) => owing(n))
    return measured(
      () => Effect.succeed({ totals, parked: 0 }),
      (refresh, scrape) =>
        Effect.gen(function* () {
          const shown = Effect.map(scrape, (text) =>
            text
              .split("\n")
              .filter((line) => line.startsWith("holdfast_delivery_owed_peer_messages{"))
              .map((line) => Number(line.split(" ").at(-1)))
              .toSorted((a, b) => a - b)
          )
          yield* refresh
          const sum = (499 * 500) / 2
          const most = Array.from({ length: owedPeersShown }, (_, n) => 500 - owedPeersShown + n)
          const others = sum - most.reduce((a, b) => a + b)
          assert.deepStrictEqual(yield* shown, [...most, others])
          totals = [owing(7), ...totals.slice(0, 1)]
          yield* TestClock.adjust("2 seconds")
          yield* refresh
          assert.deepStrictEqual(yield* shown, [0, 7])
        })
    )
  })

  it.effect("tell batches, transactions, takeovers and what was given up as the meter has them", () =>
    measured(
      () => Effect.succeed({ totals: [], parked: 0 }),
      (_, scrape, meter) =>
        Effect.gen(function* () {
          meter.batchSent(3)
          meter.batchSent(500)
          meter.received(40, 12)
          meter.settled(7)
          meter.groupSent(2, 1)
          meter.expired(4)
          meter.parked(1)
          meter.takenOver(6)
          includes(yield* scrape, [
            "holdfast_delivery_attempts_total 503",
            'holdfast_delivery_sent_batch_messages_bucket{le="4"} 1',
            'holdfast_delivery_sent_batch_messages_bucket{le="512"} 2',
            "holdfast_delivery_received_batch_messages_sum 40",
            "holdfast_delivery_group_messages_sum 2",
            'holdfast_delivery_commit_duration_seconds_sum{transaction="receive"} 0.012',
            'holdfast_delivery_commit_duration_seconds_sum{transaction="settle"} 0.007',
            'holdfast_delivery_commit_duration_seconds_count{transaction="send"} 1',
            "holdfast_delivery_expired_messages_total 4",
            "holdfast_delivery_parked_messages_total 1",
            "holdfast_delivery_takeovers_total 6"
          ])
          meter.batchSent(1)
          includes(yield* scrape, ["holdfast_delivery_attempts_total 504"])
        })
    )
  )

  it.effect("are all described in docs/operating.md", () =>
    measured(
      () => Effect.succeed({ totals: [owing(1)], parked: 0 }),
      (refresh, scrape) =>
        Effect.gen(function* () {
          yield* refresh
          const text = readFileSync(fileURLToPath(new URL("../../docs/operating.md", import.meta.url)), "utf8")
          const names = [...(yield* scrape).matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name)
          assert.isAbove(names.length, 15)
          assert.deepStrictEqual(
            names.filter((name) => !text.includes(`\`${name}\``)),
            []
          )
        })
    )
  )
})
