/**
 * A terminal that shows one page at a time in the place of what was there, and gives that back at the end.
 *
 * Each page is one write that goes over the old one and erases only what is left of it, so that nothing flickers; one that is the
 * same is not written at all.
 */
import type { Size } from "./View.ts"

export interface Terminal {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  readonly write: (text: string) => unknown
}

/** Another screen, no cursor, and no wrapping of lines. */
const enter = "\u001b[?1049h\u001b[?25l\u001b[?7l"
const leave = "\u001b[?7h\u001b[?25h\u001b[?1049l"
/** Terminals that know these show what is between them at once. */
const begin = "\u001b[?2026h"
const end = "\u001b[?2026l"
const home = "\u001b[H"
const eraseLine = "\u001b[K"
const eraseBelow = "\u001b[J"

export class FullScreen {
  readonly #terminal: Terminal
  #drawn: string | undefined
  #isOpen = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** A terminal that does not know its size says 0 or nothing. */
  get size(): Size {
    return { columns: this.#terminal.columns || 80, rows: this.#terminal.rows || 24 }
  }

  draw(lines: ReadonlyArray<string>): void {
    const page = lines.map((line) => `${line}${eraseLine}`).join("\r\n")
    if (page === this.#drawn) return
    this.#drawn = page
    this.#terminal.write(`${this.#isOpen ? "" : enter}${begin}${home}${page}${eraseBelow}${end}`)
    this.#isOpen = true
  }

  /** Shows again what was there before; may be called twice. */
  close(): void {
    if (this.#isOpen) this.#terminal.write(leave)
    this.#isOpen = false
    this.#drawn = undefined
  }
}
