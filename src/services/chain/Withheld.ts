/**
 * Keeps a header whose body nobody gives from standing in the way of a chain: after a while it is held back, so that the chain goes on
 * behind another one, and released when somebody says that he has it who has not been asked in vain.
 *
 * Who was asked in vain and comes with another session is believed once more: a line that has fallen silent looks like somebody who
 * withholds a block, and is found dead later than that where heartbeats are rare.
 */
import { Clock, Effect } from "effect"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { monotonic } from "../Monotonic.ts"

export interface Policy {
  /** How long a body may be missing while no connected peer says that it has it, and while one does. */
  readonly nowhereMillis: number
  readonly somewhereMillis: number
  /** How long a header is held back at the least though those say anew that they have it who have not given it. */
  readonly againMillis: number
  readonly lookMillis: number
}

export const defaults: Policy = {
  nowhereMillis: 60_000,
  somewhereMillis: 300_000,
  againMillis: 600_000,
  lookMillis: 5_000
}

/** Somebody who says that he has a block, and on which session, by its number in this process. */
export interface Holder {
  readonly peer: NodeKey
  readonly session: number
}

export interface Awaited {
  readonly id: string
  readonly holders: ReadonlyArray<Holder>
}

export interface Options {
  readonly policy: Policy
  /** The first block of the best chain whose body is not here, and the connected peers that say that they have it. */
  readonly awaited: () => Awaited | undefined
  readonly hold: (id: string) => Effect.Effect<void>
  readonly release: (id: string) => Effect.Effect<void>
}

/** Headers of which it is remembered when they were held back. */
const mostRemembered = 64
/** Peers that are remembered of each. */
const mostVain = 256

/** A header that is, or was, held back. */
interface HeldBack {
  readonly until: number
  /** Who has said to have it, and has not given it in time, and on which session that was. */
  readonly vain: Map<NodeKey, Vain>
}

interface Vain {
  readonly session: number
  /** It was so on the session before as well: another one makes no difference. */
  readonly isLast: boolean
}

export const make = Effect.fnUntraced(function* ({ awaited, hold, policy, release }: Options) {
  const clock = yield* Clock.Clock
  const held = new Map<string, HeldBack>()
  let waits: { readonly id: string; readonly since: number } | undefined

  /** What has been missing for too long. */
  const overdue = (now: number): Awaited | undefined => {
    const first = awaited()
    if (first === undefined || first.id !== waits?.id) {
      waits = first && { id: first.id, since: now }
      return undefined
    }
    const patience = first.holders.length > 0 ? policy.somewhereMillis : policy.nowhereMillis
    return now - waits.since >= patience ? first : undefined
  }

  const look = Effect.gen(function* () {
    const now = monotonic(clock)
    const late = overdue(now)
    if (late === undefined) return
    const before = held.get(late.id)
    const vain = new Map(before === undefined || before.until <= now ? [] : before.vain)
    for (const { peer, session } of late.holders) {
      const last = vain.get(peer)
      vain.set(peer, { session, isLast: last !== undefined && (last.isLast || last.session !== session) })
    }
    held.delete(late.id)
    held.set(late.id, { until: now + policy.againMillis, vain: new Map([...vain].slice(-mostVain)) })
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
    /** This peer says that it has the block of this header, which is held back. */
    claimed: (id: string, { peer, session }: Holder): Effect.Effect<void> => {
      const known = held.get(id)
      const vain = known?.vain.get(peer)
      const isVain = vain !== undefined && (vain.isLast || vain.session === session)
      return isVain && known !== undefined && monotonic(clock) < known.until ? Effect.void : release(id)
    }
  }
})
