/**
 * Whether seeds make one run each: twice in one process, and once more in each of several that are not alike.
 */
import { Console, Effect } from "effect"
import type { Ran } from "./Contract.ts"
import type { Drawing } from "./Drawing.ts"
import { json, Root } from "../cli/Root.ts"
import { green, red } from "../cli/Style.ts"
import { list, printable, table } from "../cli/Table.ts"
import { apart } from "./Campaigning.ts"
import { drawing as drawingLine, Line, type Screen } from "../cli/Line.ts"
import { SimExit, SimulationFailed } from "./SimExit.ts"
import { type Variant, variants } from "./Variants.ts"
import * as Workers from "./Workers.ts"

export interface Options {
  readonly sample: number
  readonly from: number
  readonly scenario: string
  readonly drawing: Drawing
  readonly jobs: number
  readonly processes: number
  readonly preload: string | undefined
  readonly screen: Screen
}

/** A seed whose runs differ. */
interface Difference {
  readonly seed: number
  /** The process in which it differs from the first one. */
  readonly where: string
  readonly detail: string
}

/** What was seen so far. */
class Comparison {
  /** Hash and number of events of each seed, in the first process. */
  readonly first = new Map<number, Ran["run"]>()
  readonly differences: Array<Difference> = []
  runs = 0
  events = 0

  twice({ parted, run }: Ran): void {
    this.runs += 2
    this.events += 2 * run.events
    this.first.set(run.seed, run)
    const { seed, verdict } = run
    if (parted !== undefined) this.differences.push({ seed, where: "one process", detail: apart(parted) })
    else if (verdict._tag === "Leaked")
      this.differences.push({ seed, where: "one process", detail: `${verdict.what} was used` })
  }

  again(where: string, { run }: Ran): void {
    this.runs++
    this.events += run.events
    const first = this.first.get(run.seed)
    if (first === undefined || (first.hash === run.hash && first.events === run.events)) return
    const detail = `hash ${run.hash} after ${run.events} events, not ${first.hash} after ${first.events}`
    this.differences.push({ seed: run.seed, where, detail })
  }
}

/** Takes all seeds through several processes of one kind. */
const through = Effect.fnUntraced(function* (
  options: Options,
  count: number,
  twice: boolean,
  add: (ran: Ran) => void,
  variant?: Variant
) {
  const job = { scenario: options.scenario, commit: "" }
  const node = [...(variant?.node ?? []), ...Workers.importing(options.preload)]
  const seeds = Array.from({ length: options.sample }, (_, index) => options.from + index).values()
  const one = Effect.gen(function* () {
    const worker = yield* Workers.start({ job, node, env: variant?.env, program: variant?.program })
    for (const seed of seeds) add(yield* worker.ask({ _tag: "Draw", seed, drawing: options.drawing, twice }))
  }).pipe(Effect.scoped)
  yield* Effect.all(
    Array.from({ length: Math.min(count, options.sample) }, () => one),
    { concurrency: "unbounded", discard: true }
  )
})

const show = Effect.fnUntraced(function* (options: Options, kinds: ReadonlyArray<Variant>, comparison: Comparison) {
  const root = yield* Root
  const { differences, events, first, runs } = comparison
  const hashes = new Set([...first.values()].map(({ hash }) => hash)).size
  const processes = ["twice in one process", ...kinds.map(({ name }) => name)]
  const seeds = first.size
  if (root.json)
    return yield* Console.log(
      json({ seeds, profile: options.drawing.profile, runs, events, hashes, processes, differences })
    )
  yield* Console.log(
    list([
      [
        "Seeds",
        `${options.from}..${options.from + seeds}, profile ${options.drawing.profile}: ${hashes} distinct hashes`
      ],
      ["Runs", `${runs.toLocaleString("en")}, ${events.toLocaleString("en")} events`],
      ...processes.map((name) => ["Process", name] as const),
      ["Verdict", differences.length === 0 ? green("every seed made one run") : red(`${differences.length} differ`)]
    ])
  )
  if (differences.length === 0) return
  const rows = differences.slice(0, 20).map(({ detail, seed, where }) => [String(seed), where, printable(detail)])
  yield* Console.log(`\n${table(["SEED", "PROCESS", "DIFFERENCE"], rows)}`)
})

export const determinism = Effect.fnUntraced(function* (options: Options) {
  // Without compilation there is no embedded database.
  const drawing = options.processes > 0 ? { ...options.drawing, database: "memory" as const } : options.drawing
  const kinds = yield* variants(options.processes, options.scenario)
  const comparison = new Comparison()
  const progress = new Line(options.screen)
  const all = options.sample * (2 + kinds.length)
  const drawn = yield* Effect.forkScoped(drawingLine(progress, () => `${comparison.runs} of ${all} runs`))
  const checked = { ...options, drawing }
  yield* Effect.gen(function* () {
    yield* through(checked, options.jobs, true, (ran) => comparison.twice(ran))
    for (const kind of kinds)
      yield* through(checked, options.jobs, false, (ran) => comparison.again(kind.name, ran), kind)
  }).pipe(Effect.onInterrupt(() => show(checked, kinds, comparison)))
  drawn.interruptUnsafe()
  progress.remove()
  yield* show(checked, kinds, comparison)
  const [one] = comparison.differences
  if (one === undefined) return
  const problem = `seed ${one.seed} makes different runs (${one.where})`
  return yield* new SimulationFailed({ problem, exitCode: SimExit.undetermined })
})
