/**
 * Who reads a stream of the API: so many at once, each counted until it goes away.
 */
import { Effect, Stream } from "effect"

export class Readers {
  readonly #most: number
  #count = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Whether one more is too many. */
  get isFull(): boolean {
    return this.#count >= this.#most
  }

  /** The stream, whose reader counts from its beginning until its end. */
  counted<A, E, R>(stream: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> {
    const reader = Effect.acquireRelease(
      Effect.sync(() => void this.#count++),
      () => Effect.sync(() => void this.#count--)
    )
    return Stream.unwrap(Effect.as(reader, stream))
  }
}
