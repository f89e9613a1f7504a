/**
 * How links to Bitcoin nodes speak: messages instead of frames, `ping` and `pong` as heartbeat. Connections, heartbeats,
 * queues and limits are those of every wire.
 *
 * There is no channel of its own and nobody proves who he is: what is known of a peer is where it is.
 */
import { Result } from "effect"
import * as Beat from "../../protocol/bitcoin/Beat.ts"
import * as Command from "../../protocol/bitcoin/Command.ts"
import * as MessageFrame from "../../protocol/bitcoin/MessageFrame.ts"
import * as PayloadLimits from "../../protocol/bitcoin/PayloadLimits.ts"
import type { Network } from "../../protocol/bitcoin/Network.ts"
import type { Frame } from "../../protocol/link/Frame.ts"
import type { ChannelClosed, ChannelFailed } from "../link/ChannelFailure.ts"
import { type Ended, ended } from "../link/Ended.ts"
import type { Ground } from "../link/Ground.ts"
import type * as Wire from "../link/Wire.ts"

class Decoder extends MessageFrame.Decoder implements Wire.FrameDecoder {
  readonly #later: MessageFrame.Limits

  constructor(network: Network, later: MessageFrame.Limits) {
    super(network, PayloadLimits.early)
    this.#later = later
  }

  established(): void {
    this.limits = this.#later
  }
}

const ping = Command.kindOf("ping")
const pong = Command.kindOf("pong")

/** Those that are too short are none: nodes skip them, and so does whoever has the connection. */
const beat = ({ body, kind }: Frame): Wire.Beat | undefined => {
  if (kind !== ping && kind !== pong) return undefined
  const nonce = Beat.ping.decode(body)
  if (Result.isFailure(nonce)) return undefined
  return { _tag: kind === ping ? "Ping" : "Pong", nonce: nonce.success }
}

/** What the end of a plain channel means. */
export const describe = (error: ChannelClosed | ChannelFailed): Ended =>
  ended(error._tag === "ChannelClosed" ? "closed" : "network", error.message)

/** Messages of this network, with payloads up to the limits once the handshake is over. */
export const framing = (network: Network, limits: MessageFrame.Limits): Ground["wire"] => ({
  decoder: () => new Decoder(network, limits),
  kindOf: (message) => Command.kindOf(MessageFrame.commandOf(message)),
  classOf: Command.classOf,
  headerSize: MessageFrame.headerSize,
  ping: (nonce) => MessageFrame.encode(network, "ping", Beat.ping.encode(nonce)),
  pong: (nonce) => MessageFrame.encode(network, "pong", Beat.pong.encode(nonce)),
  beat
})
