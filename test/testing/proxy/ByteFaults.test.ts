import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { roundTrip } from "../../support/LoopbackEnds.ts"
import { during, fastest, lasting, long, noise, planOf, proxied } from "../../support/ProxiedPair.ts"

/** Timers count whole milliseconds. */
const tick = 2
const slowBy = (floor: number) => ({ floor, mean: 0, tailShare: 0, tail: 1 })

const differingBits = (one: string, other: string): number => {
  let bits = 0
  for (let at = 0; at < one.length; at++) {
    for (let rest = one.charCodeAt(at) ^ other.charCodeAt(at); rest > 0; rest >>= 1) bits += rest & 1
  }
  return bits
}

describe("faults of bytes", () => {
  it.live("Slow adds its latency in each direction, and no longer than it lasts", () =>
    Effect.gen(function* () {
      const { connect, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      const ping = roundTrip(left, right, "ping")
      const both = yield* during(proxy, { _tag: "Slow", for: long, latency: slowBy(300) }, lasting(ping))
      assert.isAtLeast(both.result, 2 * (300 - tick))
      assert.strictEqual(both.touched, 2)
      const oneWay = { _tag: "Slow", from: "b", to: "a", oneWay: true, for: long, latency: slowBy(300) } as const
      const one = yield* during(proxy, oneWay, lasting(ping))
      assert.isAtLeast(one.result, 300 - tick)
      assert.strictEqual(one.touched, 1)
      const other = { _tag: "Slow", from: "a", to: "c", for: long, latency: slowBy(300) } as const
      assert.strictEqual((yield* during(proxy, other, ping)).touched, 0)
      assert.isBelow(yield* fastest(ping, 300), 300)
    })
  )

  it.live("Bandwidth lets so many bits pass in a second", () =>
    Effect.gen(function* () {
      const { connect, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      const send = Effect.gen(function* () {
        const expected = right.text + noise(10_000)
        left.socket.write(noise(10_000), "latin1")
        yield* right.hears(expected)
      })
      const slow = yield* during(proxy, { _tag: "Bandwidth", for: long, bitsPerSecond: 80_000 }, lasting(send))
      // What goes in the last 20 ms has no need to wait for what follows, and timers that are late are made up for.
      assert.isAtLeast(slow.result, 950)
      assert.isAbove(slow.touched, 0)
      assert.isBelow(yield* fastest(send, 950), 950)
    })
  )

  it.live("Loss delays by what TCP needs to send again, and loses nothing", () =>
    Effect.gen(function* () {
      const { connect, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      const pings = Effect.all(Array.from({ length: 6 }, () => roundTrip(left, right, "ping")))
      const lossy = yield* during(proxy, { _tag: "Loss", for: long, share: 0.3 }, lasting(pings))
      assert.isAbove(lossy.touched, 0)
      assert.isAtLeast(lossy.result, lossy.touched * (200 - tick))
      assert.isBelow(yield* fastest(roundTrip(left, right, "ping"), 200), 200)
    })
  )

  it.live("Chunks cuts what passes into small pieces", () =>
    Effect.gen(function* () {
      const { connect, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      const text = noise(400)
      const pieces = Effect.gen(function* () {
        const { chunks, text: before } = right
        const read = chunks.length
        left.socket.write(text, "latin1")
        yield* right.hears(before + text)
        return chunks.slice(read)
      })
      const inPieces = during(proxy, { _tag: "Chunks", from: "a", to: "b", for: long, most: 7 }, pieces)
      let cut = yield* inPieces
      // The system of a busy machine may hand two pieces over at once: then they are sent again.
      for (let turn = 0; turn < 50 && cut.result.length <= cut.touched; turn++) cut = yield* inPieces
      assert.isAtMost(Math.max(...cut.result), 7)
      assert.isAbove(new Set(cut.result).size, 3)
      assert.strictEqual(cut.touched, cut.result.length - 1)
      assert.deepStrictEqual(yield* pieces, [400])
    })
  )

  it.live("Window lets only so much be under way", () =>
    Effect.gen(function* () {
      const { connect, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      const text = noise(5_000)
      const { result, touched } = yield* during(
        proxy,
        { _tag: "Window", from: "a", to: "b", for: long, bytes: 1_000 },
        during(
          proxy,
          { _tag: "Slow", from: "a", to: "b", oneWay: true, for: long, latency: slowBy(100) },
          lasting(
            Effect.suspend(() => {
              left.socket.write(text, "latin1")
              return right.hears(text)
            })
          )
        )
      )
      assert.isAtLeast(result.result, 5 * (100 - tick))
      assert.isAbove(touched, 0)
    })
  )

  it.live("Window of 0 stops the sender, and everything comes once it opens", () =>
    Effect.gen(function* () {
      const { connect, meanwhile, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      const text = noise(2 * 1024 * 1024)
      yield* during(
        proxy,
        { _tag: "Window", from: "a", to: "b", for: long, bytes: 0 },
        Effect.gen(function* () {
          left.socket.write(text, "latin1")
          yield* meanwhile
          assert.strictEqual(right.text, "")
          assert.strictEqual(proxy.traffic().bytes, 0)
        })
      )
      yield* right.hears(text)
    })
  )

  it.live("BitFlips turns 1 to 32 bits of a chunk over, the same ones for the same seed", () =>
    Effect.gen(function* () {
      const text = noise(1_000)
      const garble = Effect.fnUntraced(function* (seed: number) {
        const { connect, proxy } = yield* proxied({ seed })
        const { left, right } = yield* connect("b")
        const { result, touched } = yield* during(
          proxy,
          { _tag: "BitFlips", for: long, share: 1 },
          Effect.suspend(() => {
            left.socket.write(text, "latin1")
            return right.receives(1_000)
          })
        )
        assert.strictEqual(touched, 1)
        left.socket.write("whole again")
        yield* right.hears(`${result}whole again`)
        return result
      }, Effect.scoped)
      const garbled = yield* garble(1)
      assert.isAtLeast(differingBits(text, garbled), 1)
      assert.isAtMost(differingBits(text, garbled), 32)
      assert.strictEqual(yield* garble(1), garbled)
      assert.notStrictEqual(yield* garble(2), garbled)
    })
  )

  it.live("Stall holds bytes and ends, and they come in order once it is over", () =>
    Effect.gen(function* () {
      const { connect, meanwhile, proxy } = yield* proxied()
      const { left, right } = yield* connect("b")
      yield* roundTrip(left, right, "1")
      const { touched } = yield* during(
        proxy,
        { _tag: "Stall", from: "b", for: long },
        Effect.gen(function* () {
          left.socket.write("2")
          right.socket.write("2")
          yield* meanwhile
          left.socket.end("3")
          yield* meanwhile
          assert.deepStrictEqual([left.text, right.text, right.isOver], ["1", "1", false])
        })
      )
      assert.isAbove(touched, 0)
      assert.strictEqual(yield* right.ends, "end")
      assert.strictEqual(right.text, "123")
      yield* left.hears("12")
    })
  )

  it.live("Partition stops what crosses it, one way or both, and lets dials wait", () =>
    Effect.gen(function* () {
      const { connect, dialTo, meanwhile, proxy, targets } = yield* proxied()
      const [b, c] = [yield* connect("b"), yield* connect("c")]
      const cut = { _tag: "Partition", for: long, shape: "isolate", side: ["c"] } as const
      yield* during(
        proxy,
        cut,
        Effect.gen(function* () {
          c.left.socket.write("there")
          c.right.socket.write("back")
          const late = yield* dialTo("c")
          late.socket.write("late")
          yield* roundTrip(b.left, b.right, "b goes on")
          yield* meanwhile
          assert.deepStrictEqual([c.left.text, c.right.text], ["", ""])
          assert.deepInclude(proxy.traffic(), { open: 3, waiting: 1, forwarded: 2 })
        })
      )
      yield* c.right.hears("there")
      yield* c.left.hears("back")
      yield* (yield* targets.c.accept).hears("late")
      yield* during(
        proxy,
        { ...cut, oneWay: true },
        Effect.gen(function* () {
          c.left.socket.write(" again")
          yield* c.right.hears("there again")
          c.right.socket.write(" again")
          yield* meanwhile
          assert.strictEqual(c.left.text, "back")
        })
      )
      yield* c.left.hears("back again")
    })
  )

  it.live("what waited for the end of a stall comes with TCP's next try, and so does a dial", () =>
    Effect.gen(function* () {
      const { connect, dialTo, meanwhile, proxy, targets } = yield* proxied()
      const { left, right } = yield* connect("b")
      const fault = yield* proxy.strike({ _tag: "Stall", from: "a", to: "b", for: long })
      const begun = performance.now()
      left.socket.write("data")
      yield* (yield* dialTo("b")).dialled
      while (proxy.traffic().waiting === 0 || proxy.traffic().held === 0) yield* meanwhile
      const held = performance.now()
      while (performance.now() - held < 60) yield* meanwhile
      const ending = performance.now()
      fault.end()
      // The proxy holds each from some moment between `begun` and `held`, until one within the call.
      const [least, most] = [ending - held, performance.now() - begun]
      const since = (come: Effect.Effect<unknown, never, Scope.Scope>) =>
        Effect.map(come, () => performance.now() - ending)
      const both = [since(right.hears("data")), since(targets.b.accept)]
      const [data = 0, dialled = 0] = yield* Effect.all(both, { concurrency: "unbounded" })
      // The first tries are after 200 ms or a little more, and after 1 s; but never later than the outage was long.
      assert.isAtLeast(data, Math.min(least, 200 - most))
      assert.isAtLeast(dialled, Math.min(least, 1_000 - most))
    })
  )

  it.effect("Swizzle stalls its nodes one by one, and all of them have recovered when it is over", () =>
    Effect.gen(function* () {
      const over: Array<number> = []
      const { connect, meanwhile, proxy } = yield* proxied({
        plan: planOf([{ when: { at: 0 }, fault: { _tag: "Swizzle", for: 400, nodes: ["b", "c"], heal: "reverse" } }]),
        onProgress: (progress) => {
          if (progress._tag === "Over") over.push(progress.touched)
        }
      })
      const pairs = [yield* connect("b"), yield* connect("c")]
      for (const { left, right } of pairs) yield* roundTrip(left, right, "1")
      const texts = () => pairs.map(({ right }) => right.text)
      const running = yield* Effect.forkChild(proxy.run, { startImmediately: true })
      yield* TestClock.adjust(0)
      pairs[0]?.left.socket.write("2")
      yield* meanwhile
      assert.deepStrictEqual(texts(), ["1", "1"])
      yield* TestClock.adjust(200)
      pairs[1]?.left.socket.write("2")
      yield* meanwhile
      assert.deepStrictEqual(texts(), ["1", "1"])
      yield* TestClock.adjust(199)
      yield* pairs[1]!.right.hears("12")
      yield* meanwhile
      assert.deepStrictEqual([texts(), over], [["1", "12"], []])
      yield* TestClock.adjust(1)
      yield* Fiber.join(running)
      yield* Effect.forEach(pairs, ({ right }) => right.hears("12"))
      assert.deepStrictEqual(over, [2])
      for (const { left, right } of pairs) yield* roundTrip(left, right, "3")
    })
  )
})
