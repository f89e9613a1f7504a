/**
 * A line over any byte stream: messages behind a 32-bit length, gathered into writes of 64 KiB when they are sent one
 * way. It is what a program would write that has only the stream, in plain code without a dependency.
 */
import type { Duplex } from "node:stream"
import { type Count, type Flood, type Line, message, sentBack, timed } from "./Line.ts"

const headerSize = 4
const batchBytes = 64 * 1024

const frame = (body: Uint8Array): Buffer => {
  const bytes = Buffer.allocUnsafe(headerSize + body.length)
  bytes.writeUInt32BE(body.length)
  bytes.set(body, headerSize)
  return bytes
}

/** What a line needs of a stream. */
export interface ByteStream {
  /** False if it would rather have no more until `drained`. */
  readonly write: (bytes: Uint8Array) => boolean
  readonly drained: () => Promise<void>
  readonly onBytes: (handle: (bytes: Buffer) => void) => void
  readonly onError: (handle: (error: Error) => void) => void
  /** Ends it, and waits until the other side has ended it too. */
  readonly close: () => Promise<void>
}

export const ofDuplex = (stream: Duplex): ByteStream => ({
  write: (bytes) => stream.write(bytes),
  drained: () => new Promise((resolve) => stream.once("drain", () => resolve())),
  onBytes: (handle) => void stream.on("data", handle),
  onError: (handle) => void stream.on("error", handle),
  close: () =>
    new Promise((resolve) => {
      if (stream.destroyed) return resolve()
      stream.once("close", () => resolve())
      stream.end()
    })
})

/** Calls `handle` with every whole message. */
const messages = (stream: ByteStream, handle: (body: Buffer) => void): void => {
  let held: Buffer | undefined
  stream.onBytes((chunk) => {
    const bytes = held === undefined ? chunk : Buffer.concat([held, chunk])
    let at = 0
    while (bytes.length - at >= headerSize) {
      const end = at + headerSize + bytes.readUInt32BE(at)
      if (end > bytes.length) break
      handle(bytes.subarray(at + headerSize, end))
      at = end
    }
    held = at === bytes.length ? undefined : bytes.subarray(at)
  })
}

/** The side that was dialled. */
export const answer = (stream: ByteStream, count: Count): void =>
  messages(stream, (body) => {
    if (body[0] === sentBack) return void stream.write(frame(body))
    count.messages++
    count.bytes += body.length
  })

/** The side that was dialled, on a stream of Node. */
export const answerDuplex = (stream: Duplex, count: Count): void => {
  stream.on("error", () => stream.destroy())
  stream.on("end", () => stream.end())
  answer(ofDuplex(stream), count)
}

/** The side that has dialled. Its ping is the least request. */
export const ask = (stream: ByteStream): Line => {
  let answered: () => void = () => undefined
  let failure: Error | undefined
  stream.onError((error) => {
    failure = error
    answered()
  })
  messages(stream, () => answered())
  const request = (body: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      answered = () => (failure === undefined ? resolve() : reject(failure))
      stream.write(frame(body))
    })

  const flood = async (body: Uint8Array, millis: number): Promise<Flood> => {
    const size = headerSize + body.length
    const perBatch = Math.max(1, Math.floor(batchBytes / size))
    const from = performance.now()
    let sent = 0
    while (performance.now() - from < millis) {
      const batch = Buffer.allocUnsafe(perBatch * size)
      for (let at = 0; at < batch.length; at += size) {
        batch.writeUInt32BE(body.length, at)
        batch.set(body, at + headerSize)
      }
      sent += perBatch
      if (!stream.write(batch)) await stream.drained()
    }
    await request(message(sentBack, 64))
    return { messages: sent, millis: performance.now() - from }
  }

  const least = message(sentBack, 8)
  return {
    requests: (body, count) => timed(count, () => request(body)),
    pings: (count) => timed(count, () => request(least)),
    flood,
    close: stream.close
  }
}
