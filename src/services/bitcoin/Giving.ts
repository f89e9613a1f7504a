/**
 * Gives peers the blocks that they ask for, where this node was told where to find them: whole, or as a light client wants them, with
 * what its filter matches.
 */
import { Effect, Result } from "effect"
import * as Block from "../../protocol/bitcoin/Block.ts"
import { add, BloomFilter, load } from "../../protocol/bitcoin/BloomFilter.ts"
import * as Command from "../../protocol/bitcoin/Command.ts"
import * as Headers from "../../protocol/bitcoin/Headers.ts"
import * as Inventory from "../../protocol/bitcoin/Inventory.ts"
import * as MerkleBlock from "../../protocol/bitcoin/MerkleBlock.ts"
import * as Transaction from "../../protocol/bitcoin/Transaction.ts"
import { Service } from "../../protocol/bitcoin/Version.ts"
import type { Frame } from "../../protocol/link/Frame.ts"
import type { BlockDownload } from "./BlockDownload.ts"
import type { Config } from "./Config.ts"
import type { BitcoinChain } from "./BitcoinChain.ts"
import type { BitcoinPeer } from "./Peer.ts"

export interface Options {
  readonly config: () => Config
  readonly chain: BitcoinChain
  /** Blocks that are stored, if they are. */
  readonly stored: Pick<BlockDownload, "applied" | "payload"> | undefined
}

/** The message of the block of an id, if it is there. */
type Find = (id: string) => Effect.Effect<Uint8Array | undefined>

/** Ids of one answer to `getblocks`. */
const mostIds = 500

const kinds = {
  getblocks: Command.kindOf("getblocks"),
  getdata: Command.kindOf("getdata"),
  load: Command.kindOf("filterload"),
  add: Command.kindOf("filteradd"),
  clear: Command.kindOf("filterclear")
} as const

export type Giving = ReturnType<typeof make>

export const make = ({ chain, config, stored }: Options) => {
  const filters = new Map<number, BloomFilter>()
  /** The last id of a full answer: behind that block the tip is told, so that the peer asks on. */
  const lasts = new Map<number, string>()

  /** Where blocks are found, if they are given at all. */
  const source = (): Find | undefined => {
    const { blocks, sync } = config()
    if (blocks !== undefined) return (id) => Effect.map(blocks(id), (found) => found && Block.block.encode(found))
    if (stored === undefined || sync?.store !== true) return undefined
    return (id) =>
      Effect.catch(stored.payload(id), (error) =>
        Effect.as(Effect.logWarning("The stored blocks cannot be read", error), undefined)
      )
  }

  /** The greatest height of a block that is there. */
  const top = (): number => (config().blocks === undefined ? stored?.applied().height : undefined) ?? Infinity

  const tell = (peer: BitcoinPeer, ids: ReadonlyArray<string>) =>
    peer.send("inv", Inventory.inv.encode(ids.map((id) => ({ kind: Inventory.Kind.block, id }))))

  const asked = Effect.fnUntraced(
    function* (peer: BitcoinPeer, body: Uint8Array) {
      const question = Headers.getblocks.decode(body)
      if (Result.isFailure(question)) return peer.charge("payload-malformed", question.failure.message)
      const found = (yield* chain.answer(question.success)).filter(({ height }) => height <= top())
      const ids = found.slice(0, mostIds).map(({ id }) => id)
      const last = ids.at(-1)
      if (last === undefined) return
      if (ids.length === mostIds) lasts.set(peer.connection.id, last)
      yield* tell(peer, ids)
    },
    Effect.catch((error) => Effect.logWarning("The stored headers cannot be read", error))
  )

  /** A block as a light client wants it; nothing if it has said no filter. */
  const giveFiltered = Effect.fnUntraced(function* (peer: BitcoinPeer, payload: Uint8Array) {
    const filter = filters.get(peer.connection.id)
    if (filter === undefined) return
    const block = Result.getOrThrow(Block.block.decode(payload))
    const ids = block.transactions.map(Transaction.idOf)
    const isProven = block.transactions.map((transaction, at) => filter.matches(transaction, ids[at]!))
    yield* peer.send("merkleblock", MerkleBlock.merkleblock.encode(MerkleBlock.prove(block, ids, isProven)))
    for (const [at, transaction] of block.transactions.entries()) {
      if (isProven[at] === true) yield* peer.send("tx", Transaction.tx.encode(transaction))
    }
  })

  /** Whether there was such a block. */
  const give = Effect.fnUntraced(function* (peer: BitcoinPeer, { id, kind }: Inventory.Item, find: Find) {
    const payload = yield* find(id)
    if (payload === undefined) return false
    if (kind === Inventory.Kind.block) yield* peer.send("block", payload)
    else yield* giveFiltered(peer, payload)
    if (lasts.get(peer.connection.id) !== id) return true
    lasts.delete(peer.connection.id)
    yield* tell(peer, [stored?.applied().id ?? chain.best().header.id])
    return true
  })

  const wanted = Effect.fnUntraced(function* (peer: BitcoinPeer, body: Uint8Array, find: Find) {
    const items = Inventory.getdata.decode(body)
    if (Result.isFailure(items)) return peer.charge("payload-malformed", items.failure.message)
    const missing: Array<Inventory.Item> = []
    for (const item of items.success) {
      if (item.kind !== Inventory.Kind.block && item.kind !== Inventory.Kind.filteredBlock) continue
      if (!peer.isConnected) return
      if (!(yield* give(peer, item, find))) missing.push(item)
    }
    if (missing.length > 0) yield* peer.send("notfound", Inventory.notfound.encode(missing))
  })

  /** Filters are for who was told that there are some. */
  const filtered = (peer: BitcoinPeer, { body, kind }: Frame): void => {
    const { id } = peer.connection
    if ((config().services & Service.bloom) === 0n)
      return peer.charge("filter-unasked", "it sends filters to a node without")
    if (kind === kinds.clear) return void filters.delete(id)
    const done =
      kind === kinds.load
        ? Result.map(load.decode(body), (loaded) => void filters.set(id, new BloomFilter(loaded)))
        : Result.map(add.decode(body), (element) => filters.get(id)?.add(element))
    if (Result.isFailure(done)) peer.charge("filter-unasked", done.failure.message)
  }

  return {
    /** What has to be waited for before the next message, if it is one that asks for blocks. */
    received: (peer: BitcoinPeer, frame: Frame): Effect.Effect<void> | undefined => {
      const { body, kind } = frame
      if (kind === kinds.load || kind === kinds.add || kind === kinds.clear) return void filtered(peer, frame)
      const find = source()
      if (find === undefined) return undefined
      if (kind === kinds.getblocks) return asked(peer, body)
      return kind === kinds.getdata ? wanted(peer, body, find) : undefined
    },
    ended: ({ connection: { id } }: BitcoinPeer): void => {
      filters.delete(id)
      lasts.delete(id)
    }
  }
}
