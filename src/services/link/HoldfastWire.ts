/**
 * The native wire: Noise, then records, then frames (docs/PROTOCOL.md, 2 and 3). There is no plaintext mode.
 */
import { Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { Offence } from "../../protocol/link/Ban.ts"
import * as Frame from "../../protocol/link/Frame.ts"
import * as RateLimit from "../../protocol/link/RateLimit.ts"
import { Buggify } from "../Buggify.ts"
import { ChannelClosed, ChannelFailed, HandshakeFailed } from "./ChannelFailure.ts"
import { type Ended, ended } from "./Ended.ts"
import { Identity } from "./Identity.ts"
import * as Handshaking from "./Handshaking.ts"
import { type Beat, type FrameDecoder, type Speech, Wire } from "./Wire.ts"

/** A ping or pong without a nonce, or with more. */
export class BeatMalformed extends Schema.TaggedError<BeatMalformed>()("BeatMalformed", { length: Schema.Natural }) {
  override get message(): string {
    return `a ping or pong carries 8 bytes, this one ${this.length}`
  }
}

class Decoder extends Frame.Decoder implements FrameDecoder {
  established(): void {
    this.maxFrame = Frame.maxOnSession
  }
}

const encodeBeat = (kind: number, nonce: bigint): Uint8Array => {
  const body = new Uint8Array(8)
  new DataView(body.buffer).setBigUint64(0, nonce)
  return Frame.encode(kind, body)
}

const beat = ({ body, kind }: Frame.Frame): Beat | Error | undefined => {
  if (kind !== Frame.Kind.Ping && kind !== Frame.Kind.Pong) return undefined
  if (body.length !== 8) return new BeatMalformed({ length: body.length })
  const nonce = new DataView(body.buffer, body.byteOffset, 8).getBigUint64(0)
  return { _tag: kind === Frame.Kind.Ping ? "Ping" : "Pong", nonce }
}

const describe = (error: Error): Ended => {
  if (error instanceof HandshakeFailed) return ended("handshake-failed", error.message)
  if (error instanceof ChannelClosed) return ended("closed", error.message)
  if (!(error instanceof ChannelFailed)) return ended("network", error.message)
  switch (error.reason._tag) {
    case "SocketLost":
    case "WritingEnded":
      return ended("network", error.message)
    case "RecordTruncated":
      return ended("truncated", error.message)
    default:
      return ended("violation", error.message)
  }
}

const offence = (error: Error): Offence | undefined => {
  if (!(error instanceof HandshakeFailed)) return undefined
  if (error.reason._tag === "NotHoldfast") return "wrong-magic"
  return error.reason._tag === "MessageOversized" ? "oversized-handshake" : undefined
}

/** Frames and heartbeats, without the channel. */
export const framing: Omit<Speech<Error>, "name" | "open" | "describe" | "offence"> = {
  decoder: () => new Decoder(),
  kindOf: Frame.kindOf,
  classOf: RateLimit.classOf,
  headerSize: Frame.headerSize,
  ping: (nonce) => encodeBeat(Frame.Kind.Ping, nonce),
  pong: (nonce) => encodeBeat(Frame.Kind.Pong, nonce),
  beat
}

export const layer: Layer.Layer<Wire, never, Identity | SecureRandom.SecureRandom> = Layer.effect(
  Wire,
  Effect.gen(function* () {
    const { accept, initiate } = yield* Handshaking.make
    const points = yield* Buggify
    return Wire.of({
      name: "holdfast",
      open: (socket, direction, expected) =>
        Effect.map(
          direction === "outbound"
            ? initiate(socket, { expected, points, writesAtOnce: true })
            : accept(socket, { points, writesAtOnce: true }),
          (channel) => ({ peer: channel.peer, channel })
        ),
      describe,
      offence,
      ...framing
    })
  })
)
