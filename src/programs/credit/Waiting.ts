/**
 * Looks at something of credit until it is over, and tells how that goes, also over restarts of the node.
 */
import { Clock, Console, Effect } from "effect"
import { ProgressLine } from "../cli/ProgressLine.ts"
import { json, Root } from "../cli/Root.ts"
import { dim } from "../cli/Style.ts"
import { isAbsent } from "../cli/Watching.ts"

/** How often it looks. */
const every = "200 millis"

export interface Options<A, E, R> {
  /** What there is now; the node must be there at the start. */
  readonly look: Effect.Effect<A, E, R>
  readonly isOver: (now: A) => boolean
  readonly text: (now: A) => string
  /** What is said when it is interrupted: whatever it is goes on without this command. */
  readonly stopped: string
}

/** What it was in the end. */
export const untilOver = Effect.fnUntraced(function* <A, E, R>({ isOver, look, stopped, text }: Options<A, E, R>) {
  const root = yield* Root
  const line = new ProgressLine<A>(process.stderr, (now) => (root.json ? json({ progress: text(now) }) : text(now)))
  const looking = Effect.gen(function* () {
    let isGone = false
    let last = yield* look
    while (!isOver(last)) {
      line.show(last, yield* Clock.currentTimeMillis)
      yield* Effect.sleep(every)
      const next = yield* Effect.catchIf(look, isAbsent, () => Effect.succeed(undefined))
      if (next === undefined && !isGone) line.say(dim("The node is gone, waiting for it to come back"))
      isGone = next === undefined
      last = next ?? last
    }
    return last
  })
  return yield* looking.pipe(
    Effect.ensuring(Effect.sync(() => line.remove())),
    Effect.onInterrupt(() => (root.json ? Effect.void : Console.error(dim(stopped))))
  )
})
