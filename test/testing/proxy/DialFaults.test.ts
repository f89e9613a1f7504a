import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { roundTrip } from "../../support/LoopbackEnds.ts"
import { during, fastest, lasting, long, proxied } from "../../support/ProxiedPair.ts"

const dials = { _tag: "Dials", from: "a", to: "b", for: long, share: 1 } as const

describe("faults of dials", () => {
  it.live("refuse shuts the port of the route, and leaves other routes and open connections alone", () =>
    Effect.gen(function* () {
      const { connect, dialTo, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      yield* during(
        proxy,
        { ...dials, how: "refuse" },
        Effect.gen(function* () {
          assert.strictEqual(yield* (yield* dialTo("b")).dialled, "ECONNREFUSED")
          assert.strictEqual(yield* (yield* dialTo("c")).dialled, "connected")
          yield* roundTrip(left, right, "still open")
        })
      )
      let outcome = yield* (yield* dialTo("b")).dialled
      // The port is taken again in a moment.
      while (outcome !== "connected") outcome = yield* (yield* dialTo("b")).dialled
    })
  )

  it.live("refuse with a share refuses some of the time", () =>
    Effect.gen(function* () {
      const { dialTo, proxy } = yield* proxied()
      const seen = new Set<string>()
      yield* during(
        proxy,
        { ...dials, how: "refuse", share: 0.5 },
        Effect.gen(function* () {
          // Whoever was about to be accepted when the port is shut is reset.
          while (!seen.has("ECONNREFUSED") || !seen.has("connected"))
            seen.add(yield* Effect.scoped(Effect.flatMap(dialTo("b"), ({ dialled }) => dialled)))
        })
      )
    })
  )

  it.live("hang leaves a dial without an answer for good, and a later one gets through", () =>
    Effect.gen(function* () {
      const { connect, dialTo, meanwhile, proxy } = yield* proxied()
      const fault = yield* proxy.strike({ ...dials, how: "hang" })
      const hung = yield* dialTo("b")
      assert.strictEqual(yield* hung.dialled, "connected")
      hung.socket.write("hello?")
      yield* meanwhile
      assert.strictEqual(fault.end(), 1)
      const { left, right } = yield* connect("b")
      yield* roundTrip(left, right, "hello")
      assert.isFalse(hung.isOver)
      assert.deepInclude(proxy.traffic(), { open: 2, silent: 1, forwarded: 1 })
      hung.socket.end()
      assert.strictEqual(yield* hung.ends, "end")
      assert.strictEqual(proxy.traffic().open, 1)
    })
  )

  it.live("slow delays the dial by what it takes", () =>
    Effect.gen(function* () {
      const { connect, proxy } = yield* proxied()
      const slow = yield* during(proxy, { ...dials, how: "slow", takes: 300 }, lasting(connect("b")))
      assert.isAtLeast(slow.result, 298)
      assert.strictEqual(slow.touched, 1)
      assert.isBelow(yield* fastest(connect("b"), 298), 298)
    })
  )

  it.live("accept-then-reset answers and breaks off, the other way round not", () =>
    Effect.gen(function* () {
      const { connect, dialTo, proxy } = yield* proxied()
      const reset = { ...dials, how: "accept-then-reset" } as const
      yield* during(
        proxy,
        reset,
        Effect.gen(function* () {
          const end = yield* dialTo("b")
          assert.strictEqual(yield* end.ends, "reset")
        })
      )
      assert.deepInclude(proxy.traffic(), { open: 0, refused: 1, forwarded: 0 })
      yield* during(proxy, { ...reset, from: "b", to: "a" }, connect("c"))
      const { left, right } = yield* connect("b")
      yield* roundTrip(left, right, "hello")
    })
  )

  it.live("Backlog leaves those who find no room waiting until they try again", () =>
    Effect.gen(function* () {
      const { dialTo, meanwhile, proxy, targets } = yield* proxied()
      const { touched } = yield* during(
        proxy,
        { _tag: "Backlog", node: "b", for: long, connections: 0 },
        Effect.gen(function* () {
          const end = yield* dialTo("b")
          end.socket.write("hello?")
          yield* meanwhile
          assert.deepInclude(proxy.traffic(), { open: 1, waiting: 1, forwarded: 0 })
        })
      )
      assert.isAtLeast(touched, 1)
      const taken = yield* targets.b.accept
      yield* taken.hears("hello?")
    })
  )

  it.live("Backlog counts those that the node has not answered", () =>
    Effect.gen(function* () {
      const { connect, dialTo, proxy, targets } = yield* proxied()
      const fault = yield* proxy.strike({ _tag: "Backlog", node: "b", for: long, connections: 2 })
      const pairs = [yield* connect("b"), yield* connect("b")]
      const late = yield* dialTo("b")
      yield* late.dialled
      while (proxy.traffic().waiting === 0) yield* Effect.yieldNow
      for (const { left, right } of pairs) yield* roundTrip(left, right, "hello")
      yield* roundTrip(late, yield* targets.b.accept, "here I am")
      assert.isAtLeast(fault.end(), 1)
      assert.deepInclude(proxy.traffic(), { waiting: 0, forwarded: 3 })
    })
  )
})
