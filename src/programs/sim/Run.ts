/**
 * How a campaign is carried out: its processes, its progress, and its report, also when it is cut short.
 */
import { Clock, Effect } from "effect"
import { printable } from "../cli/Table.ts"
import { Campaigning } from "./Campaigning.ts"
import type { Drawing } from "./Drawing.ts"
import { drawing, Line, type Screen } from "../cli/Line.ts"
import { line } from "./RunProgress.ts"
import { type Report, report, text } from "./RunReport.ts"
import type { Seeds } from "./Seeds.ts"
import * as SimFlags from "./SimFlags.ts"
import * as Workers from "./Workers.ts"

export interface Options {
  readonly seeds: Seeds
  readonly jobs: number
  readonly scenario: string
  readonly drawing: Drawing
  readonly twice: boolean
  readonly folder: string
  readonly stopAfter: number
  readonly preload: string | undefined
  readonly screen: Screen
  readonly show: (report: Report, text: string) => Effect.Effect<void>
}

const firstLine = (words: string): string => printable(words.split("\n", 1).join())

/** Runs it to its end, and shows its report; when it is cut short that of what was run. */
export const carryOut = Effect.fnUntraced(function* (options: Options) {
  const clock = yield* Clock.Clock
  const progress = new Line(options.screen)
  const job = { scenario: options.scenario, commit: yield* SimFlags.commit }
  const start = Workers.start({ job, node: Workers.importing(options.preload) })
  const workers = yield* Effect.all(
    Array.from({ length: options.jobs }, () => start),
    { concurrency: 8 }
  )
  const { scenario, sometimes } = workers[0]!.ready

  const startedAt = clock.currentTimeMillisUnsafe()
  const campaigning = new Campaigning({
    ...options,
    sometimes,
    onFailure: ({ replay, seed, words }) => progress.say(`seed ${seed}: ${firstLine(words)}\n  ${replay}`)
  })
  progress.say(
    `seeds ${options.seeds.words}, to run them again: ${SimFlags.called(process.env)} run --seeds ${options.seeds.words}${SimFlags.argumentsOf(options.drawing, options.scenario)}`
  )
  const { campaign } = campaigning
  const shown = (): Report =>
    report(campaign.totals, Math.max(1, clock.currentTimeMillisUnsafe() - startedAt), {
      scenario,
      profile: options.drawing.profile,
      seeds: options.seeds.words,
      complete: campaigning.complete,
      jobs: options.jobs,
      failures: campaigning.failures,
      missing: campaigning.missing,
      exitCode: campaigning.exitCode
    })
  const show = Effect.suspend(() => {
    progress.remove()
    const last = shown()
    return Effect.as(options.show(last, text(last)), last)
  })
  yield* Effect.forkScoped(drawing(progress, (millis) => line(campaign.totals, options.seeds.count, millis)))
  yield* Effect.all(workers.map(campaigning.run), { concurrency: "unbounded", discard: true }).pipe(
    Effect.onError(() => show)
  )
  return yield* show
})
