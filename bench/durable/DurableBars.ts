/**
 * The bars of durable hand-off. Where senders share commits, which is a service of ours, the others are taken at what
 * they do for as many senders: one commit each.
 */
import type { Bar, Place } from "../Bars.ts"
import { names } from "./Contenders.ts"
import { batched, grouped, killedReceiver, killedSender, latency, single } from "./Works.ts"

const rate = (work: string, contender: string): Place => ({ work, metric: "rate", contender })
const versus = (work: string, contender: string, asked: number, theirWork = work): Bar => ({
  ours: rate(work, names.postgres),
  theirs: rate(theirWork, contender),
  asked
})
const delay = (metric: string, asked: number): Bar => ({
  ours: { work: latency, metric, contender: names.postgres },
  asked
})
const killed = (work: string, contender: string): Bar => ({
  ours: { work, metric: "all after ready", contender },
  asked: 2_000
})

export const bars: ReadonlyArray<Bar> = [
  versus(single.name, names.graphile, 8),
  versus(single.name, names.rabbit, 1.3),
  versus(single.name, names.rows, 2),
  versus(grouped.name, names.rabbit, 4, single.name),
  versus(grouped.name, names.natsAlways, 8, single.name),
  versus(batched.name, names.graphile, 2.5),
  versus(batched.name, names.rabbit, 2.5),
  { ours: rate(grouped.name, names.pglite), asked: 10_000 },
  delay("p50", 3),
  delay("p99", 15),
  killed(killedReceiver, names.postgres),
  killed(killedSender, names.postgres),
  // What a prototype of the pattern reached beside the same peers, less a third.
  versus(single.name, names.naive, 0.6),
  versus(single.name, names.natsAlways, 2.8),
  versus(batched.name, names.naive, 1),
  versus(batched.name, names.natsAlways, 16)
]
