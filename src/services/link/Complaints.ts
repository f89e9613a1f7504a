/**
 * Lines of the log that strangers cause: so many, however many strangers come, so that nobody fills the log. Each line
 * says how many were left out before it.
 */
import { Effect } from "effect"
import { TokenBucket } from "../../protocol/link/TokenBucket.ts"

/** Lines at once, and lines a second. */
const rate = { burst: 10, perSecond: 1 }

export class Complaints {
  readonly #message: string
  readonly #lines = new TokenBucket(rate, 0)
  #unsaid = 0

  /** All its lines say this. */
  constructor(message: string) {
    this.#message = message
  }

  /** At Info, with this data, unless there were too many. `now` is in monotonic milliseconds. */
  say(data: Readonly<Record<string, unknown>>, now: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.#lines.take(now)) {
        this.#unsaid++
        return Effect.void
      }
      const unsaid = this.#unsaid === 0 ? {} : { unsaid: this.#unsaid }
      this.#unsaid = 0
      return Effect.logInfo(this.#message).pipe(Effect.annotateLogs({ ...data, ...unsaid }))
    })
  }
}
