/**
 * Makes blocks: of what waits, behind the tip, when it is this node's turn or when a program asks for it. A block that this returns is
 * stored with its header and with what the program makes of it, in one transaction, before anybody is told of it.
 */
import { Clock, Effect, Latch, Schema } from "effect"
import * as Block from "../../protocol/chain/Block.ts"
import type { Held } from "../../protocol/chain/BlockWindow.ts"
import * as BlockHeader from "../../protocol/chain/BlockHeader.ts"
import * as Genesis from "../../protocol/chain/Genesis.ts"
import { ItemPool } from "../../protocol/chain/ItemPool.ts"
import { weightOf } from "../../protocol/chain/NativeRules.ts"
import * as Production from "../../protocol/chain/Production.ts"
import type { Identity } from "../link/Identity.ts"
import { Transactions } from "../Transactions.ts"
import type { Join } from "./BlockSync.ts"
import type { NativeBlocks, NativeChain, NativeHeaders } from "./NativeParts.ts"

/** No block was made. */
export class NotProduced extends Schema.TaggedError<NotProduced>()("ChainNotProduced", { problem: Schema.String }) {
  override get message(): string {
    return `no block was made: ${this.problem}`
  }
}

export interface Options {
  readonly settings: Genesis.ChainSettings
  readonly identity: Identity["Service"]
  readonly chain: NativeChain
  readonly headers: NativeHeaders
  readonly blocks: NativeBlocks
  /** Connected peers that have not said yet whether they have more blocks. */
  readonly unanswered: () => number
  /** A block of this node is part of the chain. */
  readonly produced: (header: BlockHeader.BlockHeader, body: Uint8Array) => void
}

/** Milliseconds between blocks where the configuration says nothing. */
const defaultInterval = 5_000
/** What may wait for a block. */
const poolItems = 10_000
const poolBytes = 32 * 1024 * 1024
/** Blocks of this node whose items are given back if they are taken back. */
const mostOwn = 100
/** Bytes of an item in a body beside its own. */
const overhead = 4
/** The longest time after which it is looked whether a block is due. */
const lookAgain = 1_000

const stranger = "this node is none of the chain's producers"
const behind = "this node is far behind"

type Made = Held<BlockHeader.BlockHeader>

export type Producing = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function* (options: Options) {
  const { blocks, chain, headers, identity, settings } = options
  const clock = yield* Clock.Clock
  const transactions = yield* Transactions
  const { producers } = settings
  const place = producers?.indexOf(identity.key) ?? 0
  const interval = settings.intervalMillis ?? defaultInterval
  const changed = Latch.makeUnsafe(false)
  const largest = Genesis.maxBlockBytes(settings)
  const pool = new ItemPool({ items: poolItems, bytes: poolBytes, block: largest - overhead, overhead })

  /** The newest blocks that this node has made. */
  let own: Array<Made & { readonly items: ReadonlyArray<Uint8Array> }> = []

  const fieldsOf = (parent: BlockHeader.BlockHeader, body: Uint8Array): BlockHeader.Fields => {
    const height = parent.height + 1
    return {
      height,
      previous: parent.id,
      payload: Block.payloadOf(body),
      time: Math.max(parent.time + 1, clock.currentTimeMillisUnsafe()),
      producer: identity.key,
      weight: producers === undefined ? 1 : weightOf(producers, height, identity.key)
    }
  }

  /** A block behind this one, of what waits. */
  const make = (parent: BlockHeader.BlockHeader, items: ReadonlyArray<Uint8Array>): Made => {
    const body = Block.encode(items)
    const fields = fieldsOf(parent, body)
    const header = producers === undefined ? BlockHeader.identified(fields) : BlockHeader.signed(fields, identity.sign)
    return { header, height: header.height, body }
  }

  /** The header, the block and what the program makes of it become true together. */
  const store = (made: Made, join: Join<BlockHeader.BlockHeader>, committed: () => void) =>
    headers.extending((extend) =>
      transactions.within(
        Effect.gen(function* () {
          yield* extend(made.header)
          if (!(yield* join(made))) {
            return yield* new NotProduced({ problem: "another process has moved the tip of the chain" })
          }
          yield* transactions.afterCommit(Effect.sync(committed))
        })
      )
    )

  const produce = Effect.fn("Chain.produce")(
    function* () {
      if (place < 0) return yield* new NotProduced({ problem: stranger })
      return yield* blocks.extending(
        Effect.fnUntraced(function* (tip, join) {
          const parent = chain.get(tip.id)
          if (parent === undefined) return yield* new NotProduced({ problem: behind })
          const items = pool.next
          const made = make(parent.header, items)
          yield* store(made, join, () => {
            pool.taken(items)
            own.push({ ...made, items })
            if (own.length > mostOwn) own.shift()
            options.produced(made.header, made.body)
          })
          return { id: made.header.id, height: made.height }
        })
      )
    },
    Effect.catchTags({
      ChainMoved: ({ message }) => Effect.fail(new NotProduced({ problem: message })),
      HeaderRefused: ({ message }) => Effect.fail(new NotProduced({ problem: message })),
      BlockRefused: ({ message }) => Effect.fail(new NotProduced({ problem: message }))
    })
  )

  /** The chain is another one above this height: what this node's blocks there were made of waits again. */
  const reorganised = (fork: number): void => {
    const isThere = ({ header, height }: Made): boolean => {
      const node = chain.get(header.id)
      return height <= fork || (node !== undefined && chain.common(node) === node)
    }
    const lost = own.filter((made) => !isThere(made))
    pool.returned(lost.flatMap(({ items }) => items))
    own = own.filter(isThere)
  }

  const decide = (): Production.Decision => {
    const tip = chain.get(blocks.applied().id)
    if (place < 0) return { _tag: "Wait", why: stranger }
    if (tip === undefined) return { _tag: "Wait", why: behind }
    return Production.decide({
      tip: { height: tip.height, time: tip.header.time },
      place,
      producers: producers?.length ?? 1,
      interval,
      behind: chain.best() === tip ? 0 : Math.max(1, chain.best().height - tip.height),
      unanswered: options.unanswered()
    })
  }

  const round = Effect.gen(function* () {
    changed.closeUnsafe()
    const decision = decide()
    const wait = decision._tag === "At" ? decision.time - clock.currentTimeMillisUnsafe() : lookAgain
    if (wait > 0) yield* Effect.timeoutOption(changed.await, Math.min(wait, lookAgain))
    else yield* produce()
  }).pipe(
    Effect.catch((error) =>
      Effect.andThen(Effect.logWarning("A block could not be made", error.message), Effect.sleep(lookAgain))
    )
  )

  return {
    produce,
    reorganised,
    decide,
    pool,
    /** The chain has changed: somebody else's turn may be this node's now. */
    changed: (): void => void changed.openUnsafe(),
    run: Effect.forever(round)
  }
})
