/**
 * Keeps the lanes of a session open that this node has dialled: opens one after the other, and each again with back-off
 * when it is lost, while the session lives (docs/PROTOCOL.md, 4.7).
 */
import { Clock, Effect, FiberSet, Latch, Random, type Scope } from "effect"
import * as LaneDials from "../../protocol/link/LaneDials.ts"
import { monotonic } from "../Monotonic.ts"
import type { Config } from "./LinkConfig.ts"
import type { DialFailed, Reached } from "./Transport.ts"

/** Dials the same endpoint once more within the limits of dials; nothing if `isDue` says that nobody needs it any more. */
export type Again = (isDue: () => boolean) => Effect.Effect<Reached | undefined, DialFailed, Scope.Scope>

/** Dials one lane and runs it to its end; calls `opened` when it is one. */
export type Dial = (lane: number, opened: () => void) => Effect.Effect<void>

/** Keeps lanes 1 and on of `lanes` until it is interrupted, which ends those that are still open. */
export const keep = Effect.fnUntraced(function* (config: Config, lanes: number, dial: Dial) {
  const clock = yield* Clock.Clock
  const run = yield* FiberSet.makeRuntime<never, void>()
  const changed = Latch.makeUnsafe(false)
  const now = () => monotonic(clock)
  const policy = { ...config.redial, stableMillis: config.heartbeat.stable }
  let state = LaneDials.initial(lanes, now())

  const tell = (event: LaneDials.Event): void => {
    state = LaneDials.step(policy, state, event)
    changed.openUnsafe()
  }

  const attempt = (lane: number) =>
    dial(lane, () => tell({ _tag: "Opened", lane, now: now() })).pipe(
      Effect.catchCause((cause) => Effect.logError("A lane crashed", cause)),
      Effect.andThen(Random.next),
      Effect.map((random) => tell({ _tag: "Ended", lane, now: now(), random }))
    )

  while (true) {
    changed.closeUnsafe()
    const next = LaneDials.next(state, now())
    if (next._tag === "Dial") {
      tell({ _tag: "Dialled", lane: next.lane })
      run(attempt(next.lane))
    } else if (next.millis === undefined) yield* changed.await
    else yield* Effect.timeoutOption(changed.await, next.millis)
  }
}, Effect.scoped)
