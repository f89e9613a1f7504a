/**
 * Tells the operator of handlers that take long: whatever a handler waits for, the transaction of its batch waits, with
 * its connection and its locks. A handler does database work only.
 *
 * A warning names the protocol, once a minute for each at most, and says how many were left out.
 */
import { Effect } from "effect"

/** What one message may take, in milliseconds, before it is told. */
const patience = 1_000

/** How often a protocol is named, in milliseconds. */
const silence = 60_000

/** When a protocol was named last, and how often it was not since. No longer than the list of protocols. */
export type Told = Map<string, { readonly at: number; unsaid: number }>

/** Watches the handlers of one batch, which run one after the other. */
export class SlowHandlers {
  readonly #told: Told
  #protocol = ""
  #since = Number.POSITIVE_INFINITY
  constructor(told: Told) {
    this.#told = told
  }

  /** A handler begins at `now`, in monotonic milliseconds. */
  begin(protocol: string, now: number): void {
    this.#protocol = protocol
    this.#since = now
  }

  /** The handler that has begun, if any, is at its end. */
  end(now: number): Effect.Effect<void> {
    const took = now - this.#since
    this.#since = Number.POSITIVE_INFINITY
    return took < patience ? Effect.void : this.#tell(this.#protocol, took, now)
  }

  #tell(protocol: string, took: number, now: number): Effect.Effect<void> {
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
