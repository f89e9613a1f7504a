import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { Scheduler } from "effect/Scheduler"
import type { Frame } from "../../../src/protocol/link/Frame.ts"
import { Inbox } from "../../../src/services/link/Inbox.ts"
import { Between } from "../../support/Between.ts"

const frame = (name: number, length = 100): Frame => ({ kind: name, body: new Uint8Array(length) })
const kinds = (frames: ReadonlyArray<Frame>): ReadonlyArray<number> => frames.map(({ kind }) => kind)

describe("Inbox", () => {
  it.effect("gives frames in their order, one or all that are there", () =>
    Effect.gen(function* () {
      const inbox = new Inbox(10_000)
      for (let i = 1; i <= 5; i++) inbox.put(frame(i))
      assert.strictEqual((yield* inbox.take).kind, 1)
      assert.deepStrictEqual(kinds(yield* inbox.takeAll), [2, 3, 4, 5])
      assert.strictEqual(inbox.bytes, 0)
    })
  )

  it.effect("lets the handler wait until it is woken, so that it has all that came together", () =>
    Effect.gen(function* () {
      const inbox = new Inbox(10_000)
      const taking = yield* Effect.forkChild(inbox.takeAll, { startImmediately: true })
      inbox.put(frame(1))
      inbox.put(frame(2))
      assert.isUndefined(taking.pollUnsafe())
      inbox.wake()
      assert.deepStrictEqual(kinds(yield* Fiber.join(taking)), [1, 2])
      const waiting = yield* Effect.forkChild(inbox.take, { startImmediately: true })
      inbox.wake()
      assert.isUndefined(waiting.pollUnsafe())
      inbox.put(frame(3))
      inbox.wake()
      assert.strictEqual((yield* Fiber.join(waiting)).kind, 3)
    })
  )

  it.live("gives what came just as its handler has found nothing, even if that has filled it", () =>
    Effect.gen(function* () {
      const run = Effect.runForkWith(yield* Effect.context<never>())
      for (let nth = 0, hasCome = true; hasCome; nth++) {
        const inbox = new Inbox(1)
        hasCome = false
        const come = () => {
          hasCome = true
          inbox.deliver(frame(1))
        }
        const scheduler = new Between(nth, come)
        const taking = run(Effect.provideService(inbox.take, Scheduler, scheduler), { scheduler })
        for (let turn = 0; turn < 10; turn++) yield* Effect.yieldNow
        assert.strictEqual(taking.pollUnsafe() !== undefined, hasCome, `before operation ${nth}`)
        yield* Fiber.interrupt(taking)
        assert.isTrue(hasCome || nth > 3)
      }
    })
  )

  it.effect("is full by the bytes of its frames, empty ones among them, and has room again when they are taken", () =>
    Effect.gen(function* () {
      const inbox = new Inbox(1_000)
      inbox.put(frame(1, 900))
      assert.isFalse(inbox.full)
      inbox.put(frame(2, 0))
      assert.isTrue(inbox.full)
      const room = yield* Effect.forkChild(inbox.room, { startImmediately: true })
      assert.isUndefined(room.pollUnsafe())
      yield* inbox.take
      yield* Fiber.join(room)
      assert.isFalse(inbox.full)
      yield* inbox.room
    })
  )

  it.effect("keeps no more alive than it counts and one chunk, however little of each chunk waits", () =>
    Effect.gen(function* () {
      const size = 64 * 1024
      const inbox = new Inbox(4 * size)
      for (let i = 0; !inbox.full; i++) {
        const chunk = new Uint8Array(size)
        for (let at = 0; at < i; at++) inbox.put({ kind: 1, body: chunk.subarray(at, at + 1) })
      }
      for (let bytes = inbox.bytes; bytes > 0; bytes = inbox.bytes) {
        assert.isAtMost(bytes, 5 * size)
        yield* inbox.take
        assert.isBelow(inbox.bytes, bytes)
      }
    })
  )

  it.effect("counts a chunk once, and no more when its last frame is taken", () =>
    Effect.gen(function* () {
      const inbox = new Inbox(100_000)
      const [one, other] = [new Uint8Array(10_000), new Uint8Array(20_000)]
      for (const body of [one, one, other, other]) inbox.put({ kind: 1, body: body.subarray(1, 2) })
      const counted = [inbox.bytes]
      for (let i = 0; i < 4; i++) {
        yield* inbox.take
        counted.push(inbox.bytes)
      }
      assert.deepStrictEqual(counted, [30_256, 30_192, 20_128, 20_064, 0])
    })
  )

  it.effect("forgets a handler that no longer waits", () =>
    Effect.gen(function* () {
      const inbox = new Inbox(1_000)
      const first = yield* Effect.forkChild(inbox.take, { startImmediately: true })
      yield* Fiber.interrupt(first)
      inbox.put(frame(1))
      inbox.wake()
      assert.strictEqual((yield* inbox.take).kind, 1)
    })
  )

  it.effect.prop(
    "loses, doubles and swaps nothing, however it is filled and emptied",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_000 })))],
    ([sizes]) =>
      Effect.gen(function* () {
        const inbox = new Inbox(3_000)
        const taken: Array<number> = []
        const handler = yield* Effect.forkChild(
          Effect.gen(function* () {
            while (taken.length < sizes.length) {
              if (taken.length % 3 === 0) taken.push((yield* inbox.take).body.length)
              else for (const { body } of yield* inbox.takeAll) taken.push(body.length)
            }
          })
        )
        for (const size of sizes) {
          inbox.put(frame(1, size))
          if (inbox.full) {
            inbox.wake()
            yield* inbox.room
          }
          assert.isAtMost(inbox.bytes, 3_000)
        }
        inbox.wake()
        yield* Fiber.join(handler)
        assert.deepStrictEqual(taken, [...sizes])
      })
  )
})
