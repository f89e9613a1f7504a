/**
 * Tells the operator of handlers that take long: whatever a handler waits for, the transaction of its batch waits, with
 * its connection and its locks. A handler does database work only.
 *
 * A warning names the protocol, once a minute for each at most, and says how many were left out.
 */
import { Effect } from "effect"

/** What one handler may take, in milliseconds, before it is told. */
const patience = 1_000

/** How often a protocol is named, in milliseconds. */
const silence = 60_000

export class SlowHandlers {
  /** When a protocol was named last, and how often it was not since. No longer than the list of protocols. */
  readonly #told = new Map<string, { readonly at: number; unsaid: number }>()

  /** A handler of this protocol took so long; monotonic milliseconds. */
  ended(protocol: string, took: number, now: number): Effect.Effect<void> {
    if (took < patience) return Effect.void
    const before = this.#told.get(protocol)
    if (before !== undefined && now - before.at < silence) {
      before.unsaid++
      return Effect.void
    }
    this.#told.set(protocol, { at: now, unsaid: 0 })
    return Effect.annotateLogs(
      Effect.logWarning(
        "A handler takes long and holds up its link and its transaction: it should do database work only"
      ),
      { protocol, milliseconds: Math.round(took), unsaid: before?.unsaid ?? 0 }
    )
  }
}
