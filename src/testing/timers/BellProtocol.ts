/**
 * The protocol of the timers scenario: no messages, and timers that ring, fail now and then, or set the next one.
 */
import { Clock, Effect, Random, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql/SqlError"
import * as Protocol from "../../services/delivery/Protocol.ts"
import type { Timer } from "../../services/delivery/TimerHandling.ts"
import { type TimerInvalid, Timers } from "../../services/delivery/Timers.ts"
import { TimerBook } from "./TimerBook.ts"

/** What happens when a timer's time has come. */
export const Mood = Schema.Literals([
  /** It rings. */
  "plain",
  /** It fails now and then, before or after it has rung in its transaction, and rings when it does not. */
  "fails",
  /** It rings, and sets its successor under the same id. */
  "again"
])
export type Mood = typeof Mood.Type

const Payload = Schema.Struct({ key: Schema.String, mood: Mood })
type Payload = typeof Payload.Type

/** A timer fails because it is in the mood. */
class OutOfOrder extends Schema.TaggedError<OutOfOrder>()("OutOfOrder", {
  when: Schema.Literals(["before", "after"])
}) {
  override get message(): string {
    return `out of order ${this.when} it rang`
  }
}

type Services = TimerBook | Timers | SecureRandom.SecureRandom

const failShare = 0.3
/** Tries that may fail: with more of them a wait may be longer than the quiet end of a run. */
const failTries = 4
/** Milliseconds from one ring of a timer to the next. */
const round = 2_000

const onTimer = Effect.fnUntraced(function* ({ key, mood }: Payload, { attempts, id }: Timer) {
  const book = yield* TimerBook
  const draw = mood === "fails" && attempts <= failTries ? yield* Random.next : 1
  if (draw < failShare / 2) return yield* new OutOfOrder({ when: "before" })
  yield* book.write({ _tag: "Rang", id, key, at: yield* Clock.currentTimeMillis })
  if (draw < failShare) return yield* new OutOfOrder({ when: "after" })
  if (mood === "again") yield* set({ id, mood: "plain", in: round })
})

export const BellProtocol: Protocol.Protocol<"bell", never, Services, Payload> = Protocol.make("bell", {
  messages: Schema.Never,
  handle: () => Effect.void,
  timers: Payload,
  onTimer
})

/** Sets a timer and writes it into the book, in the caller's transaction. */
export const set = ({
  id,
  mood,
  ...due
}: { readonly id: string; readonly mood: Mood } & ({ readonly at: number } | { readonly in: number })): Effect.Effect<
  void,
  SqlError | TimerInvalid,
  Services
> =>
  Effect.gen(function* () {
    const { uuidV4 } = yield* SecureRandom.SecureRandom
    const key = yield* uuidV4()
    const dueAt = "at" in due ? due.at : (yield* Clock.currentTimeMillis) + due.in
    yield* (yield* TimerBook).write({ _tag: "Set", id, key, dueAt, plain: mood !== "fails" })
    yield* (yield* Timers).set({ ...due, id, protocol: BellProtocol, payload: { key, mood } })
  })
