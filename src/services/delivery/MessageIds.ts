/**
 * Ids of messages: UUIDs of version 7, which keep an index local, in the order of their making, with random bits that
 * are drawn for many at a time.
 */
import { Clock, Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import type { MessageId } from "../../protocol/delivery/Message.ts"

/** Random bytes of one id, and ids whose bytes are drawn at once. */
const bytesOfOne = 10
const drawnAtOnce = 64

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

/** Ids of one millisecond are counted in twelve bits. */
const mostInOne = 0xfff

/** `random` has ten bytes from `at` on. */
const format = (millis: number, count: number, random: Uint8Array, at: number): MessageId => {
  const time = millis.toString(16).padStart(12, "0")
  const text = (index: number): string => hex[random[at + index] ?? 0] ?? "00"
  const variant = hex[((random[at + 2] ?? 0) & 0x3f) | 0x80] ?? "80"
  const node = text(4) + text(5) + text(6) + text(7) + text(8) + text(9)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count.toString(16).padStart(3, "0")}-${variant}${text(3)}-${node}`
}

/** Times and counts that only grow, whatever the clock does: ids of one process are in the order of their making. */
class Order {
  millis = 0
  count = 0
  /** `start` is where the ids of a new millisecond begin to count, less than half of what there is. */
  next(now: number, start: number): void {
    const later = Math.trunc(now) > this.millis
    if (!later && this.count < mostInOne) this.count++
    else {
      this.millis = later ? Math.trunc(now) : this.millis + 1
      this.count = start
    }
  }
}

/** Gives another id with every run. */
export const make: Effect.Effect<() => Effect.Effect<MessageId>, never, SecureRandom.SecureRandom> = Effect.gen(
  function* () {
    const random = yield* SecureRandom.SecureRandom
    const clock = yield* Clock.Clock
    let bytes = new Uint8Array(0)
    let at = 0
    const order = new Order()
    const next: Effect.Effect<MessageId> = Effect.suspend(() => {
      if (at < bytes.length) {
        const start = (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)) & (mostInOne >> 1)
        order.next(clock.currentTimeMillisUnsafe(), start)
        const id = format(order.millis, order.count, bytes, at)
        at += bytesOfOne
        return Effect.succeed(id)
      }
      return Effect.flatMap(random.randomBytes(bytesOfOne * drawnAtOnce), (drawn) => {
        bytes = new Uint8Array(drawn)
        at = 0
        return next
      })
    })
    return () => next
  }
)
