/**
 * The works of the durable benchmark, and how much of everything a run does.
 */
import type { How } from "./Work.ts"

export interface Work {
  readonly name: string
  readonly how: How
  /** Messages of a full run. */
  readonly count: number
}

export const single: Work = {
  name: "one commit each, 16 in flight",
  how: { _tag: "Single", inFlight: 16 },
  count: 10_000
}
export const grouped: Work = { name: "grouped, 16 senders", how: { _tag: "Grouped", senders: 16 }, count: 20_000 }
export const batched: Work = {
  name: "transactions of 1,000",
  how: { _tag: "Batch", size: 1_000, inFlight: 4 },
  count: 20_000
}
export const works: ReadonlyArray<Work> = [
  single,
  grouped,
  { name: "grouped, 256 senders", how: { _tag: "Grouped", senders: 256 }, count: 20_000 },
  { name: "transactions of 100", how: { _tag: "Batch", size: 100, inFlight: 4 }, count: 20_000 },
  batched
]
export const latency = "latency at 200/s"
export const commits = "database alone, single-row commits"
export const killedReceiver = "SIGKILL of the receiver"
export const killedSender = "SIGKILL of the sender"

/** In the order of the report. */
export const inOrder: ReadonlyArray<string> = [
  commits,
  ...works.map(({ name }) => name),
  latency,
  killedReceiver,
  killedSender
]

/** The figures of a work in the order of the report; the others come after them. */
export const metrics: ReadonlyArray<string> = ["rate", "p50", "p99", "all after ready", "CPU of both ends"]

/** How much of everything. */
export const amounts = (quick: boolean) =>
  quick
    ? { share: 0.05, warmUp: 300, paced: 100, commitMillis: 300, killed: 500, killPatience: 5_000 }
    : { share: 1, warmUp: 3_000, paced: 1_000, commitMillis: 1_500, killed: 5_000, killPatience: 35_000 }
export type Amounts = ReturnType<typeof amounts>

/** About `count`, in whole transactions. */
export const whole = (how: How, count: number): number => {
  const size = how._tag === "Batch" ? how.size : 1
  return Math.max(1, Math.round(count / size)) * size
}
