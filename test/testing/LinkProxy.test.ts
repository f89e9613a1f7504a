import { assert, describe, it } from "@effect/vitest"
import { Effect, Scope } from "effect"
import * as LinkProxy from "../../src/testing/LinkProxy.ts"
import { dial, listen, roundTrip } from "../support/LoopbackEnds.ts"

/** A connection through a proxy of its own, both ends of it. */
const through = Effect.gen(function* () {
  const target = yield* listen
  const proxy = yield* LinkProxy.make({ target: target.endpoint })
  const left = yield* dial(proxy.endpoint)
  const right = yield* target.accept
  return { left, right, proxy, target }
})

describe("a link proxy", () => {
  it.effect("forwards bytes and half-closed ends both ways, and counts", () =>
    Effect.gen(function* () {
      const { left, proxy, right } = yield* through
      yield* roundTrip(left, right, "hello")
      left.socket.end("last words")
      assert.strictEqual(yield* right.ends, "end")
      yield* right.hears("hellolast words")
      right.socket.end("an answer after the end")
      assert.strictEqual(yield* left.ends, "end")
      yield* left.hears("helloan answer after the end")
      assert.deepInclude(proxy.traffic(), { forwarded: 1, refused: 0, bytes: 10 + 10 + 23 })
    })
  )

  it.effect("lets either end speak on after the other has finished", () =>
    Effect.gen(function* () {
      const { left, right } = yield* through
      yield* roundTrip(left, right, "hello")
      right.socket.end("bye")
      assert.strictEqual(yield* left.ends, "end")
      yield* left.hears("hellobye")
      left.socket.end("just one more thing")
      assert.strictEqual(yield* right.ends, "end")
      yield* right.hears("hellojust one more thing")
    })
  )

  it.effect("waits for a reader that is slower than the writer, and loses nothing", () =>
    Effect.gen(function* () {
      const { left, right } = yield* through
      right.socket.pause()
      const text = "x".repeat(8 * 1024 * 1024)
      assert.isFalse(left.socket.write(text))
      left.socket.end()
      right.socket.resume()
      assert.strictEqual(yield* right.ends, "end")
      assert.strictEqual(right.text.length, text.length)
    })
  )

  it.effect("resets what is open and what is dialled while it is cut, and forwards again once healed", () =>
    Effect.gen(function* () {
      const { left, proxy, right, target } = yield* through
      yield* roundTrip(left, right, "before")
      proxy.cut("reset")
      assert.strictEqual(yield* left.ends, "reset")
      assert.strictEqual(yield* right.ends, "reset")
      const refused = yield* dial(proxy.endpoint)
      assert.strictEqual(yield* refused.ends, "reset")
      assert.deepInclude(proxy.traffic(), { open: 0, refused: 1 })
      proxy.heal()
      const again = yield* dial(proxy.endpoint)
      yield* roundTrip(again, yield* target.accept, "after")
    })
  )

  it.effect("lets nothing pass in silence while other lines go on, and everything afterwards, in order", () =>
    Effect.gen(function* () {
      const silent = yield* through
      const other = yield* through
      yield* roundTrip(silent.left, silent.right, "1")
      silent.proxy.cut("silence")
      silent.left.socket.write("2")
      silent.right.socket.write("2")
      for (let turn = 0; turn < 50; turn++) yield* roundTrip(other.left, other.right, "busy")
      assert.strictEqual(silent.right.text, "1")
      assert.strictEqual(silent.left.text, "1")
      silent.left.socket.write("3")
      silent.proxy.heal()
      yield* silent.right.hears("123")
      yield* silent.left.hears("12")
    })
  )

  it.effect("keeps the end of a connection to itself in silence, and a dialler waiting", () =>
    Effect.gen(function* () {
      const silent = yield* through
      const other = yield* through
      silent.proxy.cut("silence")
      silent.left.socket.end("bye")
      const late = yield* dial(silent.proxy.endpoint)
      late.socket.write("is anybody there?")
      for (let turn = 0; turn < 50; turn++) yield* roundTrip(other.left, other.right, "busy")
      assert.strictEqual(silent.right.text, "")
      assert.strictEqual(silent.proxy.traffic().forwarded, 1)
      silent.proxy.heal()
      assert.strictEqual(yield* silent.right.ends, "end")
      yield* silent.right.hears("bye")
      const right = yield* silent.target.accept
      yield* right.hears("is anybody there?")
    })
  )

  it.effect("tells of an end that broke in silence once it is healed", () =>
    Effect.gen(function* () {
      const silent = yield* through
      const other = yield* through
      yield* roundTrip(silent.left, silent.right, "hello")
      silent.right.socket.pause()
      silent.left.socket.write("x".repeat(8 * 1024 * 1024))
      for (let turn = 0; turn < 50; turn++) yield* roundTrip(other.left, other.right, "busy")
      silent.proxy.cut("silence")
      silent.right.socket.resetAndDestroy()
      for (let turn = 0; turn < 50; turn++) yield* roundTrip(other.left, other.right, "busy")
      assert.isFalse(silent.left.socket.destroyed)
      silent.proxy.heal()
      assert.strictEqual(yield* silent.left.ends, "reset")
      assert.strictEqual(silent.proxy.traffic().open, 0)
    })
  )

  it.effect("refuses what it has no target for and what is too much, and follows a new target", () =>
    Effect.gen(function* () {
      const proxy = yield* LinkProxy.make({ maxConnections: 1 })
      assert.strictEqual(yield* (yield* dial(proxy.endpoint)).ends, "reset")
      const [first, second] = [yield* listen, yield* listen]
      proxy.aim(first.endpoint)
      const left = yield* dial(proxy.endpoint)
      yield* roundTrip(left, yield* first.accept, "one")
      assert.strictEqual(yield* (yield* dial(proxy.endpoint)).ends, "reset")
      assert.deepInclude(proxy.traffic(), { open: 1, refused: 2 })
      proxy.aim(second.endpoint)
      proxy.cut("reset")
      proxy.heal()
      yield* roundTrip(yield* dial(proxy.endpoint), yield* second.accept, "two")
    })
  )

  it.effect("passes on that the target refuses", () =>
    Effect.gen(function* () {
      const gone = yield* Effect.scoped(Effect.map(LinkProxy.make(), (proxy) => proxy.endpoint))
      const proxy = yield* LinkProxy.make({ target: gone })
      assert.strictEqual(yield* (yield* dial(proxy.endpoint)).ends, "reset")
    })
  )

  it.effect("ends every connection with its scope", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.Scope
      const target = yield* listen
      const left = yield* Effect.scoped(
        Effect.gen(function* () {
          const proxy = yield* LinkProxy.make({ target: target.endpoint })
          const left = yield* Effect.provideService(dial(proxy.endpoint), Scope.Scope, scope)
          yield* roundTrip(left, yield* target.accept, "hello")
          proxy.cut("silence")
          return left
        })
      )
      assert.strictEqual(yield* left.ends, "reset")
    })
  )
})
