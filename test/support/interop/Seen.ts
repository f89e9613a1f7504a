/** Things that a test has seen, in order, and waiting for one of them: those that have been seen count as well. */
import { Effect } from "effect"

/** How long to wait for what must come, in milliseconds: what hangs ends, and a busy machine does not reach it. */
const patience = 60_000

/** Things that are kept; the oldest go. */
const mostKept = 20_000

export class Seen<A> {
  readonly #show: (item: A) => string
  readonly #waiting = new Set<() => void>()
  #kept: Array<A> = []
  #gone = 0

  constructor(show: (item: A) => string) {
    this.#show = show
  }

  /** All that are kept. */
  get all(): ReadonlyArray<A> {
    return this.#kept
  }

  /** How many have been seen: the place of the next one. */
  get count(): number {
    return this.#gone + this.#kept.length
  }

  add(item: A): void {
    this.#kept.push(item)
    if (this.#kept.length > 2 * mostKept) {
      this.#gone += mostKept
      this.#kept = this.#kept.slice(mostKept)
    }
    for (const look of this.#waiting) look()
  }

  /** From this place on. */
  since(place: number): ReadonlyArray<A> {
    return this.#kept.slice(Math.max(0, place - this.#gone))
  }

  /**
   * The first one from this place on that gives something, and what it gives, once the turn is over in which it came. Dies
   * after a minute with the last that were seen; `what` is the test's name for what it waits for.
   */
  until<B>(what: string, pick: (item: A) => B | undefined, place = 0): Effect.Effect<B> {
    const found = Effect.callback<B>((resume) => {
      let next = place
      const look = (): void => {
        const items = this.since(next)
        next = this.count
        for (const item of items) {
          const picked = pick(item)
          if (picked === undefined) continue
          this.#waiting.delete(look)
          return resume(Effect.succeed(picked))
        }
      }
      this.#waiting.add(look)
      look()
      return Effect.sync(() => void this.#waiting.delete(look))
    })
    const late = Effect.suspend(() =>
      Effect.die(new Error(`no ${what} within ${patience} ms; last seen:\n${this.tail(40)}`))
    )
    const inTime = Effect.timeoutOrElse(found, { duration: patience, orElse: () => late })
    return Effect.tap(inTime, () => Effect.yieldNow)
  }

  /** The last of them, a line each. */
  tail(most: number): string {
    return this.#kept
      .slice(-most)
      .map((item) => this.#show(item))
      .join("\n")
  }
}
