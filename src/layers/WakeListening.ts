/**
 * Wakes the pumps of this process for what others have committed (see `WakesSql`).
 *
 * It listens on a connection of its own. One that is lost is replaced, with growing pauses, and what was said meanwhile
 * is lost for good: so everybody is woken once each time that it listens again.
 */
import { Effect, Layer, Queue, Schema } from "effect"
import { NodeKey } from "../protocol/NodeKey.ts"
import { Notices, wakeChannel } from "../services/delivery/Notices.ts"
import { Wakes } from "../services/delivery/Wakes.ts"

/** The first and the longest pause before the database is asked to listen again, in milliseconds. */
const pause = { first: 100, longest: 5_000 }

const isKey = Schema.is(NodeKey)

/** The peers that notices name; `undefined` if one of them names nobody, or is nothing that this version knows. */
const named = (notices: ReadonlyArray<string>): ReadonlySet<NodeKey> | undefined => {
  const peers = new Set<NodeKey>()
  for (const notice of notices) {
    for (const key of notice.split(",")) {
      if (!isKey(key)) return undefined
      peers.add(key)
    }
  }
  return peers
}

export const layer: Layer.Layer<never, never, Wakes | Notices> = Layer.effectDiscard(
  Effect.gen(function* () {
    const wakes = yield* Wakes
    const notices = yield* Notices
    let losses = 0

    const hear = Effect.gen(function* () {
      const said = yield* notices.listen(wakeChannel)
      if (losses > 0) yield* Effect.logInfo("Other processes are heard again")
      losses = 0
      yield* wakes.wakeAll
      while (true) {
        const peers = named(yield* Queue.takeAll(said))
        yield* peers === undefined ? wakes.wakeAll : Effect.forEach(peers, wakes.wake, { discard: true })
      }
    }).pipe(Effect.scoped)

    const listening = Effect.catchTag(hear, "SqlError", (error) =>
      Effect.gen(function* () {
        if (losses === 0) yield* Effect.logWarning("Other processes cannot be heard now, listening again", error)
        const wait = Math.min(pause.first * 2 ** losses++, pause.longest)
        yield* Effect.sleep(wait)
      })
    )
    yield* Effect.forever(listening).pipe(
      Effect.tapCause((cause) => Effect.logError("The listener to other processes failed", cause)),
      Effect.forkScoped
    )
  })
)
