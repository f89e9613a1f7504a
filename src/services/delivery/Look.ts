/**
 * What makes a pump look again: something was committed in the database, or something else has changed for it.
 */
import { Effect, Latch } from "effect"

export class Look {
  /** Set while there may be something in the database that has no number. */
  database = true
  readonly #latch = Latch.makeUnsafe(true)

  /** Something was committed, or became due. */
  wake(): void {
    this.database = true
    this.#latch.openUnsafe()
  }
  /** There is room, or numbered messages were handed over. */
  open(): void {
    this.#latch.openUnsafe()
  }
  /** From now on `wait` waits for the next change. */
  close(): void {
    this.#latch.closeUnsafe()
  }
  /** Ends at once if something has changed since `close`. */
  readonly wait: Effect.Effect<void> = Effect.suspend(() => this.#latch.await)
  get isOpen(): boolean {
    return this.#latch.isOpen()
  }
}
