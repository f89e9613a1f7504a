/** How a chain stands, for programs and people. */
import { Schema } from "effect"
import type { ChainSettings } from "../../protocol/chain/Genesis.ts"
import type { Native } from "./Native.ts"

const Place = Schema.Struct({ height: Schema.Int, id: Schema.String })

export const ChainPeer = Schema.Struct({
  /** Its node key. */
  peer: Schema.String,
  remote: Schema.String,
  /** The block that it says it has applied last. */
  tip: Place
})
export type ChainPeer = typeof ChainPeer.Type

export const ChainStatus = Schema.Struct({
  /** As configured, with the id of its first block. */
  id: Schema.String,
  genesis: Schema.String,
  /** The block that was applied last. */
  tip: Place,
  /** The best header that is known. */
  best: Place,
  /** Blocks of the best chain that are not applied. */
  behind: Schema.Int,
  /** Applied in the last seconds, a second; and how many seconds the rest takes at that rate, if any comes. */
  perSecond: Schema.Number,
  secondsLeft: Schema.UndefinedOr(Schema.Number),
  /** Bodies that wait for those before them. */
  held: Schema.Int,
  peers: Schema.Array(ChainPeer),
  /** Items that wait for a block of this node. */
  waiting: Schema.Int,
  /** When this node makes the next block, in milliseconds since 1970, or why it does not now; `Off`: only when it is told to. */
  production: Schema.Union([
    Schema.TaggedStruct("Off", {}),
    Schema.TaggedStruct("At", { time: Schema.Number }),
    Schema.TaggedStruct("Wait", { why: Schema.String })
  ]),
  /** The block before which the chain stands, because the program refuses it. */
  refused: Schema.UndefinedOr(Schema.Struct({ height: Schema.Int, id: Schema.String, reason: Schema.String }))
})
export type ChainStatus = typeof ChainStatus.Type

/** How it stands now. */
export const statusOf = (
  { id }: ChainSettings,
  { blocks, chain, link, producing, rules }: Native,
  produces: boolean
): ChainStatus => {
  const { applied, base, held, perSecond, refused } = blocks.status()
  const best = chain.best()
  const behind = applied.id === best.header.id ? 0 : Math.max(1, best.height - base)
  return {
    id,
    genesis: rules.genesis.id,
    tip: { height: applied.height, id: applied.id },
    best: { height: best.height, id: best.header.id },
    behind,
    perSecond,
    secondsLeft: behind === 0 ? 0 : perSecond > 0 ? behind / perSecond : undefined,
    held,
    peers: [...link.neighbours()].map(({ session, tip }) => ({ peer: session.peer, remote: session.remote, tip })),
    waiting: producing.pool.size,
    production: produces ? producing.decide() : { _tag: "Off" },
    refused
  }
}
