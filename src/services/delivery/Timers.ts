/**
 * Durable timers of protocols: what is to happen at a time happens once, whatever dies in between.
 *
 * A timer exists if and only if the transaction that set it commits, and is gone with the transaction that cancels it or
 * in which its protocol's `onTimer` has run. It never runs before its time, and as soon after it as the node can.
 */
import { Context, Duration, Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql/SqlError"
import { maxBody, maxSubject } from "../../protocol/delivery/Message.ts"
import { Transactions } from "../Transactions.ts"
import type { Protocol } from "./Protocol.ts"
import { type Due, TimerStore } from "./TimerStore.ts"
import { TimerWatch } from "./TimerWatch.ts"

/** Longest id of a timer, in characters. */
export const maxId = 256
/** The latest time of a timer: the last that a `Date` can be. */
const latest = 8_640_000_000_000_000

/** A timer that cannot be set as it is. Nothing was stored. */
export class TimerInvalid extends Schema.TaggedError<TimerInvalid>()("TimerInvalid", {
  protocol: Schema.String,
  id: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `timer "${this.id}" of "${this.protocol}" cannot be set: ${this.problem}`
  }
}

interface What<T> {
  /** 1 to 256 characters that no other protocol uses for its timers; a new UUID by default. */
  readonly id?: string | undefined
  readonly protocol: Pick<Protocol<string, unknown, unknown, T>, "name" | "prepareTimer">
  /** What it is about, for people and for the handler; at most 256 characters. */
  readonly subject?: string | undefined
  readonly payload: T
}

export type NewTimer<T> = What<T> &
  (
    | {
        /** A time of the wall clock, in milliseconds since 1970: where the clock is set, the timer goes by what it says then. */
        readonly at: number
      }
    | {
        /** So long from now. Where the clock is set back it is not longer; where it is set forward, as by a sleep, it is over sooner. */
        readonly in: Duration.Input
      }
  )

export class Timers extends Context.Service<
  Timers,
  {
    /**
     * Sets a timer within the caller's transaction, in the place of the one of the same id if there is any; its id. The
     * handler of a timer may set it again.
     */
    readonly set: <T>(timer: NewTimer<T>) => Effect.Effect<string, TimerInvalid | SqlError>
    /**
     * Takes a timer back within the caller's transaction: once that has committed it never runs. `false` if there is
     * none: it was never set, has run, or was cancelled before. Waits if it is just running.
     */
    readonly cancel: (id: string) => Effect.Effect<boolean, SqlError>
  }
>()("holdfast/services/delivery/Timers") {
  static readonly layer: Layer.Layer<
    Timers,
    never,
    SecureRandom.SecureRandom | TimerStore | TimerWatch | Transactions
  > = Layer.effect(
    Timers,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const store = yield* TimerStore
  const random = yield* SecureRandom.SecureRandom
  const transactions = yield* Transactions
  const watch = yield* TimerWatch

  const set = Effect.fn("Timers.set")(function* <T>(timer: NewTimer<T>) {
    const { payload, protocol, subject = "" } = timer
    const id = timer.id ?? (yield* random.uuidV7())
    const invalid = (problem: string) => new TimerInvalid({ protocol: protocol.name, id, problem })
    const now = watch.now()
    const due = dueOf(timer)
    const row = { id, protocol: protocol.name, subject, due, payload: protocol.prepareTimer(payload) }
    const problem = problemOf(row, now.wall)
    if (problem !== undefined) return yield* invalid(problem)
    const woken = watch.wakeFor("in" in due ? due.in : due.at - now.wall)
    if (!(yield* store.set(row, now))) {
      return yield* invalid("a timer of another protocol has this id: begin ids with what is yours alone")
    }
    yield* transactions.afterCommit(woken)
    return id
  })

  return Timers.of({ set, cancel: Effect.fn("Timers.cancel")((id: string) => store.cancel(id)) })
})

const dueOf = <T>(timer: NewTimer<T>): Due =>
  "at" in timer ? { at: Math.ceil(timer.at) } : { in: Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(timer.in))) }

const problemOf = (
  row: { readonly id: string; readonly subject: string; readonly due: Due; readonly payload: Uint8Array },
  now: number
): string | undefined => {
  const { due, id, payload, subject } = row
  if (id.length === 0 || id.length > maxId) return `its id has ${id.length} characters, 1 to ${maxId} are allowed`
  if (subject.length > maxSubject) return `its subject has ${subject.length} characters, ${maxSubject} are allowed`
  for (const [name, text] of Object.entries({ id, subject })) {
    if (text.includes("\0")) return `its ${name} contains NUL`
    if (!text.isWellFormed()) return `its ${name} contains half of a surrogate pair`
  }
  if (payload.length > maxBody) return `its payload has ${payload.length} bytes, ${maxBody} are allowed`
  if ("in" in due && !(due.in >= 0)) return `it waits for ${due.in} ms: give 0 or more`
  const at = "in" in due ? now + due.in : due.at
  return Math.abs(at) <= latest ? undefined : `its time is ${at}: give milliseconds since 1970, ${latest} at most`
}
