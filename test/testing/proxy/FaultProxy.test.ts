import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as FaultProxy from "../../../src/testing/proxy/FaultProxy.ts"
import { plain } from "../../../src/testing/proxy/Lane.ts"
import { dial, listen, roundTrip } from "../../support/LoopbackEnds.ts"
import { during, lasting, long, noise, planOf, proxied } from "../../support/ProxiedPair.ts"

const latency = (floor: number) => ({ floor, mean: 0, tailShare: 0, tail: 1 })

/** Progress in words: what, which entry, whether it was felt. */
const words = (progress: FaultProxy.Progress): string =>
  progress._tag === "Began"
    ? `began ${progress.index}`
    : `over ${progress.index} ${progress.touched > 0 ? "felt" : "not felt"}`

describe("a fault proxy", () => {
  it.live("forwards bytes and half-closed ends both ways, and counts", () =>
    Effect.gen(function* () {
      const { connect, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      yield* roundTrip(left, right, "hello")
      left.socket.end("last words")
      assert.strictEqual(yield* right.ends, "end")
      assert.strictEqual(right.text, "hellolast words")
      right.socket.end("an answer after the end")
      assert.strictEqual(yield* left.ends, "end")
      assert.strictEqual(left.text, "helloan answer after the end")
      assert.deepInclude(proxy.traffic(), { forwarded: 1, refused: 0, silent: 0, bytes: 10 + 10 + 23 })
    })
  )

  it.live("makes a fast sender wait for a slow reader, holds little meanwhile, and loses nothing", () =>
    Effect.gen(function* () {
      const { connect, meanwhile, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      const text = noise(32 * 1024 * 1024)
      right.socket.pause()
      left.socket.write(text, "latin1")
      // The sockets' own buffers are full some time, and then the proxy's window.
      while (proxy.traffic().held < plain.window) yield* meanwhile
      for (let turn = 0; turn < 10; turn++) yield* meanwhile
      assert.isBelow(proxy.traffic().held, plain.window + 128 * 1024)
      assert.isAbove(left.socket.writableLength, 0)
      right.socket.resume()
      assert.isTrue((yield* right.receives(text.length)) === text)
      assert.deepInclude(proxy.traffic(), { bytes: text.length, held: 0 })
    })
  )

  it.live("passes a reset on, after what was said before it", () =>
    Effect.gen(function* () {
      const { connect, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      yield* roundTrip(left, right, "1")
      left.socket.resetAndDestroy()
      assert.strictEqual(yield* right.ends, "reset")
      assert.strictEqual(right.text, "1")
      assert.strictEqual(proxy.traffic().open, 0)
    })
  )

  it.live("breaks off what the target refuses, and what has no target until it is told one", () =>
    Effect.gen(function* () {
      const gone = yield* Effect.scoped(Effect.map(listen, ({ endpoint }) => endpoint))
      const there = yield* listen
      const routes = [
        { from: "a", to: "b", target: gone },
        { from: "b", to: "a" }
      ]
      const proxy = yield* FaultProxy.make({ routes })
      const byRoute = (from: string, to: string) => dial(proxy.endpoint(from, to)!)
      assert.strictEqual(yield* (yield* byRoute("a", "b")).ends, "reset")
      assert.strictEqual(yield* (yield* byRoute("b", "a")).ends, "reset")
      proxy.aim("b", "a", there.endpoint)
      yield* roundTrip(yield* byRoute("b", "a"), yield* there.accept, "hello")
      assert.deepInclude(proxy.traffic(), { open: 1, forwarded: 1, refused: 1 })
    })
  )

  it.live("turns away what is too much, but makes room of what is silent for good", () =>
    Effect.gen(function* () {
      const { connect, dialTo, proxy } = yield* proxied({ maxConnections: 1 })
      const { left, right } = yield* connect("b")
      yield* roundTrip(left, right, "hello")
      assert.strictEqual(yield* (yield* dialTo("b")).ends, "reset")
      yield* during(proxy, { _tag: "Silence" }, Effect.void)
      const next = yield* connect("b")
      yield* roundTrip(next.left, next.right, "hello")
      assert.deepInclude(proxy.traffic(), { open: 1, silent: 0, refused: 1, forwarded: 2 })
    })
  )

  it.live("makes no room of what is silent one way, before both ends have ended", () =>
    Effect.gen(function* () {
      const { connect, dialTo, meanwhile, proxy } = yield* proxied({ maxConnections: 1 })
      const { left, right } = yield* connect("b")
      yield* roundTrip(left, right, "1")
      yield* during(proxy, { _tag: "Silence", from: "a", to: "b", oneWay: true }, Effect.void)
      assert.strictEqual(yield* (yield* dialTo("b")).ends, "reset")
      right.socket.end("2")
      yield* left.hears("12")
      left.socket.end()
      yield* meanwhile
      assert.deepInclude(proxy.traffic(), { open: 1, silent: 1 })
      const next = yield* connect("b")
      yield* roundTrip(next.left, next.right, "hello")
      assert.deepInclude(proxy.traffic(), { open: 1, silent: 0, refused: 1, forwarded: 2 })
    })
  )

  it.live("shuts a route and keeps what is open", () =>
    Effect.gen(function* () {
      const { connect, dialTo, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      proxy.shut("a", "b")
      assert.strictEqual(yield* (yield* dialTo("b")).dialled, "ECONNREFUSED")
      yield* roundTrip(left, right, "still here")
    })
  )

  it.live("lays the network of its plan over the loopback", () =>
    Effect.gen(function* () {
      const { connect } = yield* proxied({ plan: planOf([], { network: { ...plain, latency: latency(150) } }) })
      const { left, right } = yield* connect("b")
      assert.isAtLeast(yield* lasting(roundTrip(left, right, "ping")), 2 * 148)
    })
  )

  it.effect("delivers what is under way and undoes its faults when it ends, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const outer = yield* Effect.scope
      const own = yield* Scope.fork(outer)
      const target = yield* listen
      const proxy = yield* Scope.provide(
        FaultProxy.make({ routes: [{ from: "a", to: "b", target: target.endpoint }] }),
        own
      )
      const left = yield* dial(proxy.endpoint("a", "b")!)
      const right = yield* target.accept
      yield* roundTrip(left, right, "1")
      yield* Effect.provideService(proxy.strike({ _tag: "Stall", for: long }), Scope.Scope, outer)
      left.socket.write("2")
      yield* roundTrip(yield* dial(target.endpoint), yield* target.accept, "elsewhere")
      const closing = yield* Effect.forkChild(Scope.close(own, Exit.void), { startImmediately: true })
      assert.strictEqual(yield* right.ends, "end")
      assert.strictEqual(right.text, "12")
      yield* TestClock.adjust(1_000)
      yield* Fiber.join(closing)
      assert.strictEqual(yield* left.ends, "end")
      assert.strictEqual(yield* (yield* dial(proxy.endpoint("a", "b")!)).dialled, "ECONNREFUSED")
    })
  )

  it.live("says which port of its own is taken", () =>
    Effect.gen(function* () {
      const taken = yield* listen
      const failed = yield* Effect.flip(
        FaultProxy.make({ routes: [{ from: "a", to: "b", port: taken.endpoint.port }] })
      )
      assert.deepInclude(failed, { _tag: "ListenFailed", reason: "in-use", endpoint: taken.endpoint.toString() })
    })
  )

  it.effect("carries a plan out in time, says what was felt, and ends everything with the plan's duration", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const { connect, meanwhile, proxy } = yield* proxied({
        plan: planOf(
          [
            { when: { at: 400 }, fault: { _tag: "Stall", from: "a", to: "b", for: long } },
            { when: { at: 0 }, fault: { _tag: "Slow", from: "a", to: "b", for: 900, latency: latency(100) } },
            { when: { at: 0 }, fault: { _tag: "Close", from: "a", to: "c", how: "rst" } },
            { when: { at: 0 }, fault: { _tag: "Loss", from: "a", to: "c", for: 100, share: 1 } },
            { when: { at: long }, fault: { _tag: "Silence" } }
          ],
          { duration: 1_500 }
        ),
        onProgress: (progress) => told.push(words(progress))
      })
      const { left, right } = yield* connect("b")
      const atC = yield* connect("c")
      const running = yield* Effect.forkChild(proxy.run, { startImmediately: true })
      yield* TestClock.adjust(0)
      assert.sameMembers(told.splice(0), ["began 1", "began 2", "began 3", "over 2 felt"])
      const slow = lasting(right.hears("1"))
      left.socket.write("1")
      assert.isAtLeast(yield* slow, 98)
      assert.strictEqual(yield* atC.left.ends, "reset")
      yield* TestClock.adjust(399)
      assert.deepStrictEqual(told.splice(0), ["over 3 not felt"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(told.splice(0), ["began 0"])
      left.socket.write("2")
      yield* TestClock.adjust(500)
      assert.deepStrictEqual(told.splice(0), ["over 1 felt"])
      yield* TestClock.adjust(599)
      yield* meanwhile
      assert.deepStrictEqual([right.text, told.splice(0)], ["1", []])
      yield* TestClock.adjust(1)
      yield* Fiber.join(running)
      assert.deepStrictEqual(told, ["over 0 felt"])
      yield* right.hears("12")
    })
  )
})
