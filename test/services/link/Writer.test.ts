import { assert, describe, it } from "@effect/vitest"
import { Effect, FiberSet } from "effect"
import { MaxOpsBeforeYield } from "effect/Scheduler"
import { none } from "../../../src/services/Buggify.ts"
import { Alarms } from "../../../src/services/link/Alarms.ts"
import { ended } from "../../../src/services/link/Ended.ts"
import * as HoldfastWire from "../../../src/services/link/HoldfastWire.ts"
import { defaults } from "../../../src/services/link/LinkConfig.ts"
import { SendQueue } from "../../../src/services/link/SendQueue.ts"
import { Writer } from "../../../src/services/link/Writer.ts"

describe("Writer", () => {
  for (const operations of [5, 6, 7, 8, 12, 16]) {
    it.effect(`forgets no frame, where others have their turn after ${operations} operations`, () =>
      Effect.gen(function* () {
        const written: Array<number> = []
        const fork = yield* FiberSet.makeRuntime<never, void>()
        const queue: SendQueue = new SendQueue(() => writer?.wake(), defaults.queue)
        let drained = 0
        const writer: Writer<Error> | undefined = new Writer<Error>({
          ground: { wire: HoldfastWire.framing, config: defaults, points: none, alarms: yield* Alarms.make, fork },
          queue,
          channel: {
            pull: () => Effect.never,
            write: (chunks) => Effect.sync(() => void written.push(...chunks.map((chunk) => chunk[0]!))),
            end: Effect.void
          },
          describe: (error) => ended("network", error.message),
          drained: () => Effect.sync(() => void drained++),
          failed: (reason) => assert.fail(reason.detail)
        })
        // One frame in each of as many turns as a writer may take for another one.
        for (let i = 0; i < 100; i++) {
          queue.control(Uint8Array.of(i))
          for (let turn = 0; turn < i % 7; turn++) yield* Effect.yieldNow
        }
        queue.close(Uint8Array.of(100))
        for (let turn = 0; turn < 500; turn++) yield* Effect.yieldNow
        assert.deepStrictEqual(
          written,
          Array.from({ length: 101 }, (_, i) => i)
        )
        assert.deepStrictEqual([queue.bytes, drained], [0, 1])
      }).pipe(Effect.provideService(MaxOpsBeforeYield, operations))
    )
  }
})
