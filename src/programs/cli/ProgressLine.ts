/**
 * Shows progress on the standard error output: a line that is drawn again and again on a terminal, at most four times a second; a
 * line once in a while elsewhere.
 */
import { Line, type Screen } from "./Line.ts"

/** Between two lines, in milliseconds. */
const onTerminal = 250
const elsewhere = 2_000

export class ProgressLine<State> {
  readonly #line: Line
  readonly #screen: Screen
  readonly #text: (state: State) => string
  #drawnAt = Number.NEGATIVE_INFINITY
  #drawn = ""

  constructor(screen: Screen, text: (state: State) => string) {
    this.#screen = screen
    this.#line = new Line(screen)
    this.#text = text
  }

  /** Shows it, unless the last one was shown a moment ago or says the same. `now` is in milliseconds. */
  show(state: State, now: number): void {
    const isTerminal = this.#screen.isTTY === true
    if (now - this.#drawnAt < (isTerminal ? onTerminal : elsewhere)) return
    const text = this.#text(state)
    if (text === this.#drawn) return
    this.#drawnAt = now
    this.#drawn = text
    if (isTerminal) this.#line.draw(text)
    else this.#line.say(text)
  }

  /** Writes a line that stays, above the one that is drawn. */
  say(text: string): void {
    this.#line.say(text)
    this.#drawnAt = Number.NEGATIVE_INFINITY
    this.#drawn = ""
  }

  /** Takes the line of a terminal away. */
  remove(): void {
    this.#line.remove()
  }
}
