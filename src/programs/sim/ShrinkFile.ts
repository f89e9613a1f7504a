/**
 * Shrinking a failure to another file: the runs are made by a process of their own, so that it can be stopped at any time.
 */
import { Clock, Effect } from "effect"
import type { FailureFile } from "../../testing/campaign/FailureFile.ts"
import * as Shrink from "../../testing/campaign/Shrink.ts"
import { describe as inWords, isFailure, isSame } from "../../testing/cluster/Verdict.ts"
import type { FaultPlan } from "../../testing/faults/FaultPlan.ts"
import { describe } from "../../testing/faults/Words.ts"
import { printable } from "../../testing/explain/Printable.ts"
import { print } from "../cli/Root.ts"
import { table } from "../cli/Table.ts"
import { bold, dim, yellow } from "../cli/Style.ts"
import { isOf, read, replayWith, scenarioOf, written, writeTo } from "./FailureFolder.ts"
import { drawing, Line, type Screen } from "../cli/Line.ts"
import { SimExit, SimulationFailed, SimulationMisused, WorkerBroken } from "./SimExit.ts"
import * as SimFlags from "./SimFlags.ts"
import * as Workers from "./Workers.ts"

export interface Options {
  readonly file: string
  /** How long to search. */
  readonly millis: number
  readonly output: string | undefined
  readonly scenario: string | undefined
  readonly preload: string | undefined
  readonly screen: Screen
}

const beside = (file: string): string => `${file.replace(/\.json$/i, "")}-shrunk.json`

const sizes = ({ duration, faults, nodes, operations }: FaultPlan): ReadonlyArray<string> => [
  String(nodes),
  String(operations),
  String(faults.length),
  `${duration} ms`
]

const failed = (cause: unknown): SimulationFailed | WorkerBroken => {
  if (cause instanceof Shrink.FailureGone)
    return new SimulationFailed({ problem: printable(cause.message), exitCode: SimExit.undetermined })
  return cause instanceof WorkerBroken ? cause : new WorkerBroken({ problem: String(cause) })
}

const search = Effect.fnUntraced(function* (
  before: FailureFile,
  worker: Workers.Worker,
  { millis, screen }: Pick<Options, "millis" | "screen">
) {
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const progress = new Line(screen)
  let latest: Shrink.Progress = { stage: "size", runs: 0, plan: before.plan }
  let runs = 0
  const run = async (plan: FaultPlan) => {
    runs++
    return await Effect.runPromise(worker.ask({ _tag: "Run", seed: before.seed, plan, whole: true }))
  }
  const state = (elapsed: number) => {
    const { duration, faults, nodes, operations } = latest.plan
    const left = `${Math.max(0, Math.round((millis - elapsed) / 1_000))} s left`
    return `${runs} runs, ${latest.stage}: ${nodes} nodes, ${operations} operations, ${faults.length} faults, ${duration} ms; ${left}`
  }
  const drawn = yield* Effect.forkScoped(drawing(progress, state))
  const shrunk = yield* Effect.tryPromise({
    try: () =>
      Shrink.shrink({
        plan: before.plan,
        verdict: before.verdict,
        maxMillis: millis,
        maxRuns: Number.MAX_SAFE_INTEGER,
        clock: now,
        run: async (plan) => (await run(plan)).run,
        times: async (plan) => {
          const { file } = await run(plan)
          return Shrink.timesOf(await Effect.runPromise(written(file ?? "")))
        },
        onProgress: (step) => {
          latest = step
        }
      }),
    catch: failed
  })
  drawn.interruptUnsafe()
  progress.remove()
  return shrunk
})

const dependsOnOthers = ({ verdict }: FailureFile) => ({
  problem: printable(
    `in a process of its own the shrunk plan ends with "${inWords(verdict)}": runs depend on those before them in the same ` +
      `process. Keep nothing outside of the scenario's services, its tables and its watcher (see: holdfast sim determinism)`
  ),
  exitCode: SimExit.undetermined
})

export const shrinkFile = Effect.fnUntraced(function* (options: Options) {
  const before = yield* read(options.file)
  if (!isFailure(before.verdict))
    return yield* new SimulationMisused({
      problem: `${options.file} is of a run that did not fail: there is nothing to shrink`
    })
  const scenario = yield* scenarioOf(before, options.scenario)
  const start = Workers.start({
    job: { scenario, commit: yield* SimFlags.commit },
    node: Workers.importing(options.preload)
  })
  const worker = yield* start
  yield* isOf(before, worker.ready.scenario)
  const shrunk = yield* search(before, worker, options)
  // In a process that has run nothing else: what has failed only because of runs before it is no failure of this plan.
  const ran = yield* (yield* start).ask({ _tag: "Run", seed: before.seed, plan: shrunk.plan, whole: true })
  const after = yield* written(ran.file ?? "")
  if (!isSame(shrunk.verdict, after.verdict)) return yield* new SimulationFailed(dependsOnOthers(after))
  const output = options.output ?? beside(options.file)
  yield* writeTo(output, after)
  const { complete, runs } = shrunk
  const replay = replayWith(after, output, options.scenario)
  const summary = { file: output, complete, runs, verdict: after.verdict, hash: after.hash, plan: after.plan, replay }
  yield* print(summary, () =>
    [
      table(
        ["", "NODES", "OPERATIONS", "FAULTS", "DURATION"],
        [
          ["before", ...sizes(before.plan)],
          ["after", ...sizes(after.plan)]
        ]
      ),
      "",
      ...after.plan.faults.slice(0, 20).map((entry) => `  ${printable(describe(entry))}`),
      dim(`${runs} runs`) + (complete ? "" : yellow(", out of time: more of it may find less (--time)")),
      bold(output),
      `  ${replay}`
    ].join("\n")
  )
})
