/**
 * Shows on the standard error output how a command catches up with its peers, until it has.
 */
import { Clock, Effect } from "effect"
import { Manager } from "../../services/bitcoin/Manager.ts"
import { json, Root } from "../cli/Root.ts"
import type { Whom } from "./BitcoinFlags.ts"
import * as Progress from "./Progress.ts"
import { ProgressLine } from "../cli/ProgressLine.ts"
import type { Reach } from "./Reach.ts"
import * as Syncing from "./Syncing.ts"

export interface Given extends Whom {
  /** It gives up when nothing is new for so long, in milliseconds. */
  readonly timeout: number
}

/** Until it is over or interrupted. */
export const untilCaughtUp = Effect.fnUntraced(function* (given: Given, reach: () => Reach, subject: Syncing.Subject) {
  const manager = yield* Manager
  const { json: isJson } = yield* Root
  const clock = yield* Clock.Clock
  const text = (state: Progress.State) =>
    isJson ? json({ _tag: "Progress", ...state }) : Progress.line(state, subject.noun)
  const line = new ProgressLine<Progress.State>(process.stderr, text)
  const options: Syncing.Options = {
    manager,
    named: given.connect.map(String),
    reach,
    timeout: given.timeout,
    show: (state) => line.show(state, clock.currentTimeMillisUnsafe())
  }
  return yield* Effect.ensuring(
    Syncing.untilCaughtUp(options, subject),
    Effect.sync(() => line.remove())
  )
})
