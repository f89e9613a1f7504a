/**
 * Reads the blocks of a Bitcoin network that have been applied: one by its id, or all of them in their order, as fast as whoever reads
 * wants them. Nothing is queued for a reader: the store is read when it asks.
 */
import { Deferred, Effect, Result, Schema, Stream } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as Block from "../../protocol/bitcoin/Block.ts"
import type { Network } from "../../protocol/bitcoin/Network.ts"
import { BlockStore, type KeptBlock, type StoredBlock } from "../chain/BlockStore.ts"
import { HeaderStore } from "../chain/HeaderStore.ts"

/** What a reader is told of the chain. */
export type Followed =
  | { readonly _tag: "Block"; readonly height: number; readonly block: Block.Block }
  /** Another branch is better: the blocks above this height, which were told, are not on the chain any more. */
  | { readonly _tag: "Left"; readonly above: number }

/** The blocks that a reader wants next are not kept any more. */
export class BlocksPruned extends Schema.TaggedError<BlocksPruned>()("BitcoinBlocksPruned", { height: Schema.Int }) {
  override get message(): string {
    return `block ${this.height} is applied and not kept any more: store the blocks, or read them sooner`
  }
}

/** Blocks that are read at once, and about how many bytes of them. */
const page = { blocks: 64, bytes: 4 * 1024 * 1024 } as const
/** Ids that a reader remembers: a branch that begins deeper is told as if it began there. */
const mostRemembered = 4_032

interface Told {
  readonly height: number
  readonly id: string
}

/** A place of a reader: the newest blocks that it was told, and the height that it has reached. */
interface Place {
  readonly height: number
  readonly told: ReadonlyArray<Told>
}

/** The blocks before the first of which the body was pruned. */
const untilPruned = (found: ReadonlyArray<KeptBlock>): ReadonlyArray<StoredBlock> => {
  const out: Array<StoredBlock> = []
  for (const { body, ...block } of found) {
    if (body === undefined) break
    out.push({ ...block, body })
  }
  return out
}

export const make = Effect.fnUntraced(function* ({ first, name }: Network) {
  const store = yield* BlockStore
  const headers = yield* HeaderStore
  let next = Deferred.makeUnsafe<void>()

  /** A block is stored whole as it came. */
  const decode = ({ body, header }: StoredBlock): Block.Block =>
    Result.getOrThrow(Block.block.decode(Block.payloadOf(header, body)))

  const payload = Effect.fnUntraced(function* (id: string) {
    const height = yield* headers.highest(name, [id])
    // Of the first block nothing but the header is kept.
    if (height === undefined || id === first.id) return undefined
    const [found] = yield* store.above(name, height - 1, 1, 1)
    return found?.id === id && found.body !== undefined ? Block.payloadOf(found.header, found.body) : undefined
  })

  /** The height up to which what was told is still on the chain. */
  const kept = Effect.fnUntraced(function* ({ height, told }: Place) {
    const last = told.at(-1)
    if (last === undefined) return height
    const [found] = yield* store.ids(name, [last.height])
    if (found?.id === last.id) return height
    const there = new Map(
      (yield* store.ids(
        name,
        told.map((one) => one.height)
      )).map((one) => [one.height, one.id])
    )
    const common = told.findLast((one) => there.get(one.height) === one.id)
    return common?.height ?? told[0]!.height - 1
  })

  type Read = readonly [ReadonlyArray<Followed>, Place]

  const look = Effect.fnUntraced(function* (place: Place) {
    const above = yield* kept(place)
    if (above < place.height) {
      const told = place.told.filter(({ height }) => height <= above)
      return [[{ _tag: "Left", above }], { height: above, told }] satisfies Read
    }
    const found = untilPruned(yield* store.above(name, place.height, page.blocks, page.bytes))
    if (found.length === 0) {
      const tip = yield* store.tip(name)
      if (tip !== undefined && tip.height > place.height) return yield* new BlocksPruned({ height: place.height + 1 })
      return undefined
    }
    const blocks = found.map((one): Followed => ({ _tag: "Block", height: one.height, block: decode(one) }))
    const [begin] = blocks
    const last = place.told.at(-1)
    // The chain has changed between the two queries.
    const isNext = begin?._tag !== "Block" || last === undefined || begin.block.header.previous === last.id
    if (!isNext) return [[], place] satisfies Read
    const told = [...place.told, ...found.map(({ height, id }) => ({ height, id }))].slice(-mostRemembered)
    return [blocks, { height: found.at(-1)!.height, told }] satisfies Read
  })

  /** Waits for a block where there is none yet. */
  const read = (place: Place): Effect.Effect<Read, BlocksPruned | SqlError> =>
    Effect.gen(function* () {
      while (true) {
        const changed = next
        const found = yield* look(place)
        if (found !== undefined) return found
        yield* Deferred.await(changed)
      }
    })

  return {
    /** Blocks have been applied. */
    changed: (): void => {
      const before = next
      next = Deferred.makeUnsafe()
      Deferred.doneUnsafe(before, Effect.void)
    },
    /** The message of an applied block that is on the best chain, if its body is here. */
    payload,
    /** The blocks above a height, from the first at the lowest, without end. */
    after: (height: number): Stream.Stream<Followed, BlocksPruned | SqlError> => {
      const begin: Place = { height: Math.max(0, height), told: [] }
      return Stream.unfold(begin, read).pipe(Stream.flattenIterable)
    }
  }
})
