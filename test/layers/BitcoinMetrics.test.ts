import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Metric, Scope, Stream } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as BitcoinMetrics from "../../src/layers/BitcoinMetrics.ts"
import * as Command from "../../src/protocol/bitcoin/Command.ts"
import { PeerMeter } from "../../src/services/bitcoin/PeerMeter.ts"
import { PeerObserver } from "../../src/services/bitcoin/PeerObserver.ts"
import { at, elapse, NetworkLab } from "../support/BitcoinNetworkLab.ts"

/** What is exposed while `use` runs, with a meter to move. */
const exposed = <E>(
  use: (
    meter: PeerMeter["Service"],
    scrape: Effect.Effect<ReadonlyArray<string>>
  ) => Effect.Effect<void, E, Scope.Scope>
) =>
  Effect.gen(function* () {
    const registry: Metric.MetricRegistry = new Map()
    const scope = yield* Scope.make()
    const layer = BitcoinMetrics.layer.pipe(Layer.provideMerge(PeerMeter.layer))
    yield* Effect.gen(function* () {
      const context = yield* Scope.provide(Layer.build(layer), scope)
      const lines = Effect.map(PrometheusMetrics.format(), (text) => text.split("\n"))
      yield* Effect.provide(
        Effect.flatMap(PeerMeter, (meter) => use(meter, lines)),
        context
      )
      yield* Scope.close(scope, Exit.void)
    }).pipe(Effect.provideService(Metric.MetricRegistry, registry))
    assert.strictEqual(registry.size, 0, "series are left when the node is gone")
  })

const includes = (found: ReadonlyArray<string>, wanted: ReadonlyArray<string>): void => {
  for (const line of wanted) assert.include(found, line)
}

const about = { id: 7, remote: "10.0.0.2:8333", kind: "Inbound" } as const

describe("the metrics of Bitcoin peers", () => {
  it.effect("follow a peer from the dial to its end", () =>
    exposed((meter, scrape) =>
      Effect.gen(function* () {
        const lab = new NetworkLab()
        yield* lab.play("10.0.0.2")
        includes(yield* scrape, ["holdfast_bitcoin_peers 0", "holdfast_bitcoin_headers_height NaN"])
        const node = lab.start("10.0.0.1", { pool: { target: 2 } }, [at("10.0.0.2"), at("10.0.9.9")])
        const a = yield* Effect.provideService(node, PeerObserver, meter.observer)
        yield* elapse(1_000)
        const [peer] = a.connections().filter(({ state }) => state === "Connected")
        includes(yield* scrape, [
          "holdfast_bitcoin_peers 1",
          'holdfast_bitcoin_connections{direction="outbound",state="connected"} 1',
          'holdfast_bitcoin_connections{direction="outbound",state="awaiting_handshake"} 0',
          'holdfast_bitcoin_connections{direction="inbound",state="connected"} 0',
          'holdfast_bitcoin_handshakes_total{direction="outbound"} 1',
          "holdfast_bitcoin_handshake_duration_seconds_count 1",
          'holdfast_bitcoin_dials_total{result="connected"} 1',
          'holdfast_bitcoin_sent_messages_total{class="handshake"} 3',
          'holdfast_bitcoin_received_messages_total{class="handshake"} 2',
          'holdfast_bitcoin_received_messages_total{class="blocks"} 0',
          "holdfast_bitcoin_pings_sent_total 1",
          "holdfast_bitcoin_connection_duration_seconds_count 0"
        ])
        yield* a.close(peer!.id)
        yield* elapse(1_000)
        const reading = meter.reading()
        assert.strictEqual(reading.ended.get("closed"), 1)
        assert.isAtLeast(reading.dials.get("refused") ?? 0, 1)
        includes(yield* scrape, [
          'holdfast_bitcoin_connections_ended_total{reason="closed"} 1',
          "holdfast_bitcoin_connection_duration_seconds_count 1",
          "holdfast_bitcoin_pings_sent_total 2"
        ])
      })
    )
  )

  it.effect("count what peers do wrong, under names of this node alone", () =>
    exposed((meter, scrape) =>
      Effect.gen(function* () {
        const before = (yield* scrape).length
        const { told, received, missed } = meter.observer
        told({ _tag: "Misbehaved", ...about, fault: "headers-broken", detail: "x", points: 20 })
        told({ _tag: "Misbehaved", ...about, fault: "toString", detail: "x", points: 20 })
        told({ _tag: "Banned", remote: about.remote, reason: "agent" })
        told({ _tag: "Banned", remote: about.remote, reason: 'agent"} 7' })
        told({ _tag: "Rejected", ...about, command: "tx", code: 0x44, reason: "later" })
        told({ _tag: "Rejected", ...about, command: "evil", code: 0xee, reason: "never" })
        told({ _tag: "Restarting", remote: about.remote, waitMillis: 0 })
        told({ _tag: "Restarting", remote: about.remote, waitMillis: 5_000 })
        told({ _tag: "Inaccessible", remote: about.remote, reason: "x" })
        told({ _tag: "NotTaken", remote: about.remote, reason: "full" })
        told({ _tag: "ListenFailed", endpoint: "x", reason: "x" })
        told({ _tag: "Tip", height: 7, id: "x", time: 0, left: 2, joined: 3 })
        told({ _tag: "NoHeaders", ...about })
        received(Command.unknown, 30)
        received(Command.spoiled.checksum, 40)
        received(Command.kindOf("inv"), 61)
        missed()
        const after = yield* scrape
        assert.strictEqual(after.length, before, "the number of series follows what peers say")
        includes(after, [
          'holdfast_bitcoin_misbehaviours_total{fault="headers-broken"} 1',
          "holdfast_bitcoin_misbehaviour_points_total 20",
          'holdfast_bitcoin_bans_total{reason="agent"} 1',
          'holdfast_bitcoin_rejects_received_total{code="tooBusy"} 1',
          'holdfast_bitcoin_rejects_received_total{code="other"} 1',
          'holdfast_bitcoin_redials_total{after="restart"} 1',
          'holdfast_bitcoin_redials_total{after="retry"} 1',
          "holdfast_bitcoin_peers_inaccessible_total 1",
          "holdfast_bitcoin_not_taken_total 1",
          "holdfast_bitcoin_listen_failures_total 1",
          "holdfast_bitcoin_headers_height 7",
          "holdfast_bitcoin_headers_left_total 2",
          "holdfast_bitcoin_headers_unanswered_total 1",
          'holdfast_bitcoin_received_bytes_total{class="unknown"} 30',
          'holdfast_bitcoin_received_bytes_total{class="spoiled"} 40',
          'holdfast_bitcoin_received_bytes_total{class="inventory"} 61',
          "holdfast_bitcoin_missed_messages_total 1"
        ])
      })
    )
  )

  it.effect("count what a reader of messages misses that does not read", () =>
    exposed((meter) =>
      Effect.gen(function* () {
        const lab = new NetworkLab()
        const large = new Uint8Array(1024 * 1024)
        const many = Array.from({ length: 24 }, () => ["tx", large] as const)
        yield* lab.play("10.0.0.2", { answers: { verack: many } })
        const node = lab.start("10.0.0.1")
        const a = yield* Effect.provideService(node, PeerObserver, meter.observer)
        const slow = Stream.runForEach(a.messages, () => Effect.never)
        yield* Effect.forkChild(slow, { startImmediately: true })
        yield* a.call(at("10.0.0.2"))
        yield* elapse(1_000)
        assert.isAtLeast(meter.reading().missed, 1)
      })
    )
  )

  it.effect("are all described in the operators' document", () =>
    exposed((_, scrape) =>
      Effect.gen(function* () {
        const file = fileURLToPath(new URL("../../docs/operating.md", import.meta.url))
        const told = readFileSync(file, "utf8")
        const named = (yield* scrape).flatMap((line) => /^# TYPE (\S+) /.exec(line)?.slice(1) ?? [])
        assert.isAtLeast(named.length, 20)
        for (const name of named) assert.include(told, `\`${name}\``)
      })
    )
  )
})
