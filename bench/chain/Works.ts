/** What the chain benchmark does, and what is asked of it. */
import type { Bar } from "../Bars.ts"
import type { Driver } from "../../test/support/chain/ChainNodes.ts"

export const contenders = { pglite: "holdfast, PGlite", postgres: "holdfast, PostgreSQL" } as const
export const drivers: ReadonlyArray<Driver> = ["postgres", "pglite"]

/** A chain that is brought here from one peer. */
export interface Sync {
  readonly name: string
  readonly height: number
  readonly signed: boolean
}

const sync = (height: number, signed: boolean): Sync => ({
  name: `${height.toLocaleString("en")} blocks${signed ? ", signed" : ""}`,
  height,
  signed
})

export const short = sync(100, false)
export const middle = sync(2_480, false)
export const long = sync(10_000, false)

export const syncs = (quick: boolean): ReadonlyArray<Sync> =>
  quick ? [short] : [short, middle, sync(2_480, true), long, sync(10_000, true)]

/** Those who fetch the blocks of a Bitcoin network, each in a process of its own. */
export const beside = ["postgres", "bcoin", "pglite", "memory"] as const
export type Beside = (typeof beside)[number]
export const besideNames: Readonly<Record<Beside, string>> = {
  ...contenders,
  memory: "holdfast, in memory",
  bcoin: "bcoin, in memory"
}
export const besideCount = (quick: boolean): number => (quick ? 200 : 2_500)
/** From one bcoin node. */
export const bitcoin = (count: number): string => `${count.toLocaleString("en")} blocks of a Bitcoin regtest`

/** 2,480 blocks over lines of 50 ms, there and back together, from one peer and from four. */
export const onePeer = "2,480 blocks over 50 ms from 1 peer"
export const fourPeers = "2,480 blocks over 50 ms from 4 peers"
/** One of two peers stops when it owes the next block. */
export const frozen = "a peer freezes at the head of the window"

export const time = "from the dial"
/** In a process that has done the same before, into another database. */
export const again = "from the dial, for the second time"
export const rate = "blocks"
export const stood = "stood still"
export const cpu = "CPU of the node that syncs"

/** Those of four peers are a ratio of two works, which a bar cannot say: `speedup` is that figure. */
export const speedup = "4 peers : 1 peer"

const ours = contenders.postgres
export const bars: ReadonlyArray<Bar> = [
  ...Object.values(contenders).flatMap((contender): ReadonlyArray<Bar> => [
    { ours: { work: short.name, metric: time, contender }, asked: 100 },
    { ours: { work: middle.name, metric: time, contender }, asked: 1_000 },
    { ours: { work: long.name, metric: rate, contender }, asked: 5_000 }
  ]),
  { ours: { work: frozen, metric: stood, contender: ours }, asked: 3_000 },
  { ours: { work: fourPeers, metric: speedup, contender: ours }, asked: 3 }
]

/** As fast as bcoin from the same node: chain.md gives its figures for comparison alone. */
export const besideBars = (count: number): ReadonlyArray<Bar> => {
  const place = { work: bitcoin(count), metric: rate }
  return [{ ours: { ...place, contender: ours }, theirs: { ...place, contender: besideNames.bcoin }, asked: 1 }]
}
