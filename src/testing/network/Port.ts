/** A port that somebody listens at, and the connections that wait there to be accepted. */
import type { End } from "./End.ts"
import type { Stack } from "./Stack.ts"

/** A connection that is being established; stale once that has come to nothing. */
export interface Half {
  readonly stale: boolean
  readonly forget: () => void
}

export class Port {
  readonly stack: Stack
  readonly number: number
  readonly #halves = new Set<Half>()
  #waiting: Array<End> = []
  #take: ((end: End) => void) | undefined
  #accepting = false

  constructor(stack: Stack, number: number) {
    this.stack = stack
    this.number = number
    stack.ports.add(this)
    stack.host.ports.set(number, this)
  }

  get open(): boolean {
    return this.stack.ports.has(this)
  }

  /** Whether another connection may begin here; it counts from now on. */
  admits(half: Half): boolean {
    if (this.#halves.has(half)) return true
    for (const other of this.#halves) if (other.stale) this.forget(other)
    if (!this.stack.host.mayWait(this.#halves.size + this.#waiting.length)) return false
    this.#halves.add(half)
    return true
  }

  /** A connection has not been established in time. */
  forget(half: Half): void {
    this.#halves.delete(half)
    half.forget()
  }

  /** A connection is established. */
  arrived(half: Half, end: End): void {
    this.#halves.delete(half)
    if (!this.open) return end.drop(this.stack.host.dark ? "silence" : "rst")
    this.#waiting.push(end)
    this.admit()
  }

  /** Accepts, as far as the host may have more connections. */
  admit(): void {
    if (this.#accepting || this.#waiting.length === 0 || this.#take === undefined) return
    this.#accepting = true
    this.stack.enter(this.#accept)
  }

  /** Whoever takes the connections. */
  takeAll(take: (end: End) => void): void {
    this.#take = take
    this.#accept()
  }

  /** Nobody listens any more. Those who wait hear that, or nothing if the host is dead to the world. */
  close(how: "rst" | "fin" | "silence" = "rst"): void {
    if (!this.open) return
    this.stack.ports.delete(this)
    if (this.stack.host.ports.get(this.number) === this) this.stack.host.ports.delete(this.number)
    this.#take = undefined
    for (const end of this.#waiting.splice(0)) end.drop(how)
  }

  readonly #accept = (): void => {
    this.#accepting = false
    while (this.#take !== undefined && this.#waiting.length > 0 && this.stack.host.mayOpen()) {
      const end = this.#waiting.shift()!
      end.hold()
      this.#take(end)
    }
  }
}
