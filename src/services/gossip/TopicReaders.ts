/**
 * Who in this process reads which topic. A topic without a reader is unknown here.
 *
 * Each reader has a queue of its own, so that a slow one costs nobody else anything.
 */
import { type Cause, Effect, Queue, type Scope, Stream } from "effect"
import type { NodeKey } from "../../protocol/NodeKey.ts"

/** What a neighbour has said about a topic. */
export interface Received {
  readonly peer: NodeKey
  readonly topic: string
  readonly body: Uint8Array
}

type Reader = Queue.Queue<Received, Cause.Done>

export class TopicReaders {
  readonly #queue: number
  readonly #topics = new Map<string, Set<Reader>>()

  /** `queue`: what a reader may be behind before it misses the oldest. */
  constructor(queue: number) {
    this.#queue = queue
  }

  has(topic: string): boolean {
    return this.#topics.has(topic)
  }

  tell(received: Received): void {
    for (const reader of this.#topics.get(received.topic) ?? []) Queue.offerUnsafe(reader, received)
  }

  /** Everything that is told from when this returns, until the scope closes: then the stream ends. */
  read(topic: string): Effect.Effect<Stream.Stream<Received>, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.map(Queue.sliding<Received, Cause.Done>(this.#queue), (reader) => {
        this.#topics.set(topic, (this.#topics.get(topic) ?? new Set()).add(reader))
        return reader
      }),
      (reader) => {
        const readers = this.#topics.get(topic)
        readers?.delete(reader)
        if (readers?.size === 0) this.#topics.delete(topic)
        return Queue.end(reader)
      }
    ).pipe(Effect.map(Stream.fromQueue))
  }
}
