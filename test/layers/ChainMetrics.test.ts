import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Metric, Scope } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as ChainMetrics from "../../src/layers/ChainMetrics.ts"
import { Chain } from "../../src/services/chain/Chain.ts"
import * as ChainMeter from "../../src/services/chain/ChainMeter.ts"
import { MemoryNetwork } from "../../src/testing/TransportMemory.ts"
import * as ChainMessage from "../../src/protocol/chain/ChainMessage.ts"
import * as ChainNode from "../support/ChainNode.ts"
import { StandInChain } from "../support/StandInChain.ts"
import { settle } from "../support/VirtualTime.ts"

/** What is exposed of a chain while `use` runs; no series is left afterwards. */
const exposed = <E, R>(
  chain: Chain["Service"],
  meter: ChainMeter.Meter,
  use: (scrape: Effect.Effect<ReadonlyArray<string>>) => Effect.Effect<void, E, R>
) =>
  Effect.gen(function* () {
    const registry: Metric.MetricRegistry = new Map()
    const scope = yield* Scope.make()
    yield* Effect.gen(function* () {
      yield* Scope.provide(Layer.build(Layer.provide(ChainMetrics.layer, Layer.succeed(Chain, chain))), scope)
      yield* use(Effect.map(PrometheusMetrics.format(), (text) => text.split("\n")))
      yield* Scope.close(scope, Exit.void)
    }).pipe(Effect.provideService(Metric.MetricRegistry, registry), Effect.provideService(ChainMeter.ChainMeter, meter))
    assert.strictEqual(registry.size, 0, "series are left when the node is gone")
  })

const includes = (found: ReadonlyArray<string>, wanted: ReadonlyArray<string>): void => {
  for (const line of wanted) assert.include(found, line)
}

const standIn = () => new StandInChain().service

describe("the metrics of a chain", () => {
  it.effect("follow a node that syncs, and goes over to another branch", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const meter = ChainMeter.make()
      const start = (seed: number) => ChainNode.start({ network, seed, settings: ChainNode.open })
      const one = yield* start(1)
      const other = yield* Effect.provideService(start(2), ChainMeter.ChainMeter, meter)
      yield* one.produce(20)
      yield* other.produce(12)
      yield* exposed(other.chain, meter, (scrape) =>
        Effect.gen(function* () {
          includes(yield* scrape, [
            "holdfast_chain_height 12",
            "holdfast_chain_best_header_height 12",
            "holdfast_chain_behind_blocks 0",
            "holdfast_chain_sync_left_seconds 0",
            "holdfast_chain_blocks_produced_total 12",
            "holdfast_chain_blocks_joined_total 12",
            "holdfast_chain_reorganisation_depth_blocks_count 0",
            'holdfast_chain_peers{standing="level"} 0'
          ])
          yield* one.connect(other)
          yield* ChainNode.agree(one.chain.tip().id, other)
          const after = yield* scrape
          includes(after, [
            "holdfast_chain_height 20",
            "holdfast_chain_best_header_height 20",
            "holdfast_chain_behind_blocks 0",
            "holdfast_chain_blocks_produced_total 12",
            "holdfast_chain_blocks_joined_total 32",
            "holdfast_chain_blocks_left_total 12",
            "holdfast_chain_reorganisation_depth_blocks_count 1",
            "holdfast_chain_reorganisation_depth_blocks_sum 12",
            'holdfast_chain_received_bodies_total{result="taken"} 20',
            'holdfast_chain_received_bodies_total{result="wrong"} 0',
            'holdfast_chain_peers{standing="level"} 1',
            'holdfast_chain_peers{standing="ahead"} 0'
          ])
          const bytes = after.find((line) => line.startsWith("holdfast_chain_received_bytes_total "))
          assert.isAbove(Number(bytes?.split(" ")[1]), 20)
        })
      )
    })
  )

  it.effect("count what goes wrong, under names of this node alone", () =>
    Effect.gen(function* () {
      const meter = ChainMeter.make()
      yield* exposed(standIn(), meter, (scrape) =>
        Effect.gen(function* () {
          const before = (yield* scrape).length
          meter.told({ _tag: "Stalled", height: 3, millis: 60_000 })
          meter.told({ _tag: "SlowPeer", peer: 1, remote: "10.0.0.1:1" })
          meter.told({ _tag: "FalsePeer", peer: 1, remote: "10.0.0.1:1", detail: 'x"} 7' })
          meter.told({ _tag: "Refused", height: 3, id: "ab", reason: "too rich" })
          meter.penalised("body")
          meter.penalised("signature")
          meter.penalised("signature")
          meter.setAside()
          meter.unanswered()
          const after = yield* scrape
          assert.strictEqual(after.length, before, "the number of series follows what peers say")
          includes(after, [
            "holdfast_chain_stalls_total 1",
            "holdfast_chain_slow_peers_total 1",
            "holdfast_chain_refusals_total 1",
            "holdfast_chain_set_aside_total 1",
            "holdfast_chain_headers_unanswered_total 1",
            'holdfast_chain_penalties_total{reason="body"} 1',
            'holdfast_chain_penalties_total{reason="signature"} 2',
            'holdfast_chain_penalties_total{reason="message"} 0'
          ])
        })
      )
    })
  )

  it.effect("count a peer whose messages do not belong on a chain", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const meter = ChainMeter.make()
      const start = (seed: number) => ChainNode.start({ network, seed, settings: ChainNode.open })
      const stranger = yield* start(1)
      const one = yield* Effect.provideService(start(2), ChainMeter.ChainMeter, meter)
      yield* stranger.connect(one)
      yield* settle
      const [live] = stranger.registry.sessions()
      yield* live!.session.send(ChainMessage.kinds[0]!, new Uint8Array([1, 2, 3]))
      for (let round = 0; round < 400 && meter.reading().penalties.size === 0; round++) yield* settle
      assert.deepStrictEqual([...meter.reading().penalties], [["message", 1]])
    })
  )

  it.effect("say how far a node is that is behind, and what its program refuses", () =>
    Effect.gen(function* () {
      const chain = standIn()
      const figures = { ...chain.figures(), height: 5, bestHeight: 25, behind: 20, perSecond: 0, isRefused: true }
      let now = figures
      const peers = { ahead: 2, level: 1, behind: 3, silent: 4 }
      yield* exposed(Chain.of({ ...chain, figures: () => now }), ChainMeter.make(), (scrape) =>
        Effect.gen(function* () {
          includes(yield* scrape, [
            "holdfast_chain_behind_blocks 20",
            "holdfast_chain_sync_left_seconds NaN",
            "holdfast_chain_tip_age_seconds NaN",
            "holdfast_chain_refused 1"
          ])
          now = { ...figures, perSecond: 4, tipTime: -3_000, peers, isRefused: false }
          includes(yield* scrape, [
            "holdfast_chain_sync_left_seconds 5",
            "holdfast_chain_tip_age_seconds 3",
            "holdfast_chain_refused 0",
            'holdfast_chain_peers{standing="ahead"} 2',
            'holdfast_chain_peers{standing="level"} 1',
            'holdfast_chain_peers{standing="behind"} 3',
            'holdfast_chain_peers{standing="silent"} 4'
          ])
        })
      )
    })
  )

  it.effect("are all described in docs/operating.md", () =>
    exposed(standIn(), ChainMeter.make(), (scrape) =>
      Effect.gen(function* () {
        const told = readFileSync(fileURLToPath(new URL("../../docs/operating.md", import.meta.url)), "utf8")
        const names = (yield* scrape).flatMap((line) => /^# TYPE (\S+) /.exec(line)?.slice(1) ?? [])
        assert.isAbove(names.length, 20)
        assert.deepStrictEqual(
          names.filter((name) => !told.includes(`\`${name}\``)),
          []
        )
      })
    )
  )

  it.effect("are not there where no chain is kept", () =>
    Effect.gen(function* () {
      const registry: Metric.MetricRegistry = new Map()
      const built = Effect.scoped(Effect.andThen(Layer.build(ChainMetrics.layerIfKept), PrometheusMetrics.format()))
      const text = yield* Effect.provideService(built, Metric.MetricRegistry, registry)
      assert.notInclude(text, "holdfast_chain")
      const kept = Effect.provideService(built, Chain, standIn())
      assert.include(yield* Effect.provideService(kept, Metric.MetricRegistry, registry), "holdfast_chain_height ")
    })
  )
})
