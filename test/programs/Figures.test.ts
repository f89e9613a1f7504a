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
