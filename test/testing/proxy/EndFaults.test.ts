import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { roundTrip } from "../../support/LoopbackEnds.ts"
import { during, long, noise, planOf, proxied } from "../../support/ProxiedPair.ts"

describe("faults that end connections", () => {
  it.live("Silence stops an open connection for good without a word, and touches no later one", () =>
    Effect.gen(function* () {
      const { connect, meanwhile, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      const { left: other, right: atC } = yield* connect("c")
      yield* roundTrip(left, right, "1")
      const { touched } = yield* during(proxy, { _tag: "Silence", from: "a", to: "b" }, Effect.void)
      assert.strictEqual(touched, 1)
      left.socket.write("2")
      right.socket.resetAndDestroy()
      yield* meanwhile
      assert.deepStrictEqual([right.text, left.isOver], ["1", false])
      assert.deepInclude(proxy.traffic(), { open: 2, silent: 1 })
      yield* roundTrip(other, atC, "c goes on")
      const again = yield* connect("b")
      yield* roundTrip(again.left, again.right, "new")
    })
  )

  it.live("Silence one way leaves the other way open", () =>
    Effect.gen(function* () {
      const { connect, meanwhile, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      yield* during(proxy, { _tag: "Silence", from: "a", to: "b", oneWay: true }, Effect.void)
      left.socket.write("nobody hears this")
      right.socket.write("this is heard")
      yield* left.hears("this is heard")
      yield* meanwhile
      assert.strictEqual(right.text, "")
    })
  )

  it.live("Silence one way is not silence, and the other way can still be silenced", () =>
    Effect.gen(function* () {
      const { connect, meanwhile, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      yield* roundTrip(left, right, "1")
      const silence = (from: string, to: string) =>
        during(
          proxy,
          { _tag: "Silence", from, to, oneWay: true },
          Effect.sync(() => proxy.traffic().silent)
        )
      assert.deepStrictEqual(yield* silence("a", "b"), { touched: 1, result: 0 })
      assert.deepStrictEqual(yield* silence("a", "b"), { touched: 0, result: 0 })
      assert.deepStrictEqual(yield* silence("b", "a"), { touched: 1, result: 1 })
      left.socket.write("2")
      right.socket.write("2")
      yield* meanwhile
      assert.deepStrictEqual([left.text, right.text], ["1", "1"])
    })
  )

  /** A connection on which "1" has gone both ways, and "2" is under way both ways. */
  const loaded = Effect.gen(function* () {
    const made = yield* proxied()
    const { left, right } = yield* made.connect("b")
    yield* roundTrip(left, right, "1")
    const { end } = yield* made.proxy.strike({ _tag: "Stall", for: long })
    left.socket.write("2")
    right.socket.write("2")
    yield* made.meanwhile
    return { ...made, left, right, heal: Effect.sync(end) }
  })

  it.live("Close with fin lets what is under way arrive, then ends both ends in order", () =>
    Effect.gen(function* () {
      const { heal, left, proxy, right } = yield* loaded
      const { touched } = yield* during(proxy, { _tag: "Close", from: "a", to: "b", how: "fin" }, Effect.void)
      assert.strictEqual(touched, 1)
      yield* heal
      for (const end of [left, right]) {
        assert.strictEqual(yield* end.ends, "end")
        assert.strictEqual(end.text, "12")
      }
    })
  )

  it.live("Close with fin waits for what takes long to arrive", () =>
    Effect.gen(function* () {
      const { connect, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      yield* roundTrip(left, right, "1")
      const latency = { floor: 2_500, mean: 0, tailShare: 0, tail: 1 }
      yield* proxy.strike({ _tag: "Slow", for: long, latency })
      left.socket.write("2")
      while (proxy.traffic().held === 0) yield* Effect.yieldNow
      yield* during(proxy, { _tag: "Close", how: "fin" }, Effect.void)
      for (const [end, text] of [
        [left, "1"],
        [right, "12"]
      ] as const) {
        assert.strictEqual(yield* end.ends, "end")
        assert.strictEqual(end.text, text)
      }
    })
  )

  it.live("Close with rst resets both ends in the place of what is under way", () =>
    Effect.gen(function* () {
      const { left, proxy, right } = yield* loaded
      yield* during(proxy, { _tag: "Close", how: "rst" }, Effect.void)
      for (const end of [left, right]) {
        assert.strictEqual(yield* end.ends, "reset")
        assert.strictEqual(end.text, "1")
      }
      assert.strictEqual(proxy.traffic().open, 0)
    })
  )

  it.live("Close with rst-as-end loses what is under way and looks like an end", () =>
    Effect.gen(function* () {
      const { heal, left, proxy, right } = yield* loaded
      yield* during(proxy, { _tag: "Close", how: "rst-as-end" }, Effect.void)
      yield* heal
      for (const end of [left, right]) {
        assert.strictEqual(yield* end.ends, "end")
        assert.strictEqual(end.text, "1")
      }
    })
  )

  for (const [how, seen] of [
    ["rst", "reset"],
    ["fin", "end"],
    ["rst-as-end", "end"]
  ] as const) {
    it.live(`Close one way with ${how} tells one end, and the other one when it speaks`, () =>
      Effect.gen(function* () {
        const { connect, meanwhile, proxy } = yield* proxied()
        const { left, right } = yield* connect("b")
        yield* roundTrip(left, right, "1")
        yield* during(proxy, { _tag: "Close", from: "a", to: "b", oneWay: true, how }, Effect.void)
        assert.strictEqual(yield* right.ends, seen)
        yield* meanwhile
        assert.isFalse(left.isOver)
        left.socket.write("are you there?")
        assert.strictEqual(yield* left.ends, "reset")
        assert.deepInclude(proxy.traffic(), { open: 0 })
      })
    )
  }

  it.live("Close one way lets the other one go on, and is over once the end that was not told has gone", () =>
    Effect.gen(function* () {
      const { connect, meanwhile, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      yield* roundTrip(left, right, "1")
      yield* during(proxy, { _tag: "Close", from: "a", to: "b", oneWay: true, how: "fin" }, Effect.void)
      yield* right.ends
      right.socket.write("2")
      yield* left.hears("12")
      assert.deepInclude(proxy.traffic(), { open: 1 })
      left.socket.resetAndDestroy()
      while (proxy.traffic().open > 0) yield* meanwhile
    })
  )

  it.live("CloseAfter resets a connection after exactly so many bytes, and not once it is undone", () =>
    Effect.gen(function* () {
      const { connect, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      const text = noise(5_000)
      const after = { _tag: "CloseAfter", from: "a", to: "b", oneWay: true, bytes: 1_000 } as const
      assert.strictEqual((yield* during(proxy, after, roundTrip(left, right, "before"))).touched, 0)
      left.socket.write(text, "latin1")
      yield* right.hears(`before${text}`)
      const { touched } = yield* during(
        proxy,
        after,
        Effect.gen(function* () {
          right.socket.write("the other way does not count")
          yield* left.receives(30)
          left.socket.write(text, "latin1")
          assert.strictEqual(yield* right.ends, "reset")
          assert.strictEqual(yield* left.ends, "reset")
        })
      )
      assert.strictEqual(touched, 1)
      assert.strictEqual(right.text, `before${text}${text.slice(0, 1_000)}`)
    })
  )

  it.live("Ghost says again on a connection of its own what was said on one that has ended", () =>
    Effect.gen(function* () {
      const ghost = { _tag: "Ghost", from: "a", to: "b", after: 0 } as const
      const { connect, proxy, targets } = yield* proxied({ plan: planOf([{ when: { at: 50_000 }, fault: ghost }]) })
      assert.strictEqual((yield* during(proxy, ghost, Effect.void)).touched, 0)
      const { left, right } = yield* connect("b")
      left.socket.write("hello ")
      yield* right.hears("hello ")
      left.socket.end("again")
      yield* right.ends
      right.socket.end()
      yield* left.ends
      // It has ended once the proxy knows it from both ends.
      while (proxy.traffic().open > 0) yield* Effect.sleep(1)
      assert.strictEqual((yield* during(proxy, ghost, Effect.void)).touched, 1)
      const haunted = yield* targets.b.accept
      yield* haunted.hears("hello again")
      assert.isFalse(haunted.isOver)
      assert.strictEqual(proxy.traffic().ghosts, 1)
      haunted.socket.end()
      assert.strictEqual(yield* haunted.ends, "end")
    })
  )
})
