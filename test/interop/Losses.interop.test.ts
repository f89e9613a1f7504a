/** Real nodes that are killed, stand still, or are not there yet: when they are dialled again, and when they are given up. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Litecoind from "../support/interop/Litecoind.ts"
import * as RealManager from "../support/interop/RealManager.ts"

const backoff = { baseMillis: 100, capMillis: 800 }
/** They are made quickly, and often enough for a node that takes long to start. */
const patient = { restarts: 2, windowMillis: 600_000, healthyMillis: 600_000, attempts: 10_000, backoff }

/** The waits that were told from this place on. */
const waits = ({ events }: RealManager.RealManager, place: number): ReadonlyArray<number> =>
  events.since(place).flatMap((event) => (event._tag === "Restarting" ? [event.waitMillis] : []))

describe("a real node", () => {
  it.live("that is killed is dialled until it is back", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const ours = yield* RealManager.start("ltc-regtest", { restarts: patient })
      yield* ours.call(core.endpoint)
      yield* ours.became("Connected")
      for (let round = 0; round < patient.restarts; round++) {
        const place = ours.events.count
        yield* core.node.kill
        yield* ours.became("Failed", place)
        // A process that is being killed may still accept the dial that is made at once, and reset it: that counts as a handshake
        // that failed, and ends the calls. A new one is nothing where they go on.
        yield* ours.call(core.endpoint)
        yield* ours.events.until(
          "refused dial",
          (event) =>
            event._tag === "Changed" && event.from === "Connecting" && event.to === "Failed" ? true : undefined,
          place
        )
        yield* core.node.start
        yield* ours.became("Connected", place)
        const [first, ...later] = waits(ours, place)
        assert.strictEqual(first, 0, "the first dial after a loss is made at once")
        assert.isNotEmpty(later)
        later.forEach((wait, failures) => assert.isBelow(wait, Math.min(backoff.capMillis, 100 * 2 ** failures)))
      }
    })
  )

  it.live("that is killed more often than it may be restarted is given up", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const ours = yield* RealManager.start("ltc-regtest", { restarts: { ...patient, restarts: 0 } })
      yield* ours.call(core.endpoint)
      yield* ours.became("Connected")
      const place = ours.events.count
      yield* core.node.kill
      const { remote } = yield* ours.next("Inaccessible", place)
      assert.strictEqual(remote, core.endpoint.toString())
      assert.deepStrictEqual(waits(ours, place), [])
      assert.deepStrictEqual((yield* ours.marked("Inaccessible")).endpoint, core.endpoint)
    })
  )

  it.live("that stands still is noticed by its silence, and given up", () =>
    Effect.gen(function* () {
      const core = yield* Litecoind.start()
      const heartbeat = { interval: 200, timeout: 1_000, missed: 1, stable: 60_000 }
      // The first look at the silence comes when the time for handshakes is over.
      const ours = yield* RealManager.start("ltc-regtest", { heartbeat, handshakeTimeout: 2_000 })
      yield* ours.call(core.endpoint)
      const { id } = yield* ours.became("Connected")
      yield* core.node.said(/received: ping /)
      yield* core.node.said(/received: ping /, core.node.lines.count)
      const place = ours.events.count
      yield* core.node.freeze
      const lost = yield* ours.became("Failed", place)
      assert.strictEqual(lost.id, id)
      // The silence may have begun before: the node says that a ping has come before it answers.
      const silent = /nothing came for (\d+) ms and a ping was not answered/.exec(lost.detail ?? "")?.[1]
      assert.isAtLeast(Number(silent), heartbeat.timeout)
      assert.deepStrictEqual((yield* ours.marked("Inaccessible")).endpoint, core.endpoint)
      assert.deepStrictEqual(waits(ours, place), [])
    })
  )

  it.live("that is not there yet is dialled at growing distances, and found once it is", () =>
    Effect.gen(function* () {
      const at = yield* RealManager.freePlace
      const ours = yield* RealManager.start("ltc-regtest", { restarts: patient })
      yield* ours.call(at)
      for (let tries = 0; tries < 4; tries++) {
        const { detail } = yield* ours.became("Failed", ours.events.count)
        assert.include(detail, "refused")
      }
      yield* Litecoind.start({ at })
      yield* ours.became("Connected")
      waits(ours, 0).forEach((wait, failures) => {
        assert.isBelow(wait, Math.min(backoff.capMillis, 100 * 2 ** failures))
      })
    })
  )

  it.live("that never is there is given up after so many dials", () =>
    Effect.gen(function* () {
      const at = yield* RealManager.freePlace
      const ours = yield* RealManager.start("ltc-regtest", { restarts: { ...patient, attempts: 3 } })
      yield* ours.call(at)
      assert.include((yield* ours.next("Inaccessible")).reason, "refused")
      assert.strictEqual(waits(ours, 0).length, 2)
      assert.deepStrictEqual((yield* ours.marked("Inaccessible")).endpoint, at)
    })
  )
})
