/**
 * Names that were noted, each for a while, and no more than so many of them: beyond the limit the one that was noted
 * longest ago is forgotten. Times are milliseconds of a clock of the caller's.
 */
export class Remembered<Name> {
  readonly #most: number
  readonly #millis: number
  /** When each is forgotten; the one noted last comes last. */
  readonly #until = new Map<Name, number>()

  /** `millis` may be infinite. */
  constructor(most: number, millis: number) {
    this.#most = most
    this.#millis = millis
  }

  get size(): number {
    return this.#until.size
  }

  /** Remembers it from now on, anew if it is known. */
  note(name: Name, now: number): void {
    this.#until.delete(name)
    this.#until.set(name, now + this.#millis)
    if (this.#until.size > this.#most) for (const [oldest] of this.#until) return this.forget(oldest)
  }

  has(name: Name, now: number): boolean {
    const until = this.#until.get(name)
    if (until === undefined) return false
    if (now < until) return true
    this.#until.delete(name)
    return false
  }

  forget(name: Name): void {
    this.#until.delete(name)
  }

  clear(): void {
    this.#until.clear()
  }
}
