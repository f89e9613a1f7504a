/**
 * What a node says on its live sessions beside the messages of its protocols: gossip, and a chain if it keeps one. Each has frame
 * kinds of its own, whose frames may come at any time, also before RESUME (docs/PROTOCOL.md, 10 and 11).
 */
import { Context, type Effect, type Scope } from "effect"
import type { ChainClaim } from "../../protocol/chain/ChainClaim.ts"
import type { Frame } from "../../protocol/link/Frame.ts"
import type { Session } from "./Session.ts"

/** What speaks on live sessions beside delivery, with frame kinds of its own. */
export interface Beside {
  readonly kinds: ReadonlyArray<number>
  /** With this peer until the scope closes, which is when the session ends. It comes before any frame of the session. */
  readonly join: (session: Session) => Effect.Effect<void, never, Scope.Scope>
  /**
   * Takes a frame at once; whatever has to be waited for is done elsewhere. The body may be a view of much else that came with it: what
   * is kept for long is copied. A sentence says how it breaks the protocol, and ends the session.
   */
  readonly receive: (session: Session, frame: Frame) => string | undefined
}

/** The chain that a node speaks of, with `ChainMessage.kinds`. */
export interface LinkedChain extends Beside {
  /** What a HELLO that is made now says of it. Its id and its genesis never change. */
  readonly claim: () => ChainClaim
}

/**
 * The chain of this node, if it keeps one. It is read while the node is built. What it takes part in is guarded (`ChainGate.ts`): only
 * sessions whose sides have both said which chain they keep, and keep the same.
 */
export class NodeChain extends Context.Reference<LinkedChain | undefined>("holdfast/services/link/Beside/NodeChain", {
  defaultValue: () => undefined
}) {}
