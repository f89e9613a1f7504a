import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import * as SendQueue from "../../../src/services/link/SendQueue.ts"
import { firing } from "../../support/Points.ts"

const ignore = (): void => undefined
const limits: SendQueue.Limits = { controlBytes: 10, gossipBytes: 12, bulkBytes: 20, writeBytes: 12 }
const frame = (name: number, length = 4): Uint8Array => new Uint8Array(length).fill(name)
const names = (frames: ReadonlyArray<Uint8Array>): ReadonlyArray<number> => frames.map((it) => it[0]!)

/** Everything that can be taken without waiting. */
const drain = (queue: SendQueue.SendQueue): ReadonlyArray<number> => {
  const taken: Array<number> = []
  while (queue.bytes > 0) taken.push(...names(queue.take()))
  return taken
}

describe("SendQueue", () => {
  it("hands out control before bulk, each in its order", () => {
    const queue = new SendQueue.SendQueue(ignore, limits)
    assert.isTrue(queue.offer(frame(1)))
    assert.isTrue(queue.offer(frame(2)))
    assert.isTrue(queue.control(frame(101)))
    assert.isTrue(queue.control(frame(102)))
    assert.deepStrictEqual(names(queue.take()), [101, 102, 1])
    assert.deepStrictEqual(names(queue.take()), [2])
  })

  it("takes about one write's worth of bulk at once, and one frame however large", () => {
    const queue = new SendQueue.SendQueue(ignore, limits)
    for (let i = 1; i <= 5; i++) queue.offer(frame(i))
    assert.deepStrictEqual(names(queue.take()), [1, 2, 3])
    assert.deepStrictEqual(names(queue.take()), [4, 5])
    queue.offer(frame(6, 1_000))
    assert.deepStrictEqual(names(queue.take()), [6])
    assert.strictEqual(queue.bytes, 0)
  })

  it("takes bulk frame by frame, and none with control, where its point says so", () => {
    const { points } = firing("link.written-frame-by-frame")
    const queue = new SendQueue.SendQueue(ignore, limits, points)
    for (let i = 1; i <= 3; i++) queue.offer(frame(i))
    for (const name of [101, 102]) queue.control(frame(name))
    const writes: Array<ReadonlyArray<number>> = []
    while (queue.bytes > 0) writes.push(names(queue.take()))
    assert.deepStrictEqual(writes, [[101, 102], [1], [2], [3]])
  })

  it("refuses control beyond its bytes, and takes it again after a write", () => {
    const queue = new SendQueue.SendQueue(ignore, limits)
    assert.isTrue(queue.control(frame(1, 10)))
    assert.isFalse(queue.control(frame(2, 1)))
    queue.take()
    assert.isTrue(queue.control(frame(2, 1)))
  })

  it.effect("lets bulk wait for room, and wakes everyone who waits, in their order", () =>
    Effect.gen(function* () {
      const queue = new SendQueue.SendQueue(ignore, limits)
      for (let i = 1; i <= 5; i++) yield* queue.bulk(frame(i))
      const waiting = yield* Effect.forEach([6, 7, 8], (i) =>
        Effect.forkChild(queue.bulk(frame(i)), { startImmediately: true })
      )
      assert.isTrue(waiting.every((fiber) => fiber.pollUnsafe() === undefined))
      assert.deepStrictEqual(drain(queue), [1, 2, 3, 4, 5, 6, 7, 8])
      yield* Fiber.joinAll(waiting)
    })
  )

  it.effect("gives no room to a frame that does not fit, until it does", () =>
    Effect.gen(function* () {
      const queue = new SendQueue.SendQueue(ignore, limits)
      for (let i = 1; i <= 4; i++) yield* queue.bulk(frame(i))
      const large = yield* Effect.forkChild(queue.bulk(frame(9, 18)), { startImmediately: true })
      assert.deepStrictEqual(names(queue.take()), [1, 2, 3])
      assert.isUndefined(large.pollUnsafe())
      assert.deepStrictEqual(names(queue.take()), [4])
      yield* Fiber.join(large)
      assert.deepStrictEqual(names(queue.take()), [9])
    })
  )

  it("tells of everything that is queued, and of the close", () => {
    let told = 0
    const queue = new SendQueue.SendQueue(() => void told++, limits)
    queue.control(frame(1))
    queue.offer(frame(2))
    queue.gossip(frame(3))
    assert.strictEqual(told, 3)
    assert.isFalse(queue.control(frame(4, 8)))
    assert.strictEqual(told, 3)
    queue.close()
    assert.deepStrictEqual([told, queue.closed], [4, true])
  })

  it("makes room for gossip by the oldest of it, and counts what it throws away", () => {
    const queue = new SendQueue.SendQueue(ignore, limits)
    for (let i = 1; i <= 5; i++) queue.gossip(frame(i))
    queue.offer(frame(101))
    queue.control(frame(201))
    assert.strictEqual(queue.dropped, 2)
    assert.deepStrictEqual(names([...queue.take(), ...queue.take()]), [201, 3, 4, 5, 101])
    queue.gossip(frame(6, 1_000))
    queue.gossip(frame(7))
    assert.deepStrictEqual([names(queue.take()), queue.dropped, queue.bytes], [[7], 3, 0])
  })

  it("lets nothing come between the pieces of a frame", () => {
    const queue = new SendQueue.SendQueue(ignore, { ...limits, writeBytes: 1 })
    queue.offer([frame(1, 6), frame(2, 10)])
    queue.offer([frame(3, 2), frame(4, 2)])
    assert.strictEqual(queue.bytes, 20)
    assert.deepStrictEqual(names(queue.take()), [1, 2])
    queue.control(frame(101))
    assert.deepStrictEqual([names(queue.take()), names(queue.take())], [[101], [3, 4]])
  })

  it.effect("takes many bulk frames as room comes, in their order", () =>
    Effect.gen(function* () {
      const queue = new SendQueue.SendQueue(ignore, limits)
      const all = Array.from({ length: 20 }, (_, i) => frame(i + 1))
      const queueing = yield* Effect.forkChild(queue.bulkAll(all), { startImmediately: true })
      const taken: Array<number> = []
      while (taken.length < 20) {
        assert.isAtMost(queue.bytes, limits.bulkBytes)
        taken.push(...names(queue.take()))
        yield* Effect.yieldNow
      }
      yield* Fiber.join(queueing)
      assert.deepStrictEqual(
        taken,
        all.map((it) => it[0])
      )
    })
  )

  it.effect("hands out what waits after the close, the last word behind all of it, and then nothing", () =>
    Effect.gen(function* () {
      const queue = new SendQueue.SendQueue(ignore, limits)
      for (let i = 1; i <= 5; i++) queue.offer(frame(i))
      const late = yield* Effect.forkChild(queue.bulk(frame(6)), { startImmediately: true })
      queue.control(frame(101))
      queue.close(frame(200))
      yield* Fiber.join(late)
      assert.isTrue(queue.control(frame(102)))
      assert.isTrue(queue.offer(frame(7)))
      assert.deepStrictEqual(drain(queue), [101, 1, 2, 3, 4, 5, 200])
      assert.deepStrictEqual(queue.take(), [])
      assert.deepStrictEqual(queue.take(), [])
    })
  )

  it.effect.prop(
    "loses, doubles and swaps no frame, and keeps its bounds, however producers and writer take turns",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 }))).check(Schema.isMaxLength(60))],
    ([sizes]) =>
      Effect.gen(function* () {
        const queue = new SendQueue.SendQueue(ignore, limits)
        const taken: Array<Uint8Array> = []
        const writer = yield* Effect.forkChild(
          Effect.gen(function* () {
            while (!queue.closed || queue.bytes > 0) {
              taken.push(...queue.take())
              yield* Effect.yieldNow
            }
          })
        )
        for (const [i, size] of sizes.entries()) {
          yield* queue.bulk(new Uint8Array(size).fill(i))
          // One frame more than the lane holds, at the most, and that only into an empty lane.
          assert.isAtMost(queue.bytes, Math.max(limits.bulkBytes, size))
        }
        queue.close()
        yield* Fiber.join(writer)
        assert.deepStrictEqual(
          taken.map((it) => [it[0], it.length]),
          sizes.map((size, i) => [i, size])
        )
      })
  )
})
