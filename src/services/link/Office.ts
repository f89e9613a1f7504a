/**
 * What all conversations of a node have in common: whom they ask, and whom they tell what has become of them.
 */
import type { Fiber } from "effect"
import type * as Handshake from "../../protocol/link/Handshake.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Gate } from "./BanGate.ts"
import type { Connection } from "./Connection.ts"
import type { Entrance } from "./Entrance.ts"
import type { Ground } from "./Ground.ts"
import type { Again } from "./LaneKeeper.ts"
import type { LiveSession } from "./LiveSession.ts"
import type { Member, Registry } from "./Registry.ts"
import type { RunningSession } from "./RunningSession.ts"
import type { Home } from "./SessionLanes.ts"

export interface Office extends Ground {
  readonly registry: Registry["Service"]
  readonly self: Handshake.Self
  /** The HELLO to a peer, as it is now. */
  readonly greeting: (peer: NodeKey) => Uint8Array
  readonly entrance: Entrance
  readonly gate: Gate
  /** A conversation is this session from now on. */
  readonly activated: (session: RunningSession) => void
  /** A conversation has ended. */
  readonly closed: (member: Member) => void
  /** The live session of this number that this peer has dialled, as the home of a lane. */
  readonly home: (peer: NodeKey, session: bigint) => Home | undefined
  /** A connection is a lane of a session from now on. */
  readonly joined: (connection: Connection) => void
  /** Keeps the lanes of a session open that this node has dialled, if it has any. `again` dials its other end once more. */
  readonly keep: (session: RunningSession, again: Again) => Fiber.Fiber<void> | undefined
  /** Runs the handler of a session, after the peer's last one. */
  readonly handle: (session: LiveSession, connection: Connection) => Fiber.Fiber<void>
}
