/**
 * Thousands of connections that come, become sessions and go: the heap stays as it is, and no file, fiber, timer or
 * handle is left.
 */
import { Effect } from "effect"
import * as assert from "node:assert/strict"
import { isDeepStrictEqual } from "node:util"
import * as End from "../../../bench/End.ts"
import type { Functions } from "./ChurnEnd.ts"
import { type Resources, slope } from "./Resources.ts"

export interface Options {
  readonly cycles: number
  /** Cycles before the first look: until every bounded memory of a node is full, and all code as fast as it gets. */
  readonly warmUp: number
}

export interface Figures {
  readonly cycles: number
  /** Growth of the heap in 10,000 cycles, and one sigma of it, in MiB. */
  readonly growth: number
  readonly uncertainty: number
  /** The heap at the first look and at the last, in MiB. */
  readonly heap: readonly [number, number]
  readonly before: Resources
  readonly after: Resources
  readonly millisEach: number
}

/** Cycles between two looks at the heap. */
const step = 40
const mebi = 2 ** 20

/** How long what is closing may take to be gone, in milliseconds, and how often one looks. */
const patience = 120_000
const every = 100

/** What there is once nothing of it changes any more for longer than a connection lingers. */
const settled = Effect.fnUntraced(function* (look: Effect.Effect<Resources>) {
  let last = yield* look
  for (let same = 0, waited = 0; same < 20 && waited < patience; same++, waited += every) {
    yield* Effect.sleep(every)
    const next = yield* look
    if (!isDeepStrictEqual(last, next)) same = -1
    last = next
  }
  return last
})

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000

export const run = Effect.fnUntraced(function* ({ cycles, warmUp }: Options) {
  const end = yield* Effect.acquireRelease(
    Effect.sync(() => new End.End<Functions>(new URL("ChurnEnd.ts", import.meta.url))),
    (end) => Effect.promise(() => end.stop())
  )
  const resources = Effect.promise(() => end.call("resources", undefined))
  yield* Effect.promise(() => end.call("cycles", warmUp))
  const before = yield* settled(resources)
  const heaps: Array<number> = []
  const begun = performance.now()
  for (let done = 0; done < cycles; done += step) heaps.push(yield* Effect.promise(() => end.call("cycles", step)))
  const millisEach = rounded((performance.now() - begun) / cycles)
  let after = yield* resources
  for (let waited = 0; waited < patience && !isDeepStrictEqual(before, after); waited += every) {
    yield* Effect.sleep(every)
    after = yield* resources
  }
  assert.equal(yield* Effect.promise(() => end.call("sessions", undefined)), 0)
  const { each, error } = slope(heaps)
  const perTenThousand = 10_000 / step / mebi
  const figures: Figures = {
    cycles,
    growth: rounded(each * perTenThousand),
    uncertainty: rounded(error * perTenThousand),
    heap: [rounded(heaps[0]! / mebi), rounded(heaps.at(-1)! / mebi)],
    before,
    after,
    millisEach
  }
  return figures
}, Effect.scoped)
