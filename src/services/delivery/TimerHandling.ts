/**
 * What a protocol says of its timers: what they carry, and what happens when the time of one has come.
 */
import { Effect, Result, type Schema } from "effect"
import { codec } from "../../protocol/Cbor.ts"

/** A timer whose time has come. */
export interface Timer {
  readonly id: string
  readonly subject: string
  /** Which try this is, from 1: the ones before it have failed, or their process has died. */
  readonly attempts: number
}

export interface Timed<T, J, R> {
  /** What timers of this protocol carry, kept as CBOR. With it goes `onTimer`. */
  readonly timers?: Schema.Codec<T, J>
  /**
   * Runs once the time of a timer has come, in the transaction that also removes the timer: its effect happens once. It
   * does database work only. A failure takes back what it wrote, and it is tried again after a while, for ever.
   */
  readonly onTimer?: (payload: T, timer: Timer) => Effect.Effect<void, Error, R>
}

/** The same with the type of the payload hidden. */
export type OnTimer<R> = (payload: Uint8Array, timer: Timer) => Effect.Effect<void, Error, R>

export interface TimerHandling<T, R> {
  readonly prepareTimer: (payload: T) => Uint8Array
  readonly onTimer: OnTimer<R> | undefined
}

/** `protocol` is the protocol's name. */
export const timerHandling = <T, J, R>(protocol: string, { onTimer, timers }: Timed<T, J, R>): TimerHandling<T, R> => {
  if (timers === undefined || onTimer === undefined) {
    const half = timers === undefined ? onTimer : timers
    if (half !== undefined) throw new RangeError(`"${protocol}" has one of "timers" and "onTimer": give both or none`)
    return { prepareTimer: () => new Uint8Array(), onTimer: undefined }
  }
  const { decode, encode } = codec(`a timer of "${protocol}"`, timers)
  return {
    prepareTimer: encode,
    onTimer: (payload, timer) => {
      const decoded = decode(payload)
      // Another version of this node has set it: it waits until one runs that understands it.
      return Result.isSuccess(decoded) ? onTimer(decoded.success, timer) : Effect.fail(decoded.failure)
    }
  }
}
