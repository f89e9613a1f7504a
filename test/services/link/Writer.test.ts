import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { MixedScheduler, Scheduler } from "effect/Scheduler"
import { none } from "../../../src/services/Buggify.ts"
import { Alarms } from "../../../src/services/link/Alarms.ts"
import { ended } from "../../../src/services/link/Ended.ts"
import type { Ground } from "../../../src/services/link/Ground.ts"
import * as HoldfastWire from "../../../src/services/link/HoldfastWire.ts"
import { defaults } from "../../../src/services/link/LinkConfig.ts"
import { SendQueue } from "../../../src/services/link/SendQueue.ts"
import { Writer } from "../../../src/services/link/Writer.ts"

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
})
