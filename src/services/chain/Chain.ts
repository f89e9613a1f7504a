/**
 * The chain of this node: blocks that every node with the same configuration has, in one order, brought here from whoever has them.
 *
 * Without producers in its configuration anybody who is connected can extend it: hashes show that a block is whole and where it
 * belongs, and nothing about who may have made it. With producers, each header is signed by one of them.
 */
import { Context, Effect, Layer, Result, Stream } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as Block from "../../protocol/chain/Block.ts"
import type { BlockHeader } from "../../protocol/chain/BlockHeader.ts"
import type { ChainSettings } from "../../protocol/chain/Genesis.ts"
import type { ItemRefused } from "../../protocol/chain/ItemPool.ts"
import { NodeChain } from "../link/Beside.ts"
import type { Identity } from "../link/Identity.ts"
import type { Transactions } from "../Transactions.ts"
import type { Applied } from "./Applying.ts"
import { BlockStore } from "./BlockStore.ts"
import type { ChainEvent } from "./ChainEvent.ts"
import { type ChainFigures, figuresOf } from "./ChainFigures.ts"
import { type ChainStatus, statusOf } from "./ChainStatus.ts"
import type { HeaderStore } from "./HeaderStore.ts"
import type { ChainMismatch } from "./HeaderTurn.ts"
import type { Ledger } from "./Ledger.ts"
import * as Native from "./Native.ts"
import type { NotProduced } from "./Producing.ts"
import { type ChainBroken, verify, type Verified } from "./Verifying.ts"

/** A block of the chain with what it is made of; `items` is nothing where they were pruned. */
export interface ChainBlock {
  readonly header: BlockHeader
  readonly items: ReadonlyArray<Uint8Array> | undefined
}

export interface Options<R> {
  readonly settings: ChainSettings
  /** What the program makes of each block, in the transaction in which it becomes part of the chain. */
  readonly ledger?: Ledger<BlockHeader, R> | undefined
  /** Makes blocks when it is this node's turn. Off by default: `produce` makes one. */
  readonly produce?: boolean | undefined
  /** Blocks below the tip whose items are kept, at least 1; all of them without it. */
  readonly keep?: number | undefined
}

export class Chain extends Context.Service<
  Chain,
  {
    readonly settings: ChainSettings
    /** The block that was applied last. */
    readonly tip: () => Applied
    readonly status: () => ChainStatus
    /** The same in numbers, and more of them, for metrics. */
    readonly figures: () => ChainFigures
    /** What happens from now on. A reader that falls behind misses the oldest. */
    readonly events: Stream.Stream<ChainEvent>
    /** Waits for a block that this node makes, in memory: lost with the process, and given back by a reorganisation. */
    readonly submit: (item: Uint8Array) => Effect.Effect<void, ItemRefused>
    /** Makes a block now, of what waits, whoever's turn it is; it is part of the chain and stored when this returns. */
    readonly produce: Effect.Effect<Applied, NotProduced | SqlError>
    /** At most `limit` blocks above a height, in their order, and about 8 MiB of them. */
    readonly blocks: (above: number, limit: number) => Effect.Effect<ReadonlyArray<ChainBlock>, SqlError>
    /** Reads the stored chain from its first block, checks all of it, and tells how far it is. */
    readonly verify: Stream.Stream<Verified, ChainBroken | SqlError>
  }
>()("holdfast/services/chain/Chain") {
  /** The chain, for programs and for the links of the node that is built on it. */
  static readonly layer = <R = never>(
    options: Options<R>
  ): Layer.Layer<Chain, ChainMismatch | SqlError, BlockStore | HeaderStore | Identity | Transactions | R> =>
    Layer.effectContext(make(options))
}

const bytesAtOnce = 8 * 1024 * 1024

const make = Effect.fnUntraced(function* <R>({ keep, ledger, produce, settings }: Options<R>) {
  const context = yield* Effect.context<R>()
  const provided: Ledger<BlockHeader> | undefined = ledger && {
    apply: (block) => Effect.provide(ledger.apply(block), context),
    undo: (block) => Effect.provide(ledger.undo(block), context)
  }
  const native = yield* Native.make({ settings, ledger: provided, keep })
  const { blocks, link, producing, rules, withheld } = native
  const store = yield* BlockStore
  const owned = { startImmediately: true }
  yield* Effect.forkScoped(blocks.run, owned)
  yield* Effect.forkScoped(withheld.run, owned)
  if (produce === true) yield* Effect.forkScoped(producing.run, owned)

  const chain = Chain.of({
    settings,
    tip: blocks.applied,
    status: () => statusOf(settings, native, produce === true),
    figures: () => figuresOf(native),
    events: native.events,
    submit: (item) => Effect.suspend(() => producing.pool.add(item) ?? Effect.void),
    produce: producing.produce(),
    blocks: (above, limit) =>
      Effect.map(store.above(rules.name, above, limit, bytesAtOnce), (found) =>
        found.flatMap(({ body, header }) => {
          const decoded = rules.decode(header)
          const items = body === undefined ? undefined : Result.getOrElse(Block.decode(body), () => [])
          return decoded === undefined ? [] : [{ header: decoded, items }]
        })
      ),
    verify: verify(store, { rules, objection: native.objection })
  })
  return Context.make(Chain, chain).pipe(
    Context.add(NodeChain, {
      kinds: link.kinds,
      join: link.join,
      receive: link.receive,
      claim: () => ({
        id: settings.id,
        genesis: rules.genesis.id,
        tip: blocks.applied().id,
        height: blocks.applied().height
      })
    })
  )
})
