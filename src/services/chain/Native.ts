/**
 * Puts the native chain together: its headers, its blocks, the links that bring them, and the making of new ones.
 */
import { Effect, FiberSet, PubSub, Result, Stream } from "effect"
import * as Block from "../../protocol/chain/Block.ts"
import type { BlockHeader } from "../../protocol/chain/BlockHeader.ts"
import * as BodySchedule from "../../protocol/chain/BodySchedule.ts"
import { mostTip } from "../../protocol/chain/ChainMessage.ts"
import { type ChainSettings, maxBlockBytes } from "../../protocol/chain/Genesis.ts"
import * as HeaderAsking from "../../protocol/chain/HeaderAsking.ts"
import { rulesOf } from "../../protocol/chain/NativeRules.ts"
import { Alarms } from "../link/Alarms.ts"
import { Identity } from "../link/Identity.ts"
import * as BlockSync from "./BlockSync.ts"
import type { ChainEvent } from "./ChainEvent.ts"
import { ChainMeter } from "./ChainMeter.ts"
import * as ChainLink from "./ChainLink.ts"
import * as HeaderChain from "./HeaderChain.ts"
import { HeaderStore } from "./HeaderStore.ts"
import * as HeaderSync from "./HeaderSync.ts"
import type { Ledger } from "./Ledger.ts"
import * as Producing from "./Producing.ts"
import * as Withheld from "./Withheld.ts"

export interface Options {
  readonly settings: ChainSettings
  readonly ledger: Ledger<BlockHeader> | undefined
  readonly keep: number | undefined
}

/** Events kept for a reader that falls behind; of more it misses the oldest. */
const keptEvents = 1_000
/** Headers are small, and peers of one chain are few: all of them are asked, and again every 30 s. */
const asking: HeaderAsking.Policy = {
  ...HeaderAsking.defaults,
  silentMillis: 10_000,
  passedOverMillis: 30_000,
  againMillis: 30_000
}
/** How long a peer that has just come keeps this node from producing, without a word of what it has. */
const answerMillis = 10_000

/** Why a body is not the one that its header promises, in a chain with these limits. */
export const bodyObjection =
  (settings: ChainSettings) =>
  ({ id, payload }: BlockHeader, body: Uint8Array): string | undefined => {
    if (Block.payloadOf(body) !== payload) return `the body given as that of block ${id} is another one`
    const items = Block.decode(body, maxBlockBytes(settings))
    return Result.isFailure(items) ? `block ${id}: ${items.failure.message}` : undefined
  }

export type Native = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function* ({ keep, ledger, settings }: Options) {
  const rules = rulesOf(settings)
  const objection = bodyObjection(settings)
  const alarms = yield* Alarms.make
  const fork = yield* FiberSet.makeRuntime<never, void>()
  const events = yield* PubSub.sliding<ChainEvent>(keptEvents)
  const meter = yield* ChainMeter
  const store = yield* HeaderStore
  const chain = yield* HeaderChain.make(rules)
  const tell = (event: ChainEvent): void => {
    meter.told(event)
    PubSub.publishUnsafe(events, event)
    if (event._tag === "Tip") link.tell(line())
    if (event._tag === "Reorganised") producing.reorganised(event.fork)
    if (event._tag !== "Stalled") producing.changed()
  }
  const headers = yield* HeaderSync.make({
    chain,
    alarms,
    fork,
    policy: asking,
    // A tip may come with so many headers, and again and again while this node is behind.
    news: { most: mostTip + 1, forFault: Number.POSITIVE_INFINITY },
    passedOver: meter.unanswered,
    changed: ({ fork }) => {
      blocks.changed(fork)
      link.replace()
    }
  })
  const blocks = yield* BlockSync.make({
    rules,
    chain,
    policy: BodySchedule.defaults,
    alarms,
    fork,
    tell,
    objection,
    ledger,
    keep
  })
  const heightOf = Effect.fnUntraced(function* ({ height, id }: { readonly height: number; readonly id: string }) {
    const node = chain.get(id)
    if (node !== undefined) return chain.common(node).height
    // What a peer says may be more than the store can look for.
    if (height > chain.best().height) return -1
    const [stored] = yield* store.ids(rules.name, [height])
    return stored === id ? height : -1
  })
  /** The last headers up to the tip, so that who has the block before needs not ask. */
  const line = (): ReadonlyArray<BlockHeader> => {
    const headers: Array<BlockHeader> = []
    for (let at = chain.get(blocks.applied().id); at?.parent !== undefined && headers.length < mostTip; at = at.parent)
      headers.push(at.header)
    return headers.reverse()
  }
  const { hold, release } = headers
  const awaited = (): Withheld.Awaited | undefined => {
    const first = blocks.awaited()
    if (first === undefined) return undefined
    const holders = [...link.neighbours()].filter(({ id }) => first.holders.includes(id))
    return { id: first.id, holders: holders.map(({ id, session }) => ({ peer: session.peer, session: id })) }
  }
  const withheld = yield* Withheld.make({
    policy: Withheld.defaults,
    awaited,
    hold: (id) => Effect.andThen(Effect.sync(meter.setAside), hold(id)),
    release
  })
  const claimed = (id: string, by: Withheld.Holder): Effect.Effect<void> => {
    const held = chain.heldOf(id)
    return held === undefined ? Effect.void : withheld.claimed(held, by)
  }
  const link = ChainLink.make({
    rules,
    headers,
    blocks,
    alarms,
    fork,
    heightOf,
    claimed,
    line,
    penalised: meter.penalised
  })
  /** The block behind which this node has begun to wait for those that say nothing. */
  let waits: { readonly tip: string; readonly since: number } | undefined
  /** Who comes again and again without a word delays each block by `answerMillis` at the most. */
  const unanswered = (): number => {
    const silent = [...link.neighbours()].filter((one) => one.isSilent(alarms.now, answerMillis)).length
    const tip = blocks.applied().id
    if (silent > 0 && waits?.tip !== tip) waits = { tip, since: alarms.now }
    return waits !== undefined && alarms.now - waits.since < answerMillis ? silent : 0
  }
  const producing = yield* Producing.make({
    settings,
    identity: yield* Identity,
    chain,
    headers,
    blocks,
    unanswered,
    produced: (header, body) => {
      meter.produced()
      link.tell([header], body)
    }
  })

  return { rules, objection, chain, blocks, link, producing, withheld, events: Stream.fromPubSub(events) }
})
