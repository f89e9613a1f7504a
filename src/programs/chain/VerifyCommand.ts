/**
 * `holdfast chain verify`: checks every stored block from the first one on, and names the first that is not as it must be.
 */
import { Clock, Effect, Schema, Stream } from "effect"
import { Command } from "effect/cli"
import { ask } from "../cli/Client.ts"
import * as Claims from "../cli/Claims.ts"
import { ProgressLine } from "../cli/ProgressLine.ts"
import { json, print, Root } from "../cli/Root.ts"
import { green, red } from "../cli/Style.ts"
import { printable } from "../cli/Table.ts"
import { ExitCode } from "../ExitCode.ts"
import { Unavailable } from "../http/ApiErrors.ts"
import type { VerifyItem } from "../http/ChainModels.ts"
import { counted } from "./ChainText.ts"
import { bar } from "./SyncText.ts"

/** The stored chain is broken: exit code 1, for scripts. */
export class ChainFaulty extends Schema.TaggedError<ChainFaulty>()("ChainFaulty", { height: Schema.Int }) {
  readonly exitCode = ExitCode.findings
  readonly fix =
    "Stop the node, and restore its database from a backup, or give it another database and let it fetch the chain anew."
  override get message(): string {
    return `The stored chain is broken at height ${this.height}`
  }
}

type Checking = Extract<VerifyItem, { readonly _tag: "Checking" }>
type Result = Extract<VerifyItem, { readonly _tag: "Sound" | "Broken" }>

const lineOf = ({ height, of }: Checking): string => {
  const percent = Claims.percent(height, of)
  return `${bar(percent)} checked ${height} of ${of} (${percent.toFixed(1)}%)`
}

export const resultText = (result: Result): string => {
  if (result._tag === "Broken") return `${red("Broken")} at height ${result.height}: ${printable(result.problem)}`
  const pruned = result.pruned === 0 ? "" : `; the items of ${result.pruned} are not kept, of those only the headers`
  return `${green("Sound")}: ${counted(result.height + 1, "block")} up to height ${result.height}${pruned}`
}

/** The last item, which is the result; `see` is told of all others. */
const check = Effect.fnUntraced(function* (see: (item: Checking) => Effect.Effect<void>) {
  let result: Result | undefined
  const take = Effect.fnUntraced(function* (item: VerifyItem) {
    if (item._tag === "Checking") return yield* see(item)
    if (item._tag === "Failed") return yield* new Unavailable({ message: item.message, fix: item.fix })
    result = item
  })
  yield* Stream.runForEach(Stream.unwrap(ask((client) => client.chain.verify())), take)
  return (
    result ??
    (yield* new Unavailable({ message: "the check has come to no end", fix: "Try again; see the node's log." }))
  )
})

export const VerifyCommand = Command.make(
  "verify",
  {},
  Effect.fnUntraced(function* () {
    const root = yield* Root
    const line = new ProgressLine<Checking>(process.stderr, (item) => (root.json ? json(item) : lineOf(item)))
    const see = (item: Checking) => Effect.map(Clock.currentTimeMillis, (now) => line.show(item, now))
    const result = yield* Effect.ensuring(
      check(see),
      Effect.sync(() => line.remove())
    )
    yield* print(result, resultText)
    if (result._tag === "Broken") return yield* new ChainFaulty({ height: result.height })
  })
).pipe(
  Command.withDescription(
    "Check every stored block from the first one on: headers by the rules of the chain, links, items, heights, the tip. Nothing is " +
      "changed. Exit code 1 if one is not as it must be, which is named. The node goes on meanwhile."
  ),
  Command.withShortDescription("Check all stored blocks"),
  Command.withExamples([{ command: "holdfast chain verify" }, { command: "holdfast chain verify --json" }])
)
