/**
 * `holdfast chain sync`: waits until the node has the blocks that its peers have, and shows how they come.
 */
import { Clock, Console, Effect } from "effect"
import { Command } from "effect/cli"
import { ProgressLine } from "../cli/ProgressLine.ts"
import { json, print, Root } from "../cli/Root.ts"
import { dim, yellow } from "../cli/Style.ts"
import { lasting } from "../cli/Table.ts"
import * as Flags from "../cli/ValueFlags.ts"
import type { ChainEvent } from "../http/ChainModels.ts"
import { refusedText } from "./ChainText.ts"
import * as SyncText from "./SyncText.ts"
import * as Syncing from "./Syncing.ts"

const noticeOf = (event: ChainEvent): string | undefined =>
  event._tag === "Refused" ? `The chain ${refusedText(event)}` : SyncText.notice(event)

export const SyncCommand = Command.make(
  "sync",
  {
    timeout: Flags.optionally(
      Flags.duration("timeout", "Give up when nothing new has come for so long (default: when it is told to stop)")
    )
  },
  Effect.fnUntraced(function* ({ timeout }) {
    const root = yield* Root
    const begun = yield* Clock.currentTimeMillis
    const text = (state: SyncText.State) => (root.json ? json({ _tag: "Progress", ...state }) : SyncText.line(state))
    const line = new ProgressLine<SyncText.State>(process.stderr, text)
    let at: SyncText.State | undefined
    const tell = Effect.fnUntraced(function* (event: ChainEvent) {
      const said = noticeOf(event)
      if (said === undefined) return
      line.remove()
      if (root.json) yield* Console.log(json(event))
      else line.say(yellow(said))
    })
    const stopped = Effect.sync(() => {
      if (at === undefined || root.json) return
      line.say(dim(`Stopped looking at height ${at.height} of ${at.goal}; the node goes on by itself`))
    })
    const chain = yield* Syncing.untilCaughtUp({
      timeout,
      show: (state, now) => {
        at = state
        line.show(state, now)
      },
      tell,
      gone: Effect.sync(() => line.say(dim("The node is gone, waiting for it to come back")))
    }).pipe(
      Effect.ensuring(Effect.sync(() => line.remove())),
      Effect.onInterrupt(() => stopped)
    )
    const { height, id } = chain.tip
    const millis = (yield* Clock.currentTimeMillis) - begun
    yield* print(
      { _tag: "CaughtUp", height, id, millis },
      () => `Caught up at height ${height}, block ${id}, after ${lasting(millis)}`
    )
  })
).pipe(
  Command.withDescription(
    "Wait until the node has every block that its peers have, and show how they come. The node does that by itself: ending this " +
      "command changes nothing. It says when blocks stop coming, when another branch is better, and when the chain stands before a " +
      "block that the program refuses."
  ),
  Command.withShortDescription("Wait until the node has caught up with its peers"),
  Command.withExamples([
    { command: "holdfast chain sync" },
    { command: "holdfast chain sync --timeout 1m && ./backup", description: "Only once it is up to date" }
  ])
)
