/**
 * Everything between a socket and who handles frames, over chunks that a test gives: records are opened, frames cut, and
 * a connection reads, answers pings and ends. No socket, no handshake, no time.
 */
import { Effect, FiberSet, Scope } from "effect"
import * as Socket from "effect/socket/Socket"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as Record from "../../../src/protocol/link/Record.ts"
import { none } from "../../../src/services/Buggify.ts"
import { Alarms } from "../../../src/services/link/Alarms.ts"
import { ChannelClosed, type ChannelFailed } from "../../../src/services/link/ChannelFailure.ts"
import { Connection, type Owner } from "../../../src/services/link/Connection.ts"
import { type Ended, ended } from "../../../src/services/link/Ended.ts"
import type { Ground } from "../../../src/services/link/Ground.ts"
import * as HoldfastWire from "../../../src/services/link/HoldfastWire.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import { SecureChannel } from "../../../src/services/link/SecureChannel.ts"
import { keyOf } from "../LinkNode.ts"

const key = new Uint8Array(32).fill(7)
const rekeyInterval = 5

/** What came of a stream. */
export interface Read {
  readonly frames: ReadonlyArray<Frame.Frame>
  /** Kinds of the frames that were answered. */
  readonly answers: ReadonlyArray<number>
  readonly ended: Ended
}

/** The bytes that a peer sends who writes these plaintexts, one after the other. */
export const sealed = (plaintexts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const sealer = new Record.Sealer(key, { rekeyInterval })
  return Uint8Array.from(Buffer.concat(plaintexts.map((plaintext) => sealer.seal([plaintext]))))
}

/** Chunks of a thousand records each that together carry one small frame, byte by byte. */
export const full = (count: number): ReadonlyArray<Uint8Array> => {
  const sealer = new Record.Sealer(key, { rekeyInterval })
  const frame = Frame.encode(Frame.Kind.Data, new Uint8Array(count * 1_000 - Frame.headerSize))
  const records = Array.from(frame, (byte) => Uint8Array.from(sealer.seal([Uint8Array.of(byte)])))
  return Array.from({ length: count }, (_, at) => Buffer.concat(records.slice(at * 1_000, (at + 1) * 1_000)))
}

const closed = new Socket.SocketError({ reason: new Socket.SocketCloseError({ code: 1000 }) })

/** A channel on which copies of these chunks come, and then an orderly end. */
const channelOf = (chunks: ReadonlyArray<Uint8Array>): SecureChannel => {
  let at = 0
  const pull = Effect.suspend(() => {
    const chunk = chunks[at++]
    return chunk === undefined ? Effect.fail(closed) : Effect.succeed<[Uint8Array]>([Uint8Array.from(chunk)])
  })
  return new SecureChannel(keyOf(1), {
    pull,
    writer: { write: () => Effect.void, writeAll: () => Effect.void },
    writeScope: Scope.makeUnsafe(),
    rxKey: key,
    txKey: key,
    early: [],
    rekeyInterval
  })
}

const describe = (error: ChannelClosed | ChannelFailed): Ended =>
  error instanceof ChannelClosed ? ended("closed", error.message) : ended("violation", error.message)

/** Gives a function that reads chunks to their end, on a connection that is a session already or not yet. */
export const make = Effect.gen(function* () {
  const alarms = yield* Alarms.make
  const fork = yield* FiberSet.makeRuntime<never, void>()
  return (chunks: ReadonlyArray<Uint8Array>, isSession = true): Effect.Effect<Read> =>
    Effect.suspend(() => {
      const frames: Array<Frame.Frame> = []
      const answers: Array<number> = []
      const ground: Ground = {
        wire: HoldfastWire.framing,
        tap: { sent: (_, kind) => void answers.push(kind), received: () => undefined },
        config: LinkConfig.defaults,
        points: none,
        alarms,
        fork
      }
      const owner: Owner = {
        handle: (frame) => {
          frames.push(frame)
          return undefined
        },
        caughtUp: () => undefined,
        violated: (reason) => connection.end(reason),
        onEnded: () => undefined
      }
      const connection = new Connection(ground, owner, {
        id: 1,
        direction: "inbound",
        remote: "",
        host: "",
        nonce: 0n,
        phase: 0.5
      })
      if (isSession) connection.established()
      answers.length = 0
      return Effect.map(connection.run(channelOf(chunks), describe), (reason) => ({ frames, answers, ended: reason }))
    })
})
