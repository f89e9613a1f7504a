import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Metric, Scope } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as LinkMetrics from "../../src/layers/LinkMetrics.ts"
import { NodeKey } from "../../src/protocol/NodeKey.ts"
import { LinkMeter } from "../../src/services/link/LinkMeter.ts"
import type { Counters } from "../../src/services/link/LinkObserver.ts"
import { Supervisor, type Watch } from "../../src/services/link/Supervisor.ts"

const peer = NodeKey.make("ab".repeat(32))
const watch: Watch = {
  peer,
  desires: ["asked"],
  opportunistic: false,
  breaker: "closed",
  failures: 0,
  nextDialInMillis: undefined,
  lastEnded: undefined
}

const counters: Counters & { readonly id: number } = {
  id: 1,
  framesIn: 10,
  framesOut: 20,
  bytesIn: 1_000,
  bytesOut: 2_000,
  queuedBytes: 300,
  heartbeat: { sent: 4, matched: 3, unknown: 1, late: 1, rttMillis: 12.5, outstanding: [] }
}

const supervisor = Layer.mock(Supervisor, {
  watches: Effect.succeed<ReadonlyArray<Watch>>([
    watch,
    { ...watch, breaker: "half-open" },
    { ...watch, desires: [], breaker: "open" }
  ])
})

/** What is exposed while `use` runs, with a meter to move. */
const exposed = (
  perPeer: boolean,
  use: (
    meter: LinkMeter["Service"],
    scrape: Effect.Effect<string>
  ) => Effect.Effect<void, never, LinkMetrics.LinkMetrics>
) =>
  Effect.gen(function* () {
    const registry: Metric.MetricRegistry = new Map()
    const scope = yield* Scope.make()
    const layer = LinkMetrics.layer({ perPeer }).pipe(Layer.provideMerge(Layer.merge(LinkMeter.layer, supervisor)))
    yield* Effect.gen(function* () {
      const context = yield* Scope.provide(Layer.build(layer), scope)
      const run = Effect.gen(function* () {
        yield* use(yield* LinkMeter, PrometheusMetrics.format())
      })
      yield* Effect.provide(run, context)
      yield* Scope.close(scope, Exit.void)
    }).pipe(Effect.provideService(Metric.MetricRegistry, registry))
    assert.strictEqual(registry.size, 0, "series are left when the node is gone")
  })

const connect = ({ observer }: LinkMeter["Service"]): void => {
  const about = { connection: 1, direction: "inbound", remote: "x" } as const
  observer.noted({ ...about, to: "opening" })
  observer.noted({ ...about, peer, from: "opening", to: "candidate" })
  observer.entered(peer, counters)
  observer.noted({ ...about, peer, from: "candidate", to: "active", session: 1n })
}

const disconnect = ({ observer }: LinkMeter["Service"]): void => {
  const about = { connection: 1, direction: "inbound", remote: "x" } as const
  observer.noted({ ...about, peer, from: "active", to: "closed", reason: "silent" })
  observer.left(peer, 1)
}

const includes = (text: string, lines: ReadonlyArray<string>): void => {
  for (const line of lines) assert.include(text.split("\n"), line)
}

describe("the metrics of links", () => {
  it.effect("tell what is open and what is over, and forget nothing when a session ends", () =>
    exposed(false, (meter, scrape) =>
      Effect.gen(function* () {
        includes(yield* scrape, [
          "holdfast_link_sessions 0",
          "holdfast_link_ping_success_ratio NaN",
          'holdfast_link_sessions_ended_total{direction="inbound",reason="silent"} 0',
          "holdfast_link_wanted_peers 2",
          'holdfast_link_breakers{state="half-open"} 1',
          'holdfast_link_breakers{state="open"} 0'
        ])
        connect(meter)
        includes(yield* scrape, [
          "holdfast_link_sessions 1",
          'holdfast_link_connections{state="active"} 1',
          'holdfast_link_sessions_started_total{direction="inbound"} 1',
          "holdfast_link_received_bytes_total 1000",
          "holdfast_link_sent_frames_total 20",
          "holdfast_link_send_queue_bytes 300",
          "holdfast_link_ping_success_ratio 0.5",
          'holdfast_link_pongs_total{result="late"} 1',
          "holdfast_link_handshake_duration_seconds_count 1"
        ])
        disconnect(meter)
        includes(yield* scrape, [
          "holdfast_link_sessions 0",
          'holdfast_link_sessions_ended_total{direction="inbound",reason="silent"} 1',
          "holdfast_link_received_bytes_total 1000",
          "holdfast_link_pings_sent_total 4",
          "holdfast_link_send_queue_bytes 0",
          "holdfast_link_session_duration_seconds_count 1"
        ])
      })
    )
  )

  it.effect("name a peer only if they are told to, and only while it has a session", () =>
    Effect.gen(function* () {
      yield* exposed(false, (meter, scrape) =>
        Effect.gen(function* () {
          connect(meter)
          assert.notInclude(yield* scrape, peer)
        })
      )
      yield* exposed(true, (meter, scrape) =>
        Effect.gen(function* () {
          const { refresh } = yield* LinkMetrics.LinkMetrics
          connect(meter)
          refresh()
          includes(yield* scrape, [
            `holdfast_link_peer_connected{peer="${peer}"} 1`,
            `holdfast_link_peer_round_trip_seconds{peer="${peer}"} 0.0125`,
            `holdfast_link_peer_sent_bytes_total{peer="${peer}"} 2000`
          ])
          disconnect(meter)
          refresh()
          assert.notInclude(yield* scrape, peer)
          connect(meter)
          refresh()
        })
      )
    })
  )
})

describe("docs/operating.md", () => {
  const text = readFileSync(fileURLToPath(new URL("../../docs/operating.md", import.meta.url)), "utf8")

  it.effect("describes every metric of links", () =>
    exposed(true, (meter, scrape) =>
      Effect.gen(function* () {
        connect(meter)
        ;(yield* LinkMetrics.LinkMetrics).refresh()
        const names = [...(yield* scrape).matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name)
        assert.isAbove(names.length, 20)
        assert.deepStrictEqual(
          names.filter((name) => !text.includes(`\`${name}\``)),
          []
        )
      })
    )
  )
})
