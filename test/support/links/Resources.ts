/**
 * What a process holds: heap, open files, living fibers, and the handles and timers of its event loop.
 */
import { Effect, Metric } from "effect"
import { readdirSync } from "node:fs"
import { setImmediate } from "node:timers/promises"

export interface Resources {
  readonly files: number
  /** Of the work that was `counted`. */
  readonly fibers: number
  /** How many of each kind, as Node names them. */
  readonly handles: Readonly<Record<string, number>>
}

let fibers = 0

/** Counts the fibers of this work, and of all that comes of it, while they live. */
export const counted: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.provideService(
  Metric.FiberRuntimeMetrics,
  {
    recordFiberStart: () => void fibers++,
    recordFiberEnd: () => void fibers--
  }
)

export const resources = (): Resources => {
  const handles: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo().toSorted()) handles[kind] = (handles[kind] ?? 0) + 1
  return { files: readdirSync("/proc/self/fd").length, fibers, handles }
}

/** Bytes of the heap that are in use once garbage is collected; needs --expose-gc. */
export const heap = async (): Promise<number> => {
  if (globalThis.gc === undefined) throw new Error("this program has to run with --expose-gc")
  for (let time = 0; time < 3; time++) {
    globalThis.gc()
    await setImmediate()
  }
  return process.memoryUsage().heapUsed
}

/** How much `values` grow from one to the next, by least squares, and how far that may be off (one sigma). */
export const slope = (values: ReadonlyArray<number>): { readonly each: number; readonly error: number } => {
  const n = values.length
  const middle = (n - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const spread = (n * (n * n - 1)) / 12
  const each = values.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0) / spread
  const rest = values.reduce((sum, value, index) => sum + (value - mean - each * (index - middle)) ** 2, 0)
  return { each, error: Math.sqrt(rest / Math.max(1, n - 2) / spread) }
}
