/**
 * A channel without a network: a test feeds what comes in, sees what was written, and holds writes back.
 */
import { Cause, Effect, Latch, Queue } from "effect"
import type { Channel } from "../../src/services/link/Wire.ts"

/** The only way in which the channel fails: the test said so. */
export class ChannelError extends Error {
  readonly kind: "closed" | "network" | "violation"
  constructor(kind: ChannelError["kind"]) {
    super(`the test ends the channel: ${kind}`)
    this.kind = kind
  }
}

export interface FakeChannel {
  readonly channel: Channel<ChannelError>
  /** Bytes from the peer. */
  readonly feed: (bytes: Uint8Array) => void
  readonly fail: (kind: ChannelError["kind"]) => void
  /** Every write, each as the frames it carried. */
  readonly writes: Array<ReadonlyArray<Uint8Array>>
  /** Closed: writes wait. */
  readonly gate: Latch.Latch
  /** Whether the writing side has been ended. */
  readonly ended: () => boolean
}

export const make = Effect.gen(function* () {
  const incoming = yield* Queue.unbounded<Uint8Array, ChannelError>()
  const gate = Latch.makeUnsafe(true)
  const writes: FakeChannel["writes"] = []
  let ended = false
  const fake: FakeChannel = {
    channel: {
      pull: (take) =>
        Effect.map(Queue.takeAll(incoming), (chunks) => {
          for (const chunk of chunks) take(chunk)
        }),
      write: (chunks) =>
        gate.whenOpen(
          Effect.sync(() => {
            writes.push(chunks)
          })
        ),
      end: Effect.sync(() => {
        ended = true
      })
    },
    feed: (bytes) => void Queue.offerUnsafe(incoming, bytes),
    fail: (kind) => void Queue.failCauseUnsafe(incoming, Cause.fail(new ChannelError(kind))),
    writes,
    gate,
    ended: () => ended
  }
  return fake
})
