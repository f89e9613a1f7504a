/**
 * Makes blocks part of the chain: their rows, what the program makes of them, and the tip, in one transaction.
 */
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Held } from "../../protocol/chain/BlockWindow.ts"
import type { ChainRules } from "../../protocol/chain/ChainRules.ts"
import type { Linked } from "../../protocol/chain/HeaderTree.ts"
import { DeliveryConfig } from "../delivery/DeliveryConfig.ts"
import { persist } from "../delivery/Persist.ts"
import { Transactions } from "../Transactions.ts"
import { BlockStore, type KeptBlock, type StoredBlock } from "./BlockStore.ts"
import { BlockRefused, type Ledger } from "./Ledger.ts"

/** The block that was applied last. */
export interface Applied {
  readonly id: string
  readonly height: number
}

/** Blocks of a branch that are read at once to be taken back, and about how many bytes of them. */
const leftAtOnce = 256
const leftBytes = 8 * 1024 * 1024

export type Applying<H extends Linked> = Effect.Success<ReturnType<typeof make<H, never>>>

export const make = Effect.fnUntraced(function* <H extends Linked, Fault>(
  rules: ChainRules<H, Fault>,
  ledger: Ledger<H> | undefined
) {
  const store = yield* BlockStore
  const transactions = yield* Transactions
  const config = yield* DeliveryConfig
  const { name } = rules

  const stored = ({ body, header, height }: Held<H>): StoredBlock => ({
    id: header.id,
    height,
    header: rules.encode(header),
    body
  })

  /** What the store gives is what was put there. */
  const held = Effect.fnUntraced(function* ({ body, header, height, id }: KeptBlock) {
    const decoded = rules.decode(header)
    if (decoded === undefined) throw new Error(`the stored header of block ${id} cannot be read`)
    if (body !== undefined) return { header: decoded, height, body }
    return yield* new BlockRefused({ height, id, reason: "it would have to be taken back, and its body was pruned" })
  })

  /** The blocks above a height, which are the branch's that ends there: bounded by how deep a branch may begin. */
  const above = Effect.fnUntraced(function* (height: number) {
    const out: Array<Held<H>> = []
    for (let from = height; ;) {
      const page = yield* store.above(name, from, leftAtOnce, leftBytes)
      const last = page.at(-1)
      if (last === undefined) return out
      out.push(...(yield* Effect.forEach(page, held)))
      from = last.height
    }
  })

  const write = (from: Applied, fork: number, blocks: ReadonlyArray<Held<H>>) =>
    store.replace(name, from.id, fork, blocks.map(stored))

  /** The same with what the program makes of them. */
  const writeWith = (program: Ledger<H>, from: Applied, fork: number, blocks: ReadonlyArray<Held<H>>) =>
    Effect.gen(function* () {
      const tip = yield* store.tip(name)
      // A commit that was unheard: the program has had these.
      if (tip !== undefined && tip.id === blocks.at(-1)?.header.id) return true
      const left = fork >= from.height ? [] : yield* above(fork)
      if (!(yield* write(from, fork, blocks))) return false
      for (const block of left.toReversed()) yield* program.undo(block)
      for (const block of blocks) yield* program.apply(block)
      return true
    })

  /** False, and nothing has changed, if the tip is another than `from`: another process has moved it. */
  const join = (from: Applied, fork: number, blocks: ReadonlyArray<Held<H>>) => {
    if (blocks.length === 0) return Effect.succeed(true)
    return ledger === undefined ? write(from, fork, blocks) : writeWith(ledger, from, fork, blocks)
  }

  // The store has a transaction of its own: one more around it would be two round trips to the database.
  const alone: Transactions["Service"]["within"] = ledger === undefined ? (effect) => effect : transactions.within

  return {
    /** The block that was applied last; the first one is, before anything else. */
    tip: Effect.gen(function* () {
      const tip = yield* store.tip(name)
      if (tip !== undefined) return tip
      const { genesis } = rules
      const first = { header: genesis, height: 0, body: rules.genesisBody }
      // Another process may have begun meanwhile, and be further.
      yield* store.replace(name, undefined, -1, [stored(first)])
      return (yield* store.tip(name)) ?? { id: genesis.id, height: 0 }
    }),
    /** Replaces what is above the height `fork` by these, waiting for the database as long as that takes. */
    replace: (from: Applied, fork: number, blocks: ReadonlyArray<Held<H>>) =>
      alone(join(from, fork, blocks)).pipe(persist("blocks of a chain", config)),
    /** The same, in the transaction that is open. */
    join,
    /** Whether the block at this height of the applied chain is this one. */
    isApplied: (height: number, id: string): Effect.Effect<boolean, SqlError> =>
      Effect.map(store.ids(name, [height]), ([found]) => found?.id === id)
  }
})
