/**
 * One run again: told as text, and compared with the file of it if there is one.
 */
import { Console, Effect } from "effect"
import { divergence } from "../../testing/campaign/Determinism.ts"
import type { FailureFile } from "../../testing/campaign/FailureFile.ts"
import { describe, isSame } from "../../testing/cluster/Verdict.ts"
import { lastEvents } from "../../testing/explain/EventLines.ts"
import { text } from "../../testing/explain/FailureText.ts"
import { printable, printableLines } from "../../testing/explain/Printable.ts"
import { story } from "../../testing/explain/Story.ts"
import { json, Root } from "../cli/Root.ts"
import { green, red } from "../cli/Style.ts"
import { apart } from "./Campaigning.ts"
import type { Parted, Request } from "./Contract.ts"
import type { Drawing } from "./Drawing.ts"
import { read, scenarioOf, written } from "./FailureFolder.ts"
import { codeOf, SimExit, SimulationFailed, SimulationMisused, WorkerBroken } from "./SimExit.ts"
import * as SimFlags from "./SimFlags.ts"
import * as Workers from "./Workers.ts"

export interface Options {
  readonly what: string
  readonly scenario: string | undefined
  readonly drawing: Drawing
  /** The last event that is told. */
  readonly until: number | undefined
  readonly node: string | undefined
  readonly trace: boolean
  readonly preload: string | undefined
}

/** How the run differs from that of a file, if it does. */
const difference = (before: FailureFile, after: FailureFile, until: number | undefined): Parted | undefined => {
  const whole = until === undefined
  const parted = divergence(whole ? before : { ...before, trace: [] }, whole ? after : { ...after, trace: [] })
  if (parted !== undefined) return parted
  if (isSame(before.verdict, after.verdict)) return undefined
  const detail = `the same events, but "${describe(after.verdict)}" instead of "${describe(before.verdict)}"`
  return { sameUntil: after.events, differentBy: after.events, detail }
}

const told = (file: FailureFile, { node, trace, until }: Options, path: string | undefined): string => {
  if (!trace) return text(file, { node, until, path })
  const events = node === undefined ? file.trace : file.trace.filter((event) => event.node === node)
  return `${lastEvents(story({ ...file, trace: events }, Number.POSITIVE_INFINITY), events.length).join("\n")}\n`
}

const requestOf = Effect.fnUntraced(function* ({ drawing, until, what }: Options) {
  const more = until === undefined ? {} : { until }
  if (/^\d{1,15}$/.test(what)) {
    const request: Request = { _tag: "Draw", seed: Number(what), drawing, twice: false, whole: true, ...more }
    return { request, before: undefined }
  }
  const before = yield* read(what)
  const request: Request = { _tag: "Run", seed: before.seed, plan: before.plan, whole: true, ...more }
  return { request, before }
})

export const replay = Effect.fnUntraced(function* (options: Options) {
  const root = yield* Root
  const { before, request } = yield* requestOf(options)
  const scenario = before === undefined ? (options.scenario ?? "ledger") : yield* scenarioOf(before, options.scenario)
  const worker = yield* Workers.start({
    job: { scenario, commit: yield* SimFlags.commit },
    node: Workers.importing(options.preload)
  })
  const ran = yield* worker.ask(request)
  if (ran.file === undefined) return yield* new WorkerBroken({ problem: "the run came without its events" })
  const after = yield* written(ran.file)
  if (before !== undefined && before.scenario !== after.scenario) {
    const problem = `the failure is of scenario ${before.scenario}, and this one is ${after.scenario}: give its own with --scenario`
    return yield* new SimulationMisused({ problem: printable(problem) })
  }
  const parted = before === undefined ? undefined : difference(before, after, options.until)
  const said = before === undefined ? undefined : parted === undefined ? "same" : "diverged"
  if (root.json) yield* Console.log(json({ compared: said ?? null, parted: parted ?? null, run: ran.run }))
  else {
    yield* Console.log(told(after, options, before === undefined ? undefined : options.what))
    if (said === "same")
      yield* Console.log(green(`The same run as that of the file: hash ${after.hash}, ${after.events} events`))
    if (parted !== undefined) yield* Console.log(red(`Not the run of the file: it ${printable(apart(parted))}`))
  }
  if (parted !== undefined) {
    const problem = `diverged between event ${parted.sameUntil} and ${parted.differentBy}`
    return yield* new SimulationFailed({ problem, exitCode: SimExit.undetermined })
  }
  const exitCode = codeOf(after.verdict)
  if (exitCode !== SimExit.ok)
    return yield* new SimulationFailed({ problem: printableLines(describe(after.verdict)), exitCode })
})
