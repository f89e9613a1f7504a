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
  readonly #log: (message: string) => Effect.Effect<void>
  readonly #lines = new TokenBucket(rate, 0)
  #unsaid = 0

  /** All its lines say this, at Info unless `log` is another level's. */
  constructor(message: string, log: (message: string) => Effect.Effect<void> = Effect.logInfo) {
    this.#message = message
    this.#log = log
  }

  /** With this data, unless there were too many. `now` is in monotonic milliseconds. */
  say(data: Readonly<Record<string, unknown>>, now: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.#lines.take(now)) {
        this.#unsaid++
        return Effect.void
      }
      const unsaid = this.#unsaid === 0 ? {} : { unsaid: this.#unsaid }
      this.#unsaid = 0
      return this.#log(this.#message).pipe(Effect.annotateLogs({ ...data, ...unsaid }))
    })
  }
}
