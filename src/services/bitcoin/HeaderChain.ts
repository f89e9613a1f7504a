/**
 * The headers of one Bitcoin network as this node knows them: the newest ones in memory, with branches, and the best chain in
 * the store.
 */
import { Clock, Effect, Schema } from "effect"
import type { BlockHeader } from "../../protocol/bitcoin/BlockHeader.ts"
import * as Hash from "../../protocol/bitcoin/Hash.ts"
import * as HeaderRules from "../../protocol/bitcoin/HeaderRules.ts"
import * as Headers from "../../protocol/bitcoin/Headers.ts"
import type { Network } from "../../protocol/bitcoin/Network.ts"
import * as ProofOfWork from "../../protocol/bitcoin/ProofOfWork.ts"
import { HeaderTree, type Node } from "../../protocol/chain/HeaderTree.ts"
import * as Locator from "../../protocol/chain/Locator.ts"
import { DeliveryConfig } from "../delivery/DeliveryConfig.ts"
import { persist } from "../delivery/Persist.ts"
import { HeaderStore } from "./HeaderStore.ts"

/** The store has headers of another chain under this network's name. */
export class ChainMismatch extends Schema.TaggedError<ChainMismatch>()("BitcoinChainMismatch", {
  network: Schema.String,
  stored: Schema.String,
  genesis: Schema.String
}) {
  override get message(): string {
    const { genesis, network, stored } = this
    return `the database has headers of ${network} that begin with ${stored}, and ${network} begins with ${genesis}: use another database`
  }
}

/** What has come of headers that were given. */
export interface Taken {
  /** Whether some were not known. */
  readonly isNews: boolean
  /** The place of the last one that was taken. */
  readonly last: Node<BlockHeader>
  /** What is wrong with the one after it. */
  readonly objection: HeaderRules.Objection | undefined
}

/** The best chain has changed; nothing has joined it where another process has changed it. */
export interface Change {
  readonly tip: Node<BlockHeader>
  /** Headers that are not on it any more. */
  readonly left: number
  /** Those that are now, in their order. */
  readonly joined: ReadonlyArray<Node<BlockHeader>>
}

/** Headers kept in memory, and how deep a branch may begin: all that the rules look at, and a month. */
const depth = 2 * HeaderRules.depthNeeded
/** Headers that are kept beside the best chain. */
const mostBeside = 20_000
/** Ids of a locator that are looked at. BTC's nodes close on more. */
const mostAsked = 101

/** `work` of bits, which hardly ever change. */
const workBy = () => {
  let known = { bits: -1, work: 0n }
  return ({ bits }: BlockHeader): bigint => {
    if (bits !== known.bits) known = { bits, work: ProofOfWork.work(bits) }
    return known.work
  }
}

export type HeaderChain = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function* (network: Network) {
  const store = yield* HeaderStore
  const clock = yield* Clock.Clock
  const work = workBy()
  const limits = { depth, mostBeside, prefers: () => false }

  const load = Effect.gen(function* () {
    const [genesis] = yield* store.ids(network.name, [0])
    const first = { header: network.first, height: 0, weight: work(network.first) }
    if (genesis === undefined) yield* store.replace(network.name, undefined, -1, [first])
    else if (genesis !== network.genesis) {
      return yield* new ChainMismatch({ network: network.name, stored: genesis, genesis: network.genesis })
    }
    const [oldest = first, ...newer] = yield* store.tail(network.name, depth)
    const tree = new HeaderTree<BlockHeader>(oldest, limits)
    for (const { header } of newer) tree.add(header, work(header))
    return tree
  })

  let tree = yield* load
  /** The tip that the store has. */
  let saved = tree.best

  const reload = Effect.gen(function* () {
    yield* Effect.logWarning("Another process has changed the stored headers: they are read again")
    tree = yield* load
    saved = tree.best
    const change: Change = { tip: saved, left: 0, joined: [] }
    return change
  })

  /** Writes the best chain, waiting for the database as long as that takes; how it has changed. */
  const save = Effect.gen(function* () {
    const { best } = tree
    if (best === saved) return undefined
    const fork = tree.fork(saved, best)
    const joined = tree.between(fork, best)
    const isSaved = yield* store.replace(network.name, saved.header.id, fork.height, joined)
    const change: Change = { tip: best, left: saved.height - fork.height, joined }
    if (!isSaved) return yield* reload
    saved = best
    return change
  }).pipe(persist("Bitcoin headers", yield* DeliveryConfig))

  return {
    /** The best header that is stored. */
    best: (): Node<BlockHeader> => saved,
    /** The header of this id, if it is among the newest ones. */
    get: (id: string): Node<BlockHeader> | undefined => tree.get(id),
    /** The last header of the best chain that the branch of this one has. */
    common: (node: Node<BlockHeader>): Node<BlockHeader> => tree.fork(node, saved),
    /** Takes headers that follow each other, the first of them one that is known, until one may not come there. */
    take: (headers: ReadonlyArray<BlockHeader>, from: Node<BlockHeader>): Taken => {
      const now = Math.floor(clock.currentTimeMillisUnsafe() / 1_000)
      let isNews = false
      let last = from
      for (const header of headers) {
        const known = tree.get(header.id)
        const objection = known === undefined ? objectionTo(header, last, now) : undefined
        const next = objection === undefined ? tree.add(header, work(header)) : undefined
        if (next === undefined) return { isNews, last, objection }
        isNews ||= known === undefined
        last = next
      }
      return { isNews, last, objection: undefined }
    },
    save,
    /**
     * Ids to ask a peer with for what comes after the header of the id `last`, or, if that is not known, after the parent of the best
     * one, so that a peer which has nothing newer still has an answer.
     */
    locator: Effect.fnUntraced(function* (last: string | undefined) {
      const from = last === undefined ? undefined : tree.get(last)
      const heights = Locator.heights(from?.height ?? Math.max(0, saved.height - 1))
      const recent: Array<string> = []
      let at: Node<BlockHeader> = from ?? saved
      for (const height of heights) {
        const found = tree.ancestor(at, height)
        if (found === undefined) break
        at = found
        recent.push(at.header.id)
      }
      return [...recent, ...(yield* store.ids(network.name, heights.slice(recent.length)))]
    }),
    /** What a peer that asks is told. */
    answer: Effect.fnUntraced(function* ({ locator, stop }: Headers.Question) {
      const isAlone = locator.length === 0
      const asked = isAlone ? [stop] : locator.slice(0, mostAsked)
      const known = yield* store.highest(network.name, asked)
      if (isAlone) return known === undefined ? [] : yield* store.above(network.name, known - 1, 1)
      const after = yield* store.above(network.name, known ?? 0, Headers.mostHeaders)
      const end = stop === Hash.zero ? -1 : after.findIndex(({ id }) => id === stop)
      return end < 0 ? after : after.slice(0, end + 1)
    }),
    /** The header at a height of the best chain, if there is one. */
    at: (height: number) =>
      height < 0 ? Effect.undefined : Effect.map(store.above(network.name, height - 1, 1), ([header]) => header),
    /** Whether the best chain has this one, however deep. */
    isStored: (header: BlockHeader) =>
      Effect.map(store.highest(network.name, [header.id, header.previous]), (height) => height !== undefined)
  }

  function objectionTo(header: BlockHeader, parent: Node<BlockHeader>, now: number) {
    if (!tree.makeRoom(parent))
      return { fault: undefined, detail: `there are ${mostBeside} headers beside the best chain` }
    return HeaderRules.objection(network, tree, parent, header, now)
  }
})
