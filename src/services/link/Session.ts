/**
 * A live session with a peer, as the layers above the link see it, and what they do with it.
 */
import { Context, type Effect, type Queue } from "effect"
import type { Frame } from "../../protocol/link/Frame.ts"
import type { GoodbyeReason, Hello } from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Direction } from "./Wire.ts"

export interface Session {
  readonly peer: NodeKey
  /** The number that both sides know this session by. */
  readonly number: bigint
  readonly direction: Direction
  /** Where the other end is, as `host:port`. */
  readonly remote: string
  /** What the peer said of itself. */
  readonly hello: Hello
  /** Frames that are neither link messages nor heartbeat, in order. Bounded: a full queue stops the reading. */
  readonly frames: Queue.Dequeue<Frame>
  /** Sends a frame in order with other bulk, waiting for room. It says nothing about arrival. */
  readonly send: (kind: number, body: Uint8Array) => Effect.Effect<void>
  /** Says GOODBYE and ends the session. */
  readonly close: (reason: GoodbyeReason, detail: string) => Effect.Effect<void>
}

/**
 * What runs on every live session. It is started once the handler of the peer's previous session has ended, and is
 * interrupted when the session ends; if it ends by itself, so does the session.
 */
export class SessionHandler extends Context.Service<
  SessionHandler,
  {
    readonly run: (session: Session) => Effect.Effect<void>
  }
>()("holdfast/services/link/Session/SessionHandler") {}
