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
import { isOf, read, scenarioOf, written } from "./FailureFolder.ts"
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

/** What may have made the difference: other sources, or else something that lasts from one run to the next. */
const whyParted = (before: FailureFile, after: FailureFile): string => {
  const source = ({ commit, versions }: FailureFile) =>
    `${commit === "" ? "" : `commit ${commit}, `}Node ${versions.node}, effect ${versions.effect}, holdfast ${versions.holdfast}`
  const [there, here] = [source(before), source(after)]
  return there === here
    ? "The file is of the same versions: has the code or the scenario changed, or does it keep anything from run to run?"
    : printable(`The file is of ${there}. This is ${here}: a file replays on the sources that wrote it.`)
}

const told = (file: FailureFile, { node, trace, until }: Options, path: string | undefined): string => {
  if (!trace) return text(file, { node, until, path })
  const events = node === undefined ? file.trace : file.trace.filter((event) => event.node === node)
  return `${lastEvents(story({ ...file, trace: events }, Number.POSITIVE_INFINITY), events.length).join("\n")}\n`
}

const requestOf = Effect.fnUntraced(function* ({ drawing, until, what }: Options) {
  const more = until === undefined ? {} : { until }
  if (/^\d{1,16}$/.test(what) && Number.isSafeInteger(Number(what))) {
    const request: Request = { _tag: "Draw", seed: Number(what), drawing, twice: false, whole: true, ...more }
    return { request, before: undefined }
  }
  if (/^[-+]?[\d.]+(e\d+)?$/i.test(what) && /\d/.test(what))
    return yield* new SimulationMisused({ problem: `${what} is no seed: seeds are whole numbers from 0, such as 17` })
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
  if (before !== undefined) yield* isOf(before, worker.ready.scenario)
  const ran = yield* worker.ask(request)
  if (ran.file === undefined) return yield* new WorkerBroken({ problem: "the run came without its events" })
  const after = yield* written(ran.file)
  const parted = before === undefined ? undefined : difference(before, after, options.until)
  const said = before === undefined ? undefined : parted === undefined ? "same" : "diverged"
  if (root.json) yield* Console.log(json({ compared: said ?? null, parted: parted ?? null, run: ran.run }))
  else {
    yield* Console.log(told(after, options, before === undefined ? undefined : options.what))
    if (said === "same")
      yield* Console.log(green(`The same run as that of the file: hash ${after.hash}, ${after.events} events`))
    if (before !== undefined && parted !== undefined)
      yield* Console.log(
        [red(`Not the run of the file: ${printable(apart(parted))}`), whyParted(before, after)].join("\n")
      )
  }
  if (parted !== undefined) {
    const problem = `diverged between event ${parted.sameUntil} and ${parted.differentBy}`
    return yield* new SimulationFailed({ problem, exitCode: SimExit.undetermined })
  }
  const exitCode = codeOf(after.verdict)
  if (exitCode !== SimExit.ok)
    return yield* new SimulationFailed({ problem: printableLines(describe(after.verdict)), exitCode })
})
