/**
 * Keeps a header whose body nobody gives from standing in the way of a chain: after a while it is held back, so that the chain goes on
 * behind another one, and released when somebody who comes says that he has it.
 */
import { Clock, Effect } from "effect"
import { monotonic } from "../Monotonic.ts"

export interface Policy {
  /** How long a body may be missing while no connected peer says that it has it, and while one does. */
  readonly nowhereMillis: number
  readonly somewhereMillis: number
  /** How long a header is held back at the least that somebody has said to have. */
  readonly againMillis: number
  readonly lookMillis: number
}

export const defaults: Policy = {
  nowhereMillis: 60_000,
  somewhereMillis: 300_000,
  againMillis: 600_000,
  lookMillis: 5_000
}

export interface Options {
  readonly policy: Policy
  /** The first block of the best chain whose body is not here, and whether a connected peer says that it has it. */
  readonly awaited: () => { readonly id: string; readonly isSomewhere: boolean } | undefined
  readonly hold: (id: string) => Effect.Effect<void>
  readonly release: (id: string) => Effect.Effect<void>
}

/** Headers of which it is remembered when they were held back. */
const mostRemembered = 64

export const make = Effect.fnUntraced(function* ({ awaited, hold, policy, release }: Options) {
  const clock = yield* Clock.Clock
  const held = new Map<string, { readonly until: number }>()
  let waits: { readonly id: string; readonly since: number } | undefined

  /** What has been missing for too long. */
  const overdue = (now: number): { readonly id: string; readonly isSomewhere: boolean } | undefined => {
    const first = awaited()
    if (first === undefined || first.id !== waits?.id) {
      waits = first && { id: first.id, since: now }
      return undefined
    }
    const patience = first.isSomewhere ? policy.somewhereMillis : policy.nowhereMillis
    return now - waits.since >= patience ? first : undefined
  }

  const look = Effect.gen(function* () {
    const now = monotonic(clock)
    const late = overdue(now)
    if (late === undefined) return
    held.delete(late.id)
    held.set(late.id, { until: late.isSomewhere ? now + policy.againMillis : now })
    for (const oldest of held.keys()) {
      if (held.size <= mostRemembered) break
      held.delete(oldest)
    }
    yield* Effect.annotateLogs(
      Effect.logWarning("Nobody gives a block of the best chain: its branch is set aside until somebody has it"),
      { block: late.id }
    )
    yield* hold(late.id)
  })

  return {
    run: Effect.forever(Effect.andThen(Effect.sleep(policy.lookMillis), look)),
    /** A peer has come, or says, that it has the block of this header, which is held back. */
    claimed: (id: string): Effect.Effect<void> => {
      const since = held.get(id)
      if (since !== undefined && monotonic(clock) < since.until) return Effect.void
      return release(id)
    }
  }
})
