import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Endpoint } from "../../../src/protocol/Address.ts"
import * as Ban from "../../../src/protocol/link/Ban.ts"
import { Bans } from "../../../src/services/link/Bans.ts"
import * as BanGate from "../../../src/services/link/BanGate.ts"
import { keyOf } from "../../support/LinkNode.ts"

const at = (host: string) => new Endpoint({ host, port: 4000 })
const banned = (subject: Ban.Subject, until?: number): Ban.Ban => ({
  subject,
  by: "operator",
  reason: "",
  since: 0,
  times: 0,
  ...(until === undefined ? {} : { until })
})

const bans = Layer.mock(Bans, {
  ofPeer: (peer) => (peer === keyOf(1) ? banned(Ban.ofPeer(peer), 60_000) : undefined),
  ofHost: (ip) => (ip === "10.0.0.9" ? banned(Ban.ofHost(ip)) : undefined),
  report: () => undefined,
  list: () => []
})

describe("the gate of dials", () => {
  it.effect("is open by default", () =>
    Effect.gen(function* () {
      const gate = yield* BanGate.BanGate
      assert.strictEqual(gate.closedFor(keyOf(1), at("10.0.0.9")), 0)
    })
  )

  it.effect("is closed for who is banned by key or by address, until the ban is over", () =>
    Effect.gen(function* () {
      const gate = yield* BanGate.BanGate
      assert.strictEqual(gate.closedFor(keyOf(2), at("10.0.0.1")), 0)
      assert.strictEqual(gate.closedFor(keyOf(2), at("10.0.0.9")), Number.POSITIVE_INFINITY)
      assert.strictEqual(gate.closedFor(keyOf(1), at("10.0.0.1")), 60_000)
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(gate.closedFor(keyOf(1), at("10.0.0.1")), 1_000)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(gate.closedFor(keyOf(1), at("10.0.0.1")), 0)
    }).pipe(Effect.provide(BanGate.fromBans.pipe(Layer.provide(bans))))
  )
})
