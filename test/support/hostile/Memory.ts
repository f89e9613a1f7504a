/**
 * The most memory that this process has held while a test watched, besides what it held before.
 */
import { Effect, type Scope } from "effect"

const mebibyte = 2 ** 20

/** What the collector knows of, and the buffers outside of its heap, in bytes. */
const held = (): number => {
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Looks twenty times a second until the scope closes: gives what the peak is so far, in MiB. */
export const watch: Effect.Effect<() => number, never, Scope.Scope> = Effect.gen(function* () {
  globalThis.gc?.()
  const before = held()
  let most = before
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.andThen(
        Effect.sync(() => {
          most = Math.max(most, held())
        }),
        Effect.sleep(50)
      )
    )
  )
  return () => Math.round((most - before) / mebibyte)
})
