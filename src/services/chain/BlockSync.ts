/**
 * Brings the blocks of the best chain of headers here, from all peers at once, and applies them in their order.
 *
 * Whether it is at work is no flag but follows from what is missing. One fiber fills the window and applies, so that no two ever
 * do; what peers bring is `Fetching`'s.
 */
import { Effect, Latch, Semaphore } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Held } from "../../protocol/chain/BlockWindow.ts"
import type { ChainRules } from "../../protocol/chain/ChainRules.ts"
import type { Linked } from "../../protocol/chain/HeaderTree.ts"
import { DeliveryConfig } from "../delivery/DeliveryConfig.ts"
import { persist } from "../delivery/Persist.ts"
import * as Applying from "./Applying.ts"
import { Transactions } from "../Transactions.ts"
import { BlockStore } from "./BlockStore.ts"
import { type BodyPeer, Fetching, type Options as FetchingOptions } from "./Fetching.ts"
import type { HeaderChain } from "./HeaderChain.ts"
import type { BlockRefused, Ledger } from "./Ledger.ts"
import * as NextBlocks from "./NextBlocks.ts"
import { Progress } from "./Progress.ts"
import * as ReadyBlocks from "./ReadyBlocks.ts"

export interface Options<H extends Linked, Fault> extends FetchingOptions<H> {
  readonly rules: ChainRules<H, Fault>
  readonly chain: HeaderChain<H, Fault>
  readonly ledger: Ledger<H> | undefined
  /** Blocks above which bodies are kept, counted from the tip; all of them without it. */
  readonly keep: number | undefined
}

/** How long the chain stands before a block that the program refuses, in milliseconds. */
const refusedMillis = 30_000
/** Bodies that are taken away at once. */
const prunedAtOnce = 256
/** False, and nothing has changed, if the tip is another one meanwhile. */
export type Join<H extends Linked> = (block: Held<H>) => Effect.Effect<boolean, BlockRefused | SqlError>

export type BlockSync<H extends Linked, Fault> = Effect.Success<ReturnType<typeof make<H, Fault>>>

export const make = Effect.fnUntraced(function* <H extends Linked, Fault>(options: Options<H, Fault>) {
  const { alarms, chain, policy, rules, tell } = options
  const { name } = rules
  const blocks = yield* BlockStore
  const config = yield* DeliveryConfig
  const transactions = yield* Transactions
  const applying = yield* Applying.make(rules, options.ledger)
  const nextBlocks = yield* NextBlocks.make(chain, applying, policy.window)
  const fetching = new Fetching(options)
  const { window } = fetching
  const ready = ReadyBlocks.make(policy, chain, window)
  const progress = new Progress()
  const work = Latch.makeUnsafe(true)
  /** Whoever applies does so alone. */
  const turn = yield* Semaphore.make(1)
  let applied = yield* applying.tip
  /** The last block that is both applied and on the best chain: the window begins above it. */
  let base = applied.height
  /** The best chain is another than the one that the window was filled from. */
  let isStale = true
  let isBehind = false
  /** The block that the program has refused last, until another one is applied. */
  let stands: { readonly height: number; readonly id: string; readonly reason: string } | undefined
  /** A block that was refused, behind others that were to be applied with it. */
  let refusedAt = 0

  /** The tip may be another one than is known: a commit was unheard, or another process has moved it. */
  const readTip = Effect.gen(function* () {
    const tip = yield* applying.tip.pipe(persist("blocks of a chain", config))
    if (tip.id === applied.id) return
    const joined = Math.max(0, tip.height - applied.height)
    applied = tip
    tell({ _tag: "Tip", height: tip.height, id: tip.id, left: 0, joined })
    noteCaughtUp()
  })

  const refill = Effect.gen(function* () {
    isStale = false
    yield* readTip
    const found = yield* nextBlocks(applied)
    if (found === undefined) {
      isStale = true
      return
    }
    base = found.base
    fetching.fill(base + 1, found.wanted)
  }).pipe(Effect.onError(() => Effect.sync(() => void (isStale = true))))

  /** Whether the best chain goes on behind the window, and the window is half empty. */
  const isLow = (): boolean => window.size < policy.window / 2 && chain.best().height > (window.last?.height ?? base)

  const apply = Effect.fnUntraced(function* (run: ReadonlyArray<Held<H>>) {
    const last = run.at(-1)!
    const left = applied.height - base
    const isDone = yield* applying.replace(applied, base, run)
    if (!isDone) {
      yield* Effect.logWarning("Another process has changed the stored blocks: they are read again")
      isStale = true
      return
    }
    if (left > 0) tell({ _tag: "Reorganised", fork: base, left, joined: run.length })
    moved({ id: last.header.id, height: last.height }, left, run.length)
    yield* prune
  })

  /** The tip is another one. */
  const moved = (to: Applying.Applied, left: number, joined: number): void => {
    applied = to
    base = to.height
    stands = undefined
    if (to.height >= refusedAt) refusedAt = 0
    fetching.applied(to.height, joined)
    progress.applied(joined, alarms.now)
    tell({ _tag: "Tip", height: to.height, id: to.id, left, joined })
    noteCaughtUp()
  }

  const noteCaughtUp = (): void => {
    const behind = applied.id !== chain.best().header.id
    if (isBehind && !behind) tell({ _tag: "CaughtUp", height: applied.height, id: applied.id })
    isBehind = behind
  }

  const prune = Effect.suspend(() => {
    const { keep } = options
    return keep === undefined || applied.height <= keep
      ? Effect.void
      : Effect.asVoid(blocks.prune(name, applied.height - keep, prunedAtOnce))
  })

  /** Goes up to the block that is refused; there it waits. */
  const refused = Effect.fnUntraced(function* ({ height, id, message, reason }: BlockRefused) {
    if (base === applied.height && height > base + 1) {
      refusedAt = height
      return 0
    }
    stands = { height, id, reason }
    work.closeUnsafe()
    yield* Effect.logError("The chain stands before a block that is refused", message)
    tell({ _tag: "Refused", height, id, reason })
    return refusedMillis
  })

  const failed = (error: unknown) => {
    work.closeUnsafe()
    return Effect.as(Effect.logError("Blocks could not be applied", error), config.databaseRetry.longest)
  }

  /** Fills the window and applies what is ready; for how long to wait then. */
  const round = Effect.gen(function* () {
    if (isStale || isLow()) yield* refill
    if (isStale) return 0
    const run = ready({ applied, base, refusedAt })
    if (run.length > 0) yield* apply(run)
    // Meanwhile the chain may have changed.
    else if (!isStale) work.closeUnsafe()
    return 0
  }).pipe(Effect.catchTags({ BlockRefused: refused, SqlError: failed }), Effect.catchDefect(failed))

  const rounds = Effect.gen(function* () {
    yield* work.await
    // What wakes is the first of those that have come together: a transaction is for all of them.
    yield* Effect.yieldNow
    const wait = yield* turn.withPermit(round)
    if (wait === 0) return
    yield* Effect.timeoutOption(work.await, wait)
    work.openUnsafe()
  })

  return {
    /** Applies what comes, for ever. */
    run: Effect.forever(rounds, { disableYield: true }),
    /** The block that was applied last. */
    applied: (): Applying.Applied => applied,
    /** Whether blocks of the best chain are not applied yet. */
    isBehind: (): boolean => applied.id !== chain.best().header.id,
    /** Whether a body of this block would be kept. */
    wants: (id: string): boolean => window.get(id) !== undefined && !window.has(id),
    /**
     * The best chain of headers has changed above the height `fork`. Peers are known to have of it only what both have in common, until
     * they are raised again, from now on.
     */
    changed: (fork: number): void => {
      fetching.lower(fork)
      isStale = true
      noteCaughtUp()
      work.openUnsafe()
    },
    /**
     * Runs what applies a block of this node's own behind the tip, while nothing else is applied; `join` does so in the transaction
     * that is open, and says false if another process has moved the tip. It counts once the whole has succeeded.
     */
    extending: <A, E, R>(produce: (tip: Applying.Applied, join: Join<H>) => Effect.Effect<A, E, R>) =>
      turn.withPermit(
        Effect.gen(function* () {
          const from = applied
          const made = yield* produce(from, (block) =>
            Effect.tap(applying.join(from, from.height, [block]), (isDone) =>
              isDone
                ? transactions.afterCommit(
                    Effect.sync(() => {
                      isStale = true
                      moved({ id: block.header.id, height: block.height }, 0, 1)
                      work.openUnsafe()
                    })
                  )
                : Effect.void
            )
          )
          yield* Effect.catch(prune, (error) => Effect.logWarning("Bodies could not be pruned", error))
          return made
        })
      ),
    joined: (peer: BodyPeer, height: number): void => fetching.joined(peer, height),
    left: (id: number): void => fetching.left(id),
    raise: (id: number, height: number): void => fetching.raise(id, height, !isStale),
    got: (from: number, id: string, body: Uint8Array): void => {
      // Another branch is gone over to at once, whatever its last body was.
      if (fetching.got(from, id, body) && (base < applied.height || window.next?.header.id === id)) work.openUnsafe()
    },
    missing: (from: number, id: string): void => fetching.missing(from, id),
    offer: (id: string, body: Uint8Array): void => {
      if (fetching.offer(id, body)) work.openUnsafe()
    },
    /** The first block of the best chain whose body is not here, and the peers that say that they have it, by number. */
    awaited: (): { readonly id: string; readonly holders: ReadonlyArray<number> } | undefined => {
      const { missing } = window
      return missing && { id: missing.header.id, holders: fetching.holders(missing.height) }
    },
    /** Bodies of the blocks that are here. */
    bodies: (ids: ReadonlyArray<string>, mostBytes: number) => blocks.bodies(name, ids, mostBytes),
    status: () => ({
      applied,
      /** The last block that is both applied and on the best chain. */
      base,
      refused: stands,
      held: window.held,
      heldBytes: window.bytes,
      perSecond: progress.perSecond(alarms.now),
      ...fetching.counts
    })
  }
})
