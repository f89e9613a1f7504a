/**
 * One small exchange among three nodes, struck at every one of its events: at each of them each node is killed, or its
 * commits fail before or after they took place, or its database goes back to an older backup; on a network that does
 * its best, and on one that repeats, delays and brings back what is over.
 *
 * Every strike is a run of its own from the same seed, so that event n is the same one until it is struck.
 */
import * as Simulation from "../../../src/testing/campaign/Simulation.ts"
import { describe, held } from "../../../src/testing/cluster/Verdict.ts"
import type { Entry, Fault, FaultPlan } from "../../../src/testing/faults/FaultPlan.ts"
import * as Swarm from "../../../src/testing/faults/Swarm.ts"
import { oneLift } from "../../../src/testing/credit/CreditScenario.ts"
import { ledger } from "../../../src/testing/ledger/LedgerScenario.ts"

/** Milliseconds in which three nodes meet and say what they have to say: more than 500 events. A lift takes more than 1,000. */
const duration = 1_000
const seed = 3

/** What is struck: messages of all kinds, or a lift over the users of all three. */
export const exchanges = { messages: Simulation.make(ledger), lift: Simulation.make(oneLift("payee")) } as const
export type Exchange = keyof typeof exchanges
export const victims = ["a", "b", "c"] as const

const calm: FaultPlan = {
  ...Swarm.generate(seed, "calm", { nodes: victims.length, duration, operations: 3 }),
  // The quiet end lasts as long as it takes to hear of everybody.
  knobs: { heartbeat: "fast" }
}

const at = (millis: number, fault: Fault): Entry => ({ when: { at: millis }, fault })

/** Batches that come twice, frames that take their time, and connections that end, resume out of step and haunt. */
const noise: ReadonlyArray<Entry> = [
  ...victims.flatMap((node) => [
    at(0, { _tag: "Buggify", node, site: "delivery.batch-sent-again", share: 0.5, for: duration }),
    at(0, { _tag: "Buggify", node, site: "delivery.batch-of-one", share: 0.3, for: duration })
  ]),
  at(0, { _tag: "Slow", from: "a", to: "b", for: duration, latency: { floor: 5, mean: 20, tailShare: 0, tail: 1 } }),
  at(350, { _tag: "Close", from: "b", to: "c", how: "rst" }),
  at(351, { _tag: "Ghost", from: "b", to: "c", after: 200 }),
  at(351, { _tag: "Ghost", from: "c", to: "b", after: 300 }),
  at(500, { _tag: "Close", from: "a", how: "fin" }),
  at(501, { _tag: "Ghost", from: "a", to: "c", after: 250 })
]

/** Milliseconds. */
const [down, failing] = [300, 40]

const kill = (node: string): Fault => ({ _tag: "Kill", node, down, end: "rst" })
const commits =
  (when: "before-commit" | "after-commit") =>
  (node: string): Fault => ({
    _tag: "FailingDatabase",
    node,
    when,
    share: 1,
    for: failing
  })

/** What strikes at an event, and what is wrong besides. */
interface Variant {
  readonly strike: (node: string) => Fault
  readonly besides: ReadonlyArray<Entry>
}

export const variants = {
  "a kill": { strike: kill, besides: [] },
  "a kill among duplicates, delays and ghosts": { strike: kill, besides: noise },
  "commits that fail before they took place": { strike: commits("before-commit"), besides: [] },
  "commits that fail after they took place": { strike: commits("after-commit"), besides: noise },
  "an older backup": {
    strike: (node) => ({ _tag: "RestoreBackup", node, takenAt: 400, down }),
    besides: []
  }
} as const satisfies Record<string, Variant>
export type VariantName = keyof typeof variants
export const variantNames = Object.keys(variants) as ReadonlyArray<VariantName>

export const planOf = (name: VariantName, event: number, node: string): FaultPlan => {
  const { besides, strike }: Variant = variants[name]
  return { ...calm, faults: [...besides, { when: { event }, fault: strike(node) }] }
}

/** Which strikes are made: every `every`-th event from `from` on, at each of the nodes. */
export interface Extent {
  readonly every: number
  readonly from: number
  /** Events; as many as there are before the quiet end by default. */
  readonly to?: number | undefined
}

export interface Struck {
  readonly runs: number
  /** Runs in which the strike changed something: at the beginning a node does not live yet. */
  readonly effective: number
  /** The last event that was struck. */
  readonly last: number
  /** What did not hold, each with what it takes to see it again. */
  readonly failures: ReadonlyArray<string>
}

/** Events until the quiet end: as soon as nobody is struck any more there are none. */
const isOver = (event: number, struck: number): boolean => event > 100 && struck === 0

export const strikeAll = async (
  name: VariantName,
  { every, from, to }: Extent,
  exchange: Exchange = "messages"
): Promise<Struck> => {
  const simulation = exchanges[exchange]
  let [runs, effective, last] = [0, 0, 0]
  const failures: Array<string> = []
  for (let event = from; event <= (to ?? Number.POSITIVE_INFINITY); event += every) {
    let struck = 0
    for (const node of victims) {
      const plan = planOf(name, event, node)
      const { trace, verdict, figures } = await simulation.run(seed, plan, { events: 2_000 })
      const began = trace.some(({ detail, kind }) => kind === "fault" && detail["entry"] === plan.faults.length - 1)
      if (!began) continue
      runs++
      struck++
      last = event
      if ((figures[`fault: ${plan.faults.at(-1)!.fault._tag}`] ?? 0) > 0) effective++
      if (verdict._tag !== held._tag) failures.push(`${name}, event ${event}, node ${node}: ${describe(verdict)}`)
    }
    if (isOver(event, struck)) break
  }
  return { runs, effective, last, failures }
}
