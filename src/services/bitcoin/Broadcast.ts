/**
 * Messages for several readers, each with a queue of its own that is bounded in bytes. Who falls behind misses the newest,
 * and is told how many: nobody's slowness holds up a peer, and memory is bounded whatever peers send.
 */
import { Effect, type Scope, Stream } from "effect"
import type { Frame } from "../../protocol/link/Frame.ts"
import { Inbox } from "../link/Inbox.ts"

/** What a peer has said, beside its handshake, its pings and its wishes. */
export interface Message extends Frame {
  /** The connection that it came on. */
  readonly peer: number
  readonly command: string
  /** Messages that this reader has missed since the one before, for want of room. */
  readonly missed: number
}

/** Bytes that wait for one reader at the most, beside one message. */
const room = 4 * 1024 * 1024

interface Reader {
  readonly inbox: Inbox<Message>
  missed: number
}

export class Broadcast {
  readonly #readers = new Set<Reader>()
  readonly #missed: () => void

  /** `missed` is called for every message that a reader misses. */
  constructor(missed: () => void = () => undefined) {
    this.#missed = missed
  }

  publish(message: Omit<Message, "missed">): void {
    for (const reader of this.#readers) {
      if (reader.inbox.full) {
        reader.missed++
        this.#missed()
        continue
      }
      reader.inbox.put({ ...message, missed: reader.missed })
      reader.missed = 0
    }
  }

  /** Everything that was published in this turn can be read. */
  flush(): void {
    for (const { inbox } of this.#readers) inbox.wake()
  }

  /** From now on. */
  readonly stream: Stream.Stream<Message> = Stream.unwrap(
    Effect.map(this.#reader, ({ inbox }) => Stream.flattenIterable(Stream.fromEffectRepeat(inbox.takeAll)))
  )

  get #reader(): Effect.Effect<Reader, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => {
        const reader: Reader = { inbox: new Inbox(room), missed: 0 }
        this.#readers.add(reader)
        return reader
      }),
      (reader) => Effect.sync(() => this.#readers.delete(reader))
    )
  }
}
