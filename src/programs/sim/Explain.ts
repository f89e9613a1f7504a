/**
 * The explanation of a failure, from its file alone.
 */
import { Console, Effect, FileSystem } from "effect"
import type { FailureFile } from "../../testing/campaign/FailureFile.ts"
import * as FailurePage from "../../testing/explain/FailurePage.ts"
import * as FailureText from "../../testing/explain/FailureText.ts"
import { print } from "../cli/Root.ts"
import { read } from "./FailureFolder.ts"
import { SimulationMisused } from "./SimExit.ts"

export interface Options {
  readonly file: string
  readonly output: string | undefined
  readonly text: boolean
  readonly node: string | undefined
  /** Milliseconds of the run. */
  readonly until: number | undefined
}

/** The number of the last event at or before a millisecond. */
const eventAt = ({ trace }: FailureFile, millis: number): number =>
  trace.findLast(({ at }) => at <= millis * 1_000)?.n ?? 0

const page = Effect.fnUntraced(function* (file: FailureFile, { file: path, output }: Options) {
  const fs = yield* FileSystem.FileSystem
  if (output !== undefined && /\.json$/i.test(output))
    return yield* new SimulationMisused({ problem: `${output}: a page is no .json, and failures are: name an .html` })
  const to = output ?? `${path.replace(/\.json$/i, "")}.html`
  yield* Effect.mapError(
    fs.writeFileString(to, FailurePage.explain(file, { path })),
    ({ message }) => new SimulationMisused({ problem: `the page cannot be written: ${message}` })
  )
  yield* print({ page: to }, () => `The page is ${to}`)
})

export const explain = Effect.fnUntraced(function* (options: Options) {
  const { node, text, until } = options
  if (text && options.output !== undefined)
    return yield* new SimulationMisused({ problem: "--output is for the page: leave out --text, or redirect the text" })
  if (!text && (node !== undefined || until !== undefined))
    return yield* new SimulationMisused({ problem: "--node and --until are for the text: add --text" })
  const file = yield* read(options.file)
  if (!text) return yield* page(file, options)
  const last = until === undefined ? undefined : eventAt(file, until)
  yield* Console.log(FailureText.text(file, { node, until: last, path: options.file }).trimEnd())
})
