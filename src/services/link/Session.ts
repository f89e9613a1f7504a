/**
 * A live session with a peer, as the layers above the link see it, and what they do with it.
 */
import { Context, type Effect } from "effect"
import type { GoodbyeReason, Hello } from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Frames } from "./Inbox.ts"
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
  /** Frames that are neither link messages nor heartbeat, in order. Bounded: while they are too many nothing is read. */
  readonly frames: Frames
  /**
   * Sends a frame in order with other bulk, waiting for room. It says nothing about arrival. The body must not be
   * changed afterwards.
   */
  readonly send: (kind: number, body: Uint8Array) => Effect.Effect<void>
  /** Sends a frame for each body, in their order, as `send` does. */
  readonly sendAll: (kind: number, bodies: ReadonlyArray<Uint8Array>) => Effect.Effect<void>
  /** Sends a frame at once that may be lost: what is oldest of its kind makes room for it. */
  readonly gossip: (kind: number, body: Uint8Array) => void
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
