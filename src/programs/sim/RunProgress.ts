/**
 * How far a campaign has come, as one line of a terminal that is drawn again and again.
 */
import { Clock, Effect } from "effect"
import type { Totals } from "../../testing/campaign/Campaign.ts"
import { lasting } from "../cli/Table.ts"

export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly write: (text: string) => unknown
}

/** The line, after so many milliseconds. */
export const line = ({ failed, runs, virtualMillis }: Totals, of: number, millis: number): string => {
  const rate = millis === 0 ? 0 : (runs * 1_000) / millis
  const left = rate === 0 ? "" : `, ${lasting(((of - runs) / rate) * 1_000)} left`
  const failures = failed === 0 ? "" : `, ${failed} FAILED`
  return `${runs} of ${of} seeds, ${rate.toFixed(1)} a second${failures}, ${lasting(virtualMillis)} of virtual time${left}`
}

const clear = "\r\u001b[2K"

/** A line at the bottom of a terminal, below which lines that stay can be written. On anything else only those. */
export class Line {
  readonly #screen: Screen
  constructor(screen: Screen) {
    this.#screen = screen
  }

  draw(text: string): void {
    const { columns = 0, isTTY } = this.#screen
    if (isTTY === true) this.#screen.write(`${clear}${text.slice(0, (columns === 0 ? 100 : columns) - 1)}`)
  }

  /** Writes a line that stays. */
  say(text: string): void {
    this.#screen.write(`${this.#screen.isTTY === true ? clear : ""}${text}\n`)
  }

  remove(): void {
    if (this.#screen.isTTY === true) this.#screen.write(clear)
  }
}

/** Draws it until it is interrupted, and takes it away. */
export const drawing = (line: Line, text: (millis: number) => string): Effect.Effect<never> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const start = clock.currentTimeMillisUnsafe()
    while (true) {
      line.draw(text(clock.currentTimeMillisUnsafe() - start))
      yield* Effect.sleep("250 millis")
    }
  }).pipe(Effect.ensuring(Effect.sync(() => line.remove())))
