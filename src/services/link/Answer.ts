/**
 * A question that is answered at once, or later by somebody else: whoever has asked looks at nothing more until then.
 */
import { Effect } from "effect"

export class Answer {
  #awaited = false
  #resume: (() => void) | undefined

  /** Asks. Nothing has to be waited for if `given` was called before it returns. */
  to(ask: () => void): Effect.Effect<void> | undefined {
    this.#awaited = true
    ask()
    if (!this.#awaited) return undefined
    return Effect.callback((resume) => {
      if (!this.#awaited) return resume(Effect.void)
      this.#resume = () => resume(Effect.void)
    })
  }

  /** It is answered, or nobody needs it any more. */
  given(): void {
    this.#awaited = false
    this.#resume?.()
    this.#resume = undefined
  }
}
