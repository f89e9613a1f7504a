/**
 * A line of a terminal that is drawn again and again, as progress is.
 */
import { Clock, Effect } from "effect"

export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly write: (text: string) => unknown
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
