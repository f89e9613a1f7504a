/**
 * One long world, from its start to the verdict over its properties and its heap.
 */
import { Clock, Effect, Queue } from "effect"
import { describe, isFailure } from "../../testing/cluster/Verdict.ts"
import { printable } from "../../testing/explain/Printable.ts"
import { print } from "../cli/Root.ts"
import { green, red } from "../cli/Style.ts"
import { lasting, list, table } from "../cli/Table.ts"
import type { Ran, Sample } from "./Contract.ts"
import type { Drawing } from "./Drawing.ts"
import { keep, replayWith, written } from "./FailureFolder.ts"
import * as HeapSlope from "./HeapSlope.ts"
import { drawing as drawingLine, Line, type Screen } from "../cli/Line.ts"
import { codeOf, SimExit, SimulationFailed } from "./SimExit.ts"
import * as SimFlags from "./SimFlags.ts"
import * as Workers from "./Workers.ts"

export interface Options {
  /** Of virtual time, under faults. */
  readonly millis: number
  readonly seed: number
  readonly scenario: string
  readonly drawing: Drawing
  readonly folder: string
  readonly preload: string | undefined
  readonly screen: Screen
}

/** Measurements of the heap in one run. */
const measurements = 40
/** However long it is, a run ends after a week. */
const limit = 7 * 86_400_000

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`
const count = (n: number): string => Math.round(n).toLocaleString("en")

interface Outcome {
  readonly ran: Ran
  readonly millis: number
  readonly samples: ReadonlyArray<Sample>
}

const figuresOf = ({ millis, ran: { run }, samples }: Outcome) => {
  const sessions = run.figures["sessions"] ?? 0
  const { bytes, error } = HeapSlope.slope(samples)
  const perCycles = (slope: number) => HeapSlope.perCycles(slope, run.virtualMillis, sessions)
  return {
    seed: run.seed,
    verdict: run.verdict,
    hash: run.hash,
    events: run.events,
    virtualMillis: run.virtualMillis,
    seconds: millis / 1_000,
    eventsPerSecond: (run.events * 1_000) / millis,
    timesRealTime: run.virtualMillis / millis,
    sessions,
    faults: Object.entries(run.figures).reduce((sum, [name, n]) => (name.startsWith("fault: ") ? sum + n : sum), 0),
    messages: run.figures["messages sent"] ?? 0,
    heapBytesAnHour: bytes * 3_600_000,
    heapBytesPerCycles: perCycles(bytes),
    /** The standard error of it. */
    heapErrorPerCycles: perCycles(error),
    heap: samples.map(({ heap, virtualMillis }) => ({ virtualMillis, heap }))
  }
}

type Figures = ReturnType<typeof figuresOf>

const growth = ({ heapBytesPerCycles, heapErrorPerCycles }: Figures): string =>
  `${megabytes(heapBytesPerCycles)} (± ${megabytes(2 * heapErrorPerCycles)}) in ${count(HeapSlope.cycles)} sessions`

const text = (figures: Figures): string => {
  const { heap, verdict } = figures
  const every = Math.max(1, Math.floor(heap.length / 10))
  const rows = heap
    .filter((_, index) => index % every === 0)
    .map((at) => [lasting(at.virtualMillis), megabytes(at.heap)])
  return [
    list([
      ["Verdict", isFailure(verdict) ? red(printable(describe(verdict))) : green("everything held")],
      ["Hash", figures.hash],
      ["Events", `${count(figures.events)}, ${count(figures.eventsPerSecond)} a second`],
      [
        "Time",
        `${lasting(figures.seconds * 1_000)} for ${lasting(figures.virtualMillis)} of virtual time, ${count(figures.timesRealTime)} x real time`
      ],
      [
        "Traffic",
        `${count(figures.sessions)} sessions, ${count(figures.messages)} messages, ${count(figures.faults)} faults that struck`
      ],
      [
        "Heap",
        figures.sessions < HeapSlope.enough
          ? `not judged: ${count(figures.sessions)} sessions say too little, ${count(HeapSlope.enough)} are enough (a longer --virtual)`
          : `${megabytes(figures.heapBytesAnHour)} more in an hour, ${growth(figures)}, ${megabytes(HeapSlope.allowed)} allowed`
      ]
    ]),
    "",
    table(["AFTER", "HEAP"], rows)
  ].join("\n")
}

const carryOut = Effect.fnUntraced(function* (options: Options) {
  const { millis, seed } = options
  const clock = yield* Clock.Clock
  const worker = yield* Workers.start({
    job: { scenario: options.scenario, commit: yield* SimFlags.commit },
    node: ["--expose-gc", ...Workers.importing(options.preload)]
  })
  const samples: Array<Sample> = []
  const progress = new Line(options.screen)
  const begin = clock.currentTimeMillisUnsafe()
  const state = (elapsed: number) => {
    const { heap, virtualMillis } = samples.at(-1) ?? { heap: 0, virtualMillis: 0 }
    const left = virtualMillis === 0 ? "" : `, ${lasting((elapsed * (millis - virtualMillis)) / virtualMillis)} left`
    return `${lasting(virtualMillis)} of ${lasting(millis)}, heap ${megabytes(heap)}${left}`
  }
  yield* Effect.forkScoped(drawingLine(progress, state))
  yield* Effect.forkScoped(
    Effect.forever(Effect.map(Queue.take(worker.samples), (sample) => void samples.push(sample)))
  )
  const drawing = { ...options.drawing, duration: millis }
  const ran = yield* worker.ask({ _tag: "Soak", seed, drawing, every: Math.ceil(millis / measurements) }, limit)
  const outcome: Outcome = { ran, samples, millis: Math.max(1, clock.currentTimeMillisUnsafe() - begin) }
  return outcome
}, Effect.scoped)

export const soak = Effect.fnUntraced(function* (options: Options) {
  const outcome = yield* carryOut(options)
  const figures = figuresOf(outcome)
  yield* print(figures, text)
  const { file: failure } = outcome.ran
  if (failure !== undefined) {
    const file = yield* written(failure)
    const at = yield* keep(options.folder, file)
    const problem = `${describe(file.verdict)}\n${replayWith(file, at, options.scenario)}`
    return yield* new SimulationFailed({ problem, exitCode: codeOf(file.verdict) })
  }
  if (!HeapSlope.isLeak(figures.heapBytesPerCycles, figures.heapErrorPerCycles, figures.sessions)) return
  const problem = `the heap grows by ${growth(figures)}, ${megabytes(HeapSlope.allowed)} are allowed`
  return yield* new SimulationFailed({ problem, exitCode: SimExit.unsafe })
})
