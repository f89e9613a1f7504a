/**
 * The least plan that still fails as a given one does: only as long as it takes until it fails, then fewer nodes and operations, then fewer
 * faults, whole kinds before single ones, then shorter times and simpler values, then tasks in the order in which they came; over again
 * until nothing helps. What makes all later runs shorter comes first, and what costs much has a share of the time.
 *
 * It is deterministic, asks for no run twice, and stops at a number of runs or at a time with the best it has found.
 */
import { Schema } from "effect"
import type { Result } from "../cluster/Result.ts"
import { nodeNames } from "../cluster/NodeNames.ts"
import { describe, isFailure, isSame, Verdict } from "../cluster/Verdict.ts"
import type { Entry, FaultPlan } from "../faults/FaultPlan.ts"
import { keepNodes } from "./KeepNodes.ts"
import { fewer, halved, least } from "./Reduce.ts"
import { amounts, atTime, choices } from "./SimplerEntry.ts"
import { beginning, oddities, schedules, withOddities } from "./SimplerPlan.ts"

export interface Progress {
  readonly stage: "size" | "faults" | "values" | "schedule"
  /** So far. */
  readonly runs: number
  /** The least plan so far. */
  readonly plan: FaultPlan
}

/** How a run ended, and after how many milliseconds of its time: a failure ends it at once. */
export type Ended = Pick<Result, "verdict" | "virtualMillis">

export interface Options {
  readonly plan: FaultPlan
  /** How it fails. */
  readonly verdict: Verdict
  /** Runs a plan with the seed of the failure. */
  readonly run: (plan: FaultPlan) => Promise<Ended>
  /** When each entry of a plan struck, in milliseconds: `timesOf` a run. Without it triggers stay triggers. */
  readonly times?: ((plan: FaultPlan) => Promise<ReadonlyMap<number, number>>) | undefined
  /** 1,000 by default. */
  readonly maxRuns?: number | undefined
  /** Milliseconds; a minute by default. A run that has begun is waited for. */
  readonly maxMillis?: number | undefined
  /** Milliseconds, of any beginning. */
  readonly clock: () => number
  /** Called for every smaller plan. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export interface Shrunk {
  readonly plan: FaultPlan
  /** Of that plan. */
  readonly verdict: Verdict
  readonly runs: number
  /** False if it ran out of runs or time. */
  readonly complete: boolean
}

/** The plan does not fail, or not in the way that it was said to. */
export class FailureGone extends Schema.TaggedError<FailureGone>()("FailureGone", {
  expected: Verdict,
  found: Verdict
}) {
  override get message(): string {
    if (!isFailure(this.expected)) return `a run that ended with "${describe(this.expected)}" leaves nothing to shrink`
    return (
      `the plan should fail with "${describe(this.expected)}" and ended with "${describe(this.found)}": ` +
      `shrink it with the seed and on the commit that it failed on`
    )
  }
}

/** Rejects with `FailureGone` if the plan itself does not fail in this way. */
export const shrink = async (options: Options): Promise<Shrunk> => {
  const search = new Search(options)
  await search.confirm()
  let before: FaultPlan
  do {
    before = search.plan
    await search.size()
    await search.faults()
    await search.values()
    await search.schedule()
  } while (search.plan !== before && !search.exhausted)
  return { plan: search.plan, verdict: search.verdict, runs: search.runs, complete: !search.exhausted }
}

/** When each entry struck, by its place in the plan. */
export const timesOf = ({ trace }: Pick<Result, "trace">): ReadonlyMap<number, number> => {
  const times = new Map<number, number>()
  for (const { at, detail, kind } of trace) {
    if (kind === "fault" && typeof detail["entry"] === "number") times.set(detail["entry"], at / 1_000)
  }
  return times
}

/** What tells plans apart, whatever the order of their keys. */
const wordsOf = ({ database, duration, faults, knobs, network, nodes, operations, schedule }: FaultPlan): string =>
  JSON.stringify([nodes, duration, operations, database, schedule, network, knobs, faults])

/** What a few nodes do instead of many, if as much as each of those did does not show it. */
const manyTimes = 4
/** Times as long as it took until it failed: the users of a shorter run do other things, so that it may fail somewhat later. */
const moreTime = [1, 2, 4] as const
/** The share of the time that is for runs as long as the first one. */
const longShare = 1 / 3

class Search {
  plan: FaultPlan
  verdict: Verdict
  runs = 0
  exhausted = false
  readonly #options: Options
  readonly #maxRuns: number
  readonly #deadline: number
  /** After it no run as long as the first one is begun. */
  readonly #longDeadline: number
  /** Milliseconds until the present plan failed. */
  #lasted = 0
  /** Every plan that has been run. None of them is wanted again: what was taken is no smaller than what there is now. */
  readonly #seen = new Set<string>()
  #stage: Progress["stage"] = "size"

  constructor(options: Options) {
    this.#options = options
    this.plan = options.plan
    this.verdict = options.verdict
    this.#maxRuns = options.maxRuns ?? 1_000
    const [now, millis] = [options.clock(), options.maxMillis ?? 60_000]
    this.#deadline = now + millis
    this.#longDeadline = now + millis * longShare
  }

  async confirm(): Promise<void> {
    const { plan, run, verdict } = this.#options
    this.#seen.add(wordsOf(plan))
    this.runs++
    const ended = await run(plan)
    this.verdict = ended.verdict
    this.#lasted = ended.virtualMillis
    if (!isFailure(verdict) || !isSame(verdict, this.verdict)) {
      throw new FailureGone({ expected: verdict, found: this.verdict })
    }
  }

  /**
   * Less time, then fewer nodes while they still do much, at last for as long as at first, then fewer operations: a few do not show it
   * again among other nodes.
   */
  async size(): Promise<void> {
    this.#stage = "size"
    await this.#cut()
    await this.#nodes(1)
    if (this.plan.nodes > 2) await this.#nodes(manyTimes)
    if (this.plan.nodes > 2) await this.#nodesForLong()
    await least(this.plan.operations, 0, (operations) => this.#try({ ...this.plan, operations }))
  }

  /** Fewer nodes, which do so many times as much. */
  async #nodes(times: number): Promise<void> {
    const { plan } = this
    const operations = plan.operations * times
    await fewer(nodeNames(plan.nodes), (kept) =>
      kept.length === 0 ? Promise.resolve(false) : this.#try({ ...keepNodes(plan, kept), operations })
    )
  }

  /** Only as long as it takes until it fails, or somewhat longer. */
  async #cut(): Promise<void> {
    const { plan } = this
    for (const times of moreTime) {
      const duration = (Math.ceil(this.#lasted) + 1) * times
      if (duration >= plan.duration || (await this.#try(beginning(plan, duration)))) return
    }
  }

  /** Fewer nodes, which have the time of the first plan, and at its pace much to do; with what is shorter of each that does. */
  async #nodesForLong(): Promise<void> {
    const { duration, operations } = this.#options.plan
    const { plan } = this
    if (plan.duration >= duration) return
    const long = { ...plan, duration, operations: Math.max(plan.operations, operations) * manyTimes }
    const isTime = (): boolean => this.#options.clock() < this.#longDeadline
    for (const left of nodeNames(plan.nodes)) {
      if (!isTime()) return
      const kept = nodeNames(plan.nodes).filter((name) => name !== left)
      if (!(await this.#try(keepNodes(long, kept)))) continue
      await this.#cut()
      return await this.#nodes(manyTimes)
    }
  }

  /** Fewer faults. */
  async faults(): Promise<void> {
    this.#stage = "faults"
    await this.#kinds()
    await fewer(this.plan.faults, (faults) => this.#try({ ...this.plan, faults }))
  }

  /** Fewer kinds of faults, where there are several of some. */
  async #kinds(): Promise<void> {
    const { plan } = this
    const kinds = [...new Set(plan.faults.map(({ fault }) => fault._tag))]
    if (kinds.length < 2 || kinds.length * 2 > plan.faults.length) return
    await fewer(kinds, (kept) =>
      this.#try({ ...plan, faults: plan.faults.filter(({ fault }) => kept.includes(fault._tag)) })
    )
  }

  /** Shorter times and simpler values. */
  async values(): Promise<void> {
    this.#stage = "values"
    await halved(this.plan.duration, 1, (duration) => this.#try({ ...this.plan, duration }))
    const { plan } = this
    await fewer(oddities(plan), (kept) => this.#try(withOddities(plan, kept)))
    await this.#triggers()
    for (const index of this.plan.faults.keys()) {
      for (const choice of choices) await this.#firstOf(index, choice(this.#entry(index)))
      for (const place of amounts(this.#entry(index)).keys()) {
        const { lowest, value } = amounts(this.#entry(index))[place]!
        await halved(value, lowest, (less) => this.#replace(index, amounts(this.#entry(index))[place]!.set(less)))
      }
    }
  }

  /** Tasks in the order in which they came. */
  async schedule(): Promise<void> {
    this.#stage = "schedule"
    for (const simpler of schedules) await this.#try(simpler(this.plan))
  }

  /** Times instead of triggers: when what they wait for came in the run of the present plan. */
  async #triggers(): Promise<void> {
    const { times } = this.#options
    if (times === undefined || this.plan.faults.every(({ when }) => "at" in when) || !this.#mayRun()) return
    this.runs++
    const struck = await times(this.plan)
    for (const index of this.plan.faults.keys())
      await this.#firstOf(index, atTime(this.#entry(index), struck.get(index)))
  }

  #entry(index: number): Entry {
    return this.plan.faults[index]!
  }

  #replace(index: number, entry: Entry): Promise<boolean> {
    return this.#try({ ...this.plan, faults: this.plan.faults.with(index, entry) })
  }

  async #firstOf(index: number, entries: ReadonlyArray<Entry>): Promise<void> {
    for (const entry of entries) if (await this.#replace(index, entry)) return
  }

  #mayRun(): boolean {
    this.exhausted ||= this.runs >= this.#maxRuns || this.#options.clock() >= this.#deadline
    return !this.exhausted
  }

  /** Takes the plan if it fails in the same way. */
  async #try(plan: FaultPlan): Promise<boolean> {
    const words = wordsOf(plan)
    if (this.#seen.has(words) || !this.#mayRun()) return false
    this.#seen.add(words)
    this.runs++
    const { verdict, virtualMillis } = await this.#options.run(plan)
    if (!isSame(this.#options.verdict, verdict)) return false
    this.plan = plan
    this.verdict = verdict
    this.#lasted = virtualMillis
    this.#options.onProgress?.({ stage: this.#stage, runs: this.runs, plan })
    return true
  }
}
