import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { MixedScheduler, Scheduler } from "effect/Scheduler"
import { none } from "../../../src/services/Buggify.ts"
import { Alarms } from "../../../src/services/link/Alarms.ts"
import { ended } from "../../../src/services/link/Ended.ts"
import type { Ground } from "../../../src/services/link/Ground.ts"
import * as HoldfastWire from "../../../src/services/link/HoldfastWire.ts"
import { defaults } from "../../../src/services/link/LinkConfig.ts"
import { SendQueue } from "../../../src/services/link/SendQueue.ts"
import { Writer } from "../../../src/services/link/Writer.ts"
import { skewed } from "../../support/SkewedClock.ts"
import { pass } from "../../support/VirtualTime.ts"

/** A queue that tells when a writer has found nothing in it. */
class Told extends SendQueue {
  onEmpty: () => void = () => undefined
  override take(): ReadonlyArray<Uint8Array> {
    const chunks = super.take()
    if (chunks.length === 0) this.onEmpty()
    return chunks
  }
}

/** Lets everybody else have a turn when it is told to, once. */
class Interrupting extends MixedScheduler {
  armed = false
  override shouldYield(): boolean {
    const yields = this.armed
    this.armed = false
    return yields
  }
}

describe("Writer", () => {
  for (const closes of [false, true]) {
    it.live(`writes what is queued just as it has found nothing more${closes ? ", before it closes" : ""}`, () =>
      Effect.gen(function* () {
        const scheduler = new Interrupting()
        const context = yield* Effect.context<never>()
        const run = Effect.runForkWith(context)
        const fork: Ground["fork"] = (effect) => run(Effect.provideService(effect, Scheduler, scheduler), { scheduler })
        const queue: Told = new Told(() => writer?.wake(), defaults.queue)
        const written: Array<number> = []
        let drainedWith: number | undefined
        const late = Effect.callback<void>((resume) => {
          queue.onEmpty = () => {
            queue.onEmpty = () => undefined
            scheduler.armed = true
            // While the writer waits for its next turn.
            queueMicrotask(() => {
              if (closes) queue.close(Uint8Array.of(2))
              else queue.control(Uint8Array.of(2))
              setImmediate(() => setImmediate(() => resume(Effect.void)))
            })
          }
        })
        const waiting = yield* Effect.forkChild(late, { startImmediately: true })
        const writer: Writer<Error> | undefined = new Writer<Error>({
          ground: { wire: HoldfastWire.framing, config: defaults, points: none, alarms: yield* Alarms.make, fork },
          queue,
          channel: {
            pull: () => Effect.never,
            write: (chunks) => Effect.sync(() => void written.push(...chunks.map((chunk) => chunk[0]!))),
            end: Effect.void
          },
          describe: (error) => ended("network", error.message),
          drained: () => Effect.sync(() => void (drainedWith = queue.bytes)),
          failed: (reason) => assert.fail(reason.detail)
        })
        queue.control(Uint8Array.of(1))
        yield* Fiber.join(waiting)
        for (let turn = 0; turn < 10; turn++) yield* Effect.yieldNow
        assert.deepStrictEqual([written, queue.bytes, drainedWith], [[1, 2], 0, closes ? 0 : undefined])
      }).pipe(Effect.scoped)
    )
  }

  const mebibyte = 1024 * 1024

  /** A channel that takes so many bytes a second, and writes to it what a queue has. */
  const slowly = Effect.fnUntraced(function* (bytesPerSecond: number) {
    const context = yield* Effect.context<never>()
    const run = Effect.runForkWith(context)
    const queue: SendQueue = new SendQueue(() => writer?.wake(), defaults.queue)
    const written: Array<Uint8Array> = []
    const failures: Array<string> = []
    const takes = (chunks: ReadonlyArray<Uint8Array>): Effect.Effect<void> => {
      const size = chunks.reduce((sum, { length }) => sum + length, 0)
      return Effect.map(Effect.sleep((1_000 * size) / bytesPerSecond), () => void written.push(...chunks))
    }
    const writer: Writer<Error> | undefined = new Writer<Error>({
      ground: {
        wire: HoldfastWire.framing,
        config: defaults,
        points: none,
        alarms: yield* Alarms.make,
        fork: (effect) => run(effect)
      },
      queue,
      channel: { pull: () => Effect.never, write: takes, end: Effect.void },
      describe: (error) => ended("network", error.message),
      drained: () => Effect.void,
      failed: ({ detail, reason }) => {
        failures.push(`${reason}: ${detail}`)
        writer?.stop()
      }
    })
    return { queue, written, failures }
  })

  it.effect("keeps a peer that takes large frames slowly", () =>
    Effect.gen(function* () {
      const { failures, queue, written } = yield* slowly(4_000)
      const frames = [1, 2, 3].map((name) => new Uint8Array(name * 300_000).fill(name))
      for (const frame of frames) yield* Effect.forkChild(queue.bulk(frame), { startImmediately: true })
      yield* pass("460 seconds")
      assert.deepStrictEqual([failures, queue.bytes], [[], 0])
      assert.isTrue(Buffer.concat(written).equals(Buffer.concat(frames)))
    }).pipe(Effect.scoped)
  )

  it.effect("gives a peer up that does not take the first portion in time", () =>
    Effect.gen(function* () {
      const { failures, queue, written } = yield* slowly(1_000)
      yield* queue.bulk(new Uint8Array(mebibyte))
      yield* pass(defaults.writeTimeout - 1)
      assert.deepStrictEqual(failures, [])
      yield* pass(1)
      assert.deepStrictEqual([failures, written.length], [["slow: the peer does not take what is written"], 0])
    }).pipe(Effect.scoped)
  )

  it.effect("gives a peer its whole time again after this node stood still, and no more", () =>
    Effect.gen(function* () {
      const clock = yield* skewed
      const { failures, queue, written } = yield* Effect.provideService(slowly(100), Clock.Clock, clock)
      yield* queue.bulk(new Uint8Array(mebibyte))
      yield* pass(defaults.writeTimeout / 2)
      clock.jump(defaults.writeTimeout)
      yield* pass(defaults.writeTimeout - 1)
      assert.deepStrictEqual(failures, [])
      yield* pass(defaults.writeTimeout)
      assert.deepStrictEqual([failures, written.length], [["slow: the peer does not take what is written"], 0])
    }).pipe(Effect.scoped)
  )

  it.effect("lets others have their turn after a quarter of a mebibyte, however fast it is taken", () =>
    Effect.gen(function* () {
      const { queue, written } = yield* slowly(Number.POSITIVE_INFINITY)
      const turns: Array<number> = []
      const sizeOf = () => written.reduce((sum, { length }) => sum + length, 0)
      yield* queue.bulk(new Uint8Array(mebibyte))
      for (let turn = 0; turn < 40; turn++) {
        yield* Effect.yieldNow
        turns.push(sizeOf())
      }
      const steps = turns.map((now, at) => now - (turns[at - 1] ?? 0))
      assert.strictEqual(turns.at(-1), mebibyte)
      assert.isAtMost(Math.max(...steps), 256 * 1024)
    }).pipe(Effect.scoped)
  )
})
