/**
 * What every contender of the link benchmark does: connect, ask and be answered, and send one way.
 *
 * The first byte of a message says what the receiver does with it: count it, or send it back. Messages keep their
 * order, so an answer proves that everything before it has arrived. Counts are compared at the end of every run.
 */

export const counted = 0
export const sentBack = 1

/** Where to dial; `key` is what must answer, for those who know. */
export interface Address {
  readonly host: string
  readonly port: number
  readonly key: string
}

/** What the receiving end has counted. */
export interface Count {
  messages: number
  bytes: number
}

/** One connection, at the side that dialled. */
export interface Line {
  /** Sends `body` and waits for it to come back, `count` times one after the other; microseconds of each. */
  readonly requests: (body: Uint8Array, count: number) => Promise<Float64Array>
  /** The contender's own sign of life, or the least request where it has none. */
  readonly pings: (count: number) => Promise<Float64Array>
  /** Sends `body` for so many milliseconds, as fast as the line takes it. */
  readonly flood: (body: Uint8Array, millis: number) => Promise<Flood>
  /** Ends the connection, and waits until the other side has let go as well. */
  readonly close: () => Promise<void>
}

export interface Flood {
  readonly messages: number
  /** From the first message to the answer that comes behind the last one. */
  readonly millis: number
}

export type Dial = (address: Address) => Promise<Line>

export interface Contender {
  /** A new listener, with an identity of its own if it has any. It counts and sends back until the process ends. */
  readonly listen: (count: Count) => Promise<Address>
  /** Somebody who dials the listener at `address`, with an identity of its own if it has any. */
  readonly dialler: (address: Address) => Promise<Dial>
}

/** A message of `size` bytes. */
export const message = (tag: number, size: number): Uint8Array => {
  const body = new Uint8Array(size)
  for (let i = 1; i < size; i++) body[i] = i
  body[0] = tag
  return body
}

/** Runs `once` so often, one after the other; microseconds of each. */
export const timed = async (count: number, once: () => Promise<void>): Promise<Float64Array> => {
  const micros = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const from = performance.now()
    await once()
    micros[i] = (performance.now() - from) * 1_000
  }
  return micros
}
