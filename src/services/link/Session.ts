/**
 * A live session with a peer, as the layers above the link see it, and what they do with it.
 */
import { Context, type Effect } from "effect"
import type { GoodbyeReason, Hello } from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Frames } from "./Inbox.ts"
import type { Direction } from "./Wire.ts"

/**
 * One lane of a session, from its opening to its end. What was sent on it may not have arrived when it is lost: whoever
 * has a stream there goes on from the position that the other side tells on the next one of that number, on which
 * nothing of this one arrives any more.
 */
export interface SessionLane {
  readonly number: number
  /** STREAM frames that have come on it, in order, with room of its own. Those of lane 0 are the session's frames. */
  readonly frames: Frames
  /** Sends a STREAM frame in order with others of this lane, waiting for room. The body must not be changed afterwards. */
  readonly send: (body: Uint8Array) => Effect.Effect<void>
  readonly sendAll: (bodies: ReadonlyArray<Uint8Array>) => Effect.Effect<void>
  /** Returns when it is over. */
  readonly lost: Effect.Effect<void>
}

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
  /** How many lanes the session may have, with lane 0, its own connection; 1 if either side wants no more. */
  readonly lanes: number
  /** Those that are open, with lane 0. */
  readonly openLanes: ReadonlyArray<number>
  /**
   * The lane of this number once it is open. Lost ones are opened again while the session lives. A number from `lanes`
   * on is a defect; `Lanes.laneOf` gives the number for a stream.
   */
  readonly lane: (number: number) => Effect.Effect<SessionLane>
  /**
   * The peer has just brought something new that this node wanted. Of strangers those who did so last are the last to make
   * room for others.
   */
  readonly useful: () => void
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
