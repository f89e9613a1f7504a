/**
 * A whole node with a chain, on a network and a database in memory, for tests in virtual time.
 */
import { Context, Effect, Layer, Schema, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import { MemoryDatabase } from "../../src/layers/MemoryDatabase.ts"
import * as StoresMemory from "../../src/layers/StoresMemory.ts"
import type { ChainSettings } from "../../src/protocol/chain/Genesis.ts"
import type { BlockHeader } from "../../src/protocol/chain/BlockHeader.ts"
import { BlockStore } from "../../src/services/chain/BlockStore.ts"
import { Chain } from "../../src/services/chain/Chain.ts"
import type { ChainEvent } from "../../src/services/chain/ChainEvent.ts"
import { HeaderStore } from "../../src/services/chain/HeaderStore.ts"
import type { Ledger } from "../../src/services/chain/Ledger.ts"
import * as LinkConfig from "../../src/services/link/LinkConfig.ts"
import * as Protocol from "../../src/services/delivery/Protocol.ts"
import { Registry } from "../../src/services/link/Registry.ts"
import { Supervisor } from "../../src/services/link/Supervisor.ts"
import { Node } from "../../src/services/Node.ts"
import type { MemoryNetwork } from "../../src/testing/TransportMemory.ts"
import { hostOf, keyOf } from "./LinkNode.ts"
import { settle } from "./VirtualTime.ts"

const Silence = Protocol.make("silence", { messages: Schema.String, handle: () => Effect.void })

export interface Options {
  readonly network: MemoryNetwork
  readonly seed: number
  readonly settings: ChainSettings
  /** A new one without it. */
  readonly database?: MemoryDatabase["Service"]
  readonly ledger?: Ledger<BlockHeader>
  readonly produce?: boolean
  readonly keep?: number
  /** Its stored blocks are looked up as late as on a server: others get many turns before the answer. */
  readonly answersLate?: boolean
  /** It gives nobody a block. */
  readonly withholds?: boolean
  /** What the writing of headers above a height waits for. */
  readonly beforeHeaders?: (height: number) => Effect.Effect<void>
}

/** A chain that anybody extends. */
export const open: ChainSettings = { id: "open", time: 0 }
/** A chain that the nodes of these seeds extend in turns. */
export const ofProducers = (...seeds: ReadonlyArray<number>): ChainSettings => ({
  id: "permissioned",
  time: 0,
  producers: seeds.map(keyOf),
  intervalMillis: 1_000
})

/** Turns that others get meanwhile. */
const late = Effect.forEach(Array.from({ length: 50 }), () => Effect.yieldNow, { discard: true })
const lateBlocks = Layer.effect(
  BlockStore,
  Effect.map(BlockStore, (store) =>
    BlockStore.of({ ...store, ids: (chain, heights) => Effect.andThen(late, store.ids(chain, heights)) })
  )
)

const noBodies = Layer.effect(
  BlockStore,
  Effect.map(BlockStore, (store) =>
    BlockStore.of({ ...store, bodies: (_chain, ids) => Effect.succeed(ids.map(() => undefined)) })
  )
)

const headersAfter = (before: (height: number) => Effect.Effect<void>) =>
  Layer.effect(
    HeaderStore,
    Effect.map(HeaderStore, (store) =>
      HeaderStore.of({
        ...store,
        replace: (chain, tip, above, headers) =>
          Effect.andThen(before(above), store.replace(chain, tip, above, headers))
      })
    )
  )

const words = new TextEncoder()

/** One life of the node, until the scope closes. */
export const start = Effect.fnUntraced(function* (options: Options) {
  const { beforeHeaders, keep, ledger, network, produce, seed, settings } = options
  const host = hostOf(seed)
  const database = options.database ?? (yield* MemoryDatabase.make)
  const ground = Layer.mergeAll(
    IdentityMemory.layerFromSeed(new Uint8Array(32).fill(seed)),
    StoresMemory.layerOn(database).pipe(Layer.provide(SecureRandom.layerWebCrypto)),
    network.layer(host),
    SecureRandom.layerWebCrypto,
    Layer.succeed(LinkConfig.LinkConfig, { ...LinkConfig.defaults, firstDialDelay: 0 })
  )
  const keeping = Chain.layer({ settings, ledger, produce, keep })
  const layer = Node.layer({ protocols: [Silence.handled], listen: { host, port: 4000 } }).pipe(
    Layer.provideMerge(
      options.answersLate === true
        ? Layer.provide(keeping, lateBlocks)
        : options.withholds === true
          ? Layer.provide(keeping, noBodies)
          : beforeHeaders === undefined
            ? keeping
            : Layer.provide(keeping, headersAfter(beforeHeaders))
    ),
    Layer.provideMerge(ground)
  )
  const context = yield* Layer.build(Layer.fresh(layer)).pipe(Effect.orDie)
  const node = Context.get(context, Node)
  const chain = Context.get(context, Chain)
  const events: Array<ChainEvent> = []
  yield* chain.events.pipe(
    Stream.runForEach((event) => Effect.sync(() => void events.push(event))),
    Effect.forkScoped({ startImmediately: true })
  )
  return {
    seed,
    key: node.key,
    address: node.address!,
    chain,
    events,
    registry: Context.get(context, Registry),
    supervisor: Context.get(context, Supervisor),
    connect: (other: { readonly address: typeof node.address }) => Effect.orDie(node.connect(other.address!)),
    forget: (other: { readonly key: typeof node.key }) => Effect.orDie(node.forget(other.key)),
    /** So many blocks, each of an item that says which it is. */
    produce: (count: number) =>
      Effect.forEach(Array.from({ length: count }), (_, at) =>
        Effect.andThen(chain.submit(words.encode(`${seed}: ${chain.tip().height} ${at}`)), chain.produce)
      ).pipe(Effect.orDie),
    /** The ids of the chain, from height 1 on. */
    ids: Effect.map(Effect.orDie(chain.blocks(0, 100_000)), (blocks) => blocks.map(({ header }) => header.id))
  }
})

export type ChainNode = Effect.Success<ReturnType<typeof start>>

/** Lets what needs no time happen until the nodes have this tip, or nothing happens any more. */
export const agree = Effect.fnUntraced(function* (id: string, ...nodes: ReadonlyArray<ChainNode>) {
  for (let round = 0; round < 400 && !nodes.every(({ chain }) => chain.tip().id === id); round++) yield* settle
})
