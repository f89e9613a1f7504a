/**
 * What the end of a connection says of a Bitcoin node, from which follows when it is dialled again, if ever
 * (`protocol/bitcoin/Restarts.ts`). Pure: what failed and how far the peer had come go in.
 */
import type * as Handshake from "../../protocol/bitcoin/Handshake.ts"
import type * as MessageFrame from "../../protocol/bitcoin/MessageFrame.ts"
import * as PayloadLimits from "../../protocol/bitcoin/PayloadLimits.ts"
import type { Ending } from "../../protocol/bitcoin/Restarts.ts"
import type { Ended } from "../link/Ended.ts"

/** How far a peer had come. */
export interface Progress {
  /** The handshake is over. */
  readonly isOver: boolean
  /** The peer has said that it will not have this node. */
  readonly isUnwanted: boolean
  /** The peer has said what it is. */
  readonly isKnown: boolean
}

/** Of an end that did not come from this node. */
export const ofReason = (reason: Ended["reason"], { isKnown, isOver, isUnwanted }: Progress): Ending => {
  // What failed here is not the peer's doing.
  if (reason === "shutdown" || reason === "internal") return "closed"
  if (!isOver && isUnwanted) return "unsuitable"
  // Whoever is ending, or starting, may still accept: nothing is known of a peer that has said nothing.
  if (!isOver) return isKnown ? "handshake" : "unreachable"
  return reason === "silent" || reason === "slow" ? "silent" : "lost"
}

/** Of a peer whose bytes make no sense any more. */
export const ofInvalid = ({ command, reason }: MessageFrame.MessageInvalid): Ending => {
  if (reason === "magic") return "network"
  return command !== undefined && PayloadLimits.isOwnChoice(command) ? "unsuitable" : "misbehaved"
}

/** Of a handshake that this node does not go on with. */
export const ofObjection: Readonly<Record<Handshake.Objection, Ending>> = {
  self: "self",
  obsolete: "unsuitable",
  services: "unsuitable",
  agent: "agent"
}
