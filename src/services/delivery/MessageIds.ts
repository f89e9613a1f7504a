/**
 * Ids of messages: UUIDs of version 7, which keep an index local, with random bits that are drawn for many at a time.
 */
import { Clock, Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import type { MessageId } from "../../protocol/delivery/Message.ts"

/** Random bytes of one id, and ids whose bytes are drawn at once. */
const bytesOfOne = 10
const drawnAtOnce = 64

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

/** `random` has ten bytes from `at` on. */
const format = (millis: number, random: Uint8Array, at: number): MessageId => {
  const time = Math.trunc(millis).toString(16).padStart(12, "0")
  const byte = (index: number): number => random[at + index] ?? 0
  const text = (index: number): string => hex[byte(index)] ?? "00"
  const version = hex[(byte(0) & 0x0f) | 0x70] ?? "70"
  const variant = hex[(byte(2) & 0x3f) | 0x80] ?? "80"
  const node = text(4) + text(5) + text(6) + text(7) + text(8) + text(9)
  return `${time.slice(0, 8)}-${time.slice(8)}-${version}${text(1)}-${variant}${text(3)}-${node}`
}

/** Gives another id with every run. */
export const make: Effect.Effect<() => Effect.Effect<MessageId>, never, SecureRandom.SecureRandom> = Effect.gen(
  function* () {
    const random = yield* SecureRandom.SecureRandom
    const clock = yield* Clock.Clock
    let bytes = new Uint8Array(0)
    let at = 0
    const next: Effect.Effect<MessageId> = Effect.suspend(() => {
      if (at < bytes.length) {
        at += bytesOfOne
        return Effect.succeed(format(clock.currentTimeMillisUnsafe(), bytes, at - bytesOfOne))
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
