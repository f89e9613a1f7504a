/**
 * The headers of one chain as this node knows them: the newest ones in memory, with branches, and the best chain in the store.
 *
 * Whoever changes them has them alone. Reading is possible at any time: the best chain is what is stored, and what peers have just
 * given is known (`get`) a moment before.
 */
import { Effect, Semaphore } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { ChainRules } from "../../protocol/chain/ChainRules.ts"
import type { Linked, Node } from "../../protocol/chain/HeaderTree.ts"
import * as Locator from "../../protocol/chain/Locator.ts"
import { Transactions } from "../Transactions.ts"
import { HeaderStore, type StoredHeader } from "./HeaderStore.ts"
import * as HeaderTurn from "./HeaderTurn.ts"

export interface HeaderChain<H extends Linked, Fault> {
  readonly rules: ChainRules<H, Fault>
  /** The best header that is stored. */
  readonly best: () => Node<H>
  /** The header of this id, if it is among the newest ones. */
  readonly get: (id: string) => Node<H> | undefined
  /** The header that is held back of those up to this one, if one is. */
  readonly heldOf: (id: string) => string | undefined
  /** The last header of the best chain that the branch of this one has. */
  readonly common: (node: Node<H>) => Node<H>
  /**
   * The headers of the best chain behind the one of this id, at most so many, in their order; nothing if that is not on it, or not
   * among the newest ones.
   */
  readonly behind: (id: string, most: number) => ReadonlyArray<Node<H>> | undefined
  /**
   * Runs what changes the chain, one at a time. A transaction is opened inside, never around it: that is a defect, since who is
   * before may wait for the database.
   */
  readonly alone: <A, E, R>(
    change: (turn: HeaderTurn.Turn<H, Fault>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  /**
   * Ids to ask a peer with for what comes after the header of the id `last`, or, if that is not known, after the parent of the best
   * one, so that a peer which has nothing newer still has an answer.
   */
  readonly locator: (last: string | undefined) => Effect.Effect<ReadonlyArray<string>, SqlError>
  /**
   * What a peer that asks is told: at most a page of what comes after the first id that is known, up to `stop`; without ids `stop`
   * alone.
   */
  readonly answer: (question: Question) => Effect.Effect<ReadonlyArray<StoredHeader>, SqlError>
  /** The header at a height of the best chain, if there is one. */
  readonly at: (height: number) => Effect.Effect<H | undefined, SqlError>
  /** Whether the best chain has this one, or the one before it, however deep. */
  readonly isStored: (header: H) => Effect.Effect<boolean, SqlError>
}

export interface Question {
  /** Ids of blocks, the newest first (`Locator.ts`); the first 101 are looked at. */
  readonly locator: ReadonlyArray<string>
  readonly stop?: string
}

/** Ids of a locator that are looked at. BTC's nodes close on more. */
const mostAsked = 101

/** Begins with what is stored, or with the chain's first header. */
export const make = Effect.fnUntraced(function* <H extends Linked, Fault>(rules: ChainRules<H, Fault>) {
  const store = yield* HeaderStore
  const transactions = yield* Transactions
  const turn = yield* HeaderTurn.make(rules)
  const semaphore = yield* Semaphore.make(1)
  const { name, page } = rules

  const locator = Effect.fnUntraced(function* (last: string | undefined) {
    const [tree, saved] = [turn.tree(), turn.saved()]
    const from = last === undefined ? undefined : tree.get(last)
    const heights = Locator.heights(from?.height ?? Math.max(0, saved.height - 1))
    const recent: Array<string> = []
    let at: Node<H> = from ?? saved
    for (const height of heights) {
      const found = tree.ancestor(at, height)
      if (found === undefined) break
      at = found
      recent.push(at.header.id)
    }
    return [...recent, ...(yield* store.ids(name, heights.slice(recent.length)))]
  })

  const answer = Effect.fnUntraced(function* ({ locator, stop }: Question) {
    const isAlone = locator.length === 0
    if (isAlone && stop === undefined) return []
    const asked = isAlone && stop !== undefined ? [stop] : locator.slice(0, mostAsked)
    const known = yield* store.highest(name, asked)
    if (isAlone) return known === undefined ? [] : yield* store.above(name, known - 1, 1)
    const after = yield* store.above(name, known ?? 0, page)
    const end = stop === undefined ? -1 : after.findIndex(({ id }) => id === stop)
    return end < 0 ? after : after.slice(0, end + 1)
  })

  const chain: HeaderChain<H, Fault> = {
    rules,
    best: turn.saved,
    get: (id) => turn.tree().get(id),
    heldOf: (id) => turn.tree().heldOf(id),
    common: (node) => turn.tree().fork(node, turn.saved()),
    behind: (id, most) => {
      const [tree, saved] = [turn.tree(), turn.saved()]
      const from = tree.get(id)
      if (from === undefined || tree.ancestor(saved, from.height) !== from) return undefined
      return tree.between(from, tree.ancestor(saved, from.height + most) ?? saved)
    },
    alone: (change) =>
      Effect.flatMap(transactions.isOpen, (isOpen) =>
        isOpen
          ? Effect.die(new Error(`headers of ${name} are changed alone before a transaction, not inside one`))
          : semaphore.withPermit(Effect.suspend(() => change(turn)))
      ),
    locator,
    answer,
    at: (height) =>
      height < 0
        ? Effect.undefined
        : Effect.map(store.above(name, height - 1, 1), ([header]) => header && HeaderTurn.read(rules, header)),
    isStored: ({ id, previous }) => Effect.map(store.highest(name, [id, previous]), (height) => height !== undefined)
  }
  return chain
})
