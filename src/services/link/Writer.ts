/**
 * Writes what a connection has queued. There is a fiber only while there is something to write: it begins after the turn
 * in which the first frame was queued, so that all of that turn share one write. Between two writes all others have their
 * turn, however fast the peer takes them. A large one is written in portions, each of which the peer has its time for: who
 * takes a little at a time is slow, and no reason to begin anew with another connection.
 */
import { Cause, Effect, Fiber, Option } from "effect"
import { Portions } from "../../protocol/link/Portions.ts"
import { PortionSize } from "../../protocol/link/PortionSize.ts"
import type { Alarm } from "./Alarms.ts"
import type { Ground } from "./Ground.ts"
import { type Ended, ended } from "./Ended.ts"
import type { SendQueue } from "./SendQueue.ts"
import type { Channel } from "./Wire.ts"

export interface Options<E extends Error> {
  readonly ground: Ground
  readonly queue: SendQueue
  readonly channel: Channel<E>
  readonly describe: (error: E) => Ended
  /** Everything has been written, and nothing more will be: what is left to do before the end. */
  readonly drained: () => Effect.Effect<void>
  readonly failed: (reason: Ended) => void
}

/** Bytes that are written before all others have their turn. */
const turnBytes = 256 * 1024

export class Writer<E extends Error> {
  readonly #options: Options<E>
  #fiber: Fiber.Fiber<void> | undefined
  #stopped = false
  #since: number | undefined
  #alarm: Alarm | undefined
  readonly #size: PortionSize

  constructor(options: Options<E>) {
    this.#options = options
    this.#size = new PortionSize(options.ground.config.writeTimeout)
    this.wake()
  }

  /** Something has been queued, or nothing more will be. */
  wake(): void {
    const { ground, queue } = this.#options
    if (this.#fiber !== undefined || this.#stopped || (queue.bytes === 0 && !queue.closed)) return
    this.#fiber = ground.fork(Effect.andThen(Effect.yieldNow, this.#drain()))
  }

  /** Writes nothing more. */
  stop(): void {
    this.#stopped = true
    this.#alarm?.cancel()
    this.#fiber?.interruptUnsafe()
  }

  #drain(): Effect.Effect<void> {
    const { describe, drained, failed, ground, queue } = this.#options
    let chunks: ReadonlyArray<Uint8Array> = []
    const written = (): Effect.Effect<void> => {
      this.#since = undefined
      return queue.bytes > 0 ? Effect.yieldNow : Effect.void
    }
    const write = (): Effect.Effect<void, E> => Effect.flatMap(this.#write(new Portions(chunks)), written)
    const late = ground.points.pass("link.taken-before-written")
    const once = late === Effect.void ? Effect.suspend(write) : Effect.flatMap(late, write)
    const more = (): boolean => {
      chunks = queue.take()
      return chunks.length > 0
    }
    return Effect.whileLoop({ while: more, body: () => once, step: () => undefined }).pipe(
      Effect.flatMap(() => {
        this.#fiber = undefined
        // Something may have been queued since it was looked, if others had their turn in between.
        if (queue.bytes > 0) return Effect.sync(() => this.wake())
        this.#stopped ||= queue.closed
        return queue.closed ? drained() : Effect.void
      }),
      Effect.catchCause((cause) =>
        Effect.sync(() => {
          const error = Cause.findErrorOption(cause)
          failed(Option.isSome(error) ? describe(error.value) : crashed("writer", cause))
        })
      )
    )
  }

  /** Writes all of it, so much at a time as the peer has been seen to take in time. */
  #write(chunks: Portions): Effect.Effect<void, E> {
    const { channel, ground } = this.#options
    const { left } = chunks
    if (left <= this.#size.bytes) {
      this.#watch()
      return channel.write(chunks.all)
    }
    let inTurn = 0
    const part = (): Effect.Effect<void, E> => {
      const begin = this.#watch()
      const { bytes } = this.#size
      inTurn += bytes
      return Effect.map(channel.write(chunks.take(bytes)), () => {
        if (chunks.left > 0) this.#size.took(ground.alarms.now - begin)
      })
    }
    const inNextTurn = Effect.suspend(() => {
      this.#since = undefined
      inTurn = 0
      return Effect.flatMap(Effect.yieldNow, part)
    })
    const next = (): Effect.Effect<void, E> => (inTurn + this.#size.bytes > turnBytes ? inNextTurn : part())
    return Effect.whileLoop({ while: () => chunks.left > 0, body: next, step: () => undefined })
  }

  /** One alarm is enough for many writes: it looks how long the one has taken that it finds. When this one begins. */
  #watch(): number {
    const { alarms, config } = this.#options.ground
    const begin = alarms.now
    this.#since = begin
    if (this.#alarm === undefined) this.#judgeAt(begin + config.writeTimeout)
    return begin
  }

  #judgeAt(due: number): void {
    this.#alarm = this.#options.ground.alarms.set(due, (now) => this.#judge(now, now - due))
  }

  #judge(now: number, lateMillis: number): void {
    const { failed, ground } = this.#options
    const { standstill, writeTimeout } = ground.config
    this.#alarm = undefined
    if (this.#since === undefined) return
    // This node itself stood still: nobody could see meanwhile what the peer has taken.
    if (lateMillis > standstill) this.#since = now
    const due = this.#since + writeTimeout
    if (now >= due) failed(ended("slow", "the peer does not take what is written"))
    else this.#judgeAt(due)
  }
}

/** A fiber of a connection that should not have failed. */
export const crashed = (part: string, cause: Cause.Cause<unknown>): Ended =>
  ended("internal", `the ${part} failed: ${Cause.pretty(cause)}`)
