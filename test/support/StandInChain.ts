/**
 * A chain without peers or a store, for what shows chains and tells them what to do: a test says how it stands and what happens.
 */
import { Effect, PubSub, Stream } from "effect"
import * as Block from "../../src/protocol/chain/Block.ts"
import * as BlockHeader from "../../src/protocol/chain/BlockHeader.ts"
import { type ChainSettings, genesisOf } from "../../src/protocol/chain/Genesis.ts"
import { ItemPool } from "../../src/protocol/chain/ItemPool.ts"
import { Chain, type ChainBlock } from "../../src/services/chain/Chain.ts"
import type { ChainEvent } from "../../src/services/chain/ChainEvent.ts"
import type { ChainFigures } from "../../src/services/chain/ChainFigures.ts"
import type { ChainStatus } from "../../src/services/chain/ChainStatus.ts"
import { NotProduced } from "../../src/services/chain/Producing.ts"
import { ChainBroken, type Verified } from "../../src/services/chain/Verifying.ts"

export const settings: ChainSettings = { id: "test", time: 1_700_000_000_000 }

export const peerAt = (height: number, remote = "10.0.0.1:4001"): ChainStatus["peers"][number] => ({
  peer: "ab".repeat(32),
  remote,
  tip: { height, id: "cd".repeat(32) }
})

export class StandInChain {
  readonly #pool = new ItemPool({ items: 3, bytes: 1_000, block: 500, overhead: 4 })
  readonly #events = Effect.runSync(PubSub.sliding<ChainEvent>(100))
  readonly blocks: Array<ChainBlock> = [{ header: genesisOf(settings), items: [] }]
  /** What is to be said of it beside what its blocks say. */
  over: Partial<ChainStatus> = {}
  /** Why no block can be made, if so. */
  problem: string | undefined
  /** How far the check comes, and the block that is wrong, if one is. */
  pages: ReadonlyArray<Verified> = []
  broken: ChainBroken | undefined

  get tip(): { readonly id: string; readonly height: number } {
    return this.blocks.at(-1)!.header
  }

  /** Adds a block of these items, or one whose items were pruned. */
  add(items: ReadonlyArray<Uint8Array> | undefined): { readonly id: string; readonly height: number } {
    const parent = this.blocks.at(-1)!.header
    const fields = { height: parent.height + 1, previous: parent.id, producer: "ef".repeat(32), weight: 1 }
    const payload = Block.payloadOf(Block.encode(items ?? []))
    const header = BlockHeader.identified({ ...fields, payload, time: parent.time + 1_000 })
    this.blocks.push({ header, items })
    return { id: header.id, height: header.height }
  }

  tell(event: ChainEvent): void {
    PubSub.publishUnsafe(this.#events, event)
  }

  status(): ChainStatus {
    const { height, id } = this.tip
    const place = { height, id }
    return {
      id: settings.id,
      genesis: this.blocks[0]!.header.id,
      tip: place,
      best: place,
      behind: 0,
      perSecond: 0,
      secondsLeft: undefined,
      held: 0,
      peers: [],
      waiting: this.#pool.size,
      production: { _tag: "Wait", why: "nobody wants blocks" },
      refused: undefined,
      ...this.over
    }
  }

  figures(): ChainFigures {
    const { height } = this.tip
    return {
      height,
      bestHeight: height,
      behind: 0,
      tipTime: undefined,
      perSecond: 0,
      held: 0,
      heldBytes: 0,
      bodies: { taken: 0, bytes: 0, unneeded: 0, wrong: 0 },
      peers: { ahead: 0, level: 0, behind: 0, silent: 0 },
      waiting: this.#pool.size,
      isRefused: false
    }
  }

  get service(): Chain["Service"] {
    return Chain.of({
      settings,
      tip: () => this.tip,
      status: () => this.status(),
      figures: () => this.figures(),
      events: Stream.fromPubSub(this.#events),
      submit: (item) => Effect.suspend(() => this.#pool.add(item) ?? Effect.void),
      produce: Effect.suspend(() => {
        if (this.problem !== undefined) return Effect.fail(new NotProduced({ problem: this.problem }))
        const items = this.#pool.next
        this.#pool.taken(items)
        return Effect.succeed(this.add(items))
      }),
      blocks: (above, limit) => Effect.sync(() => this.blocks.slice(above + 1, above + 1 + limit)),
      verify: Stream.suspend(() =>
        Stream.concat(
          Stream.fromIterable(this.pages),
          this.broken === undefined ? Stream.empty : Stream.fail(this.broken)
        )
      )
    })
  }
}
