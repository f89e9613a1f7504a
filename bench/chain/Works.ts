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
