import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Config, load } from "../../src/programs/Config.ts"
import * as Figures from "../../src/programs/Figures.ts"
import * as Delivery from "../../src/services/delivery/DeliveryConfig.ts"
import * as Link from "../../src/services/link/LinkConfig.ts"

const given = (flags: Readonly<Record<string, string>>) =>
  load({ flags, data: "/nonexistent/holdfast", env: {} }).pipe(Effect.orDie, Effect.provide(NodeServices.layer))

const link = (flags: Readonly<Record<string, string>>) => Effect.map(given(flags), Figures.link)

describe("the figures of a node", () => {
  it.effect("are the defaults of the services without any setting", () =>
    Effect.gen(function* () {
      const config: Config = yield* given({})
      const { eviction, ...figures } = Figures.link(config)
      const { eviction: standard, ...defaults } = Link.defaults
      assert.deepStrictEqual(figures, defaults)
      assert.deepStrictEqual(eviction, { ...standard, reserved: undefined })
      assert.deepStrictEqual(Figures.delivery(config), Delivery.defaults)
    })
  )

  it.effect("have delivery as the settings say, each of them", () =>
    Effect.gen(function* () {
      const said = yield* given({
        inFlight: "100",
        inFlightBytes: "1MiB",
        batchMessages: "50",
        batchBytes: "64KiB",
        batchTime: "250ms",
        receiptTimeout: "1m",
        sweep: "10s",
        parkAfter: "5",
        keepIds: "7d",
        keepIdsPerPeer: "5000",
        keepEvents: "90d"
      })
      const expected = {
        window: { messages: 100, bytes: 1_048_576 },
        batch: { messages: 50, bytes: 65_536 },
        batchTime: 250,
        receiptTimeout: 60_000,
        sweep: 10_000,
        poisonAttempts: 5,
        appliedWindow: 7 * 86_400_000,
        appliedIds: 5_000,
        keepEvents: 90 * 86_400_000
      }
      const { databaseRetry, patience, slowestRate, timers, ...figures } = Figures.delivery(said)
      assert.deepStrictEqual(figures, expected)
      assert.deepStrictEqual(
        { ...expected, databaseRetry, patience, slowestRate, timers },
        { ...Delivery.defaults, ...expected }
      )
      for (const key of Object.keys(expected)) {
        assert.notDeepEqual(Reflect.get(expected, key), Reflect.get(Delivery.defaults, key), key)
      }
    })
  )

  it.effect("have who is let in as the settings say", () =>
    Effect.gen(function* () {
      const figures = yield* link({
        admission: "machine",
        peersPerHost: "2",
        maxSessions: "20000",
        reservedSessions: "20000",
        evictionGrace: "5m"
      })
      assert.deepStrictEqual(figures.admission, { policy: "machine", perIpMax: 2, connections: 40_000 })
      assert.deepInclude(figures.eviction, { reserved: 20_000, graceMillis: 300_000 })
    })
  )

  it.effect("have rates with as many seconds of them at once as before", () =>
    Effect.gen(function* () {
      const { rates } = yield* link({ controlRate: "20", gossipRate: "100" })
      const twice = { perSecond: 20, burst: 100, delays: 100, drops: 100 }
      for (const frame of ["ping", "pong", "control"] as const) assert.deepStrictEqual(rates[frame], twice)
      assert.deepStrictEqual(rates.gossip, { perSecond: 100, burst: 200, delays: 0, drops: Infinity })
    })
  )
})
