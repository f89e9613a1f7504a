/**
 * How a connection that may become the session with its peer, or is it, comes to its end: which side has said why, in
 * REJECT or GOODBYE (docs/PROTOCOL.md, 4), and what that is to whoever decides when to dial again.
 */
import type * as LinkMessage from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Connection } from "./Connection.ts"
import { type Ended, ended } from "./Ended.ts"
import { goodbye, reject } from "./LastWord.ts"
import type { Outcome } from "./Outcome.ts"

/** What the peer is told, which need not be what this node notes. */
export interface Told {
  readonly detail: string
  readonly retryAfterMillis?: number | undefined
}

export class Parting {
  readonly #connection: Connection
  #reason: Ended = ended("internal", "it has not ended")
  #rejected: Outcome["reject"]
  #left: LinkMessage.Goodbye | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Refuses a connection that is no session, which ends for the reason `why`. */
  reject(reason: LinkMessage.RejectReason, known: bigint, why: Ended, told: Told): void {
    this.#rejected = { by: "us", reason }
    this.#connection.finish(why, reject(reason, known, told.detail, told.retryAfterMillis))
  }

  /** Ends a session for the reason `why`. */
  goodbye(reason: LinkMessage.GoodbyeReason, why: Ended, { detail, retryAfterMillis = 0 }: Told): void {
    this.#connection.finish(why, goodbye(reason, retryAfterMillis, detail))
  }

  /** The peer has refused the connection. */
  rejected({ address, detail, reason, retryAfterMillis }: LinkMessage.Reject): void {
    this.#rejected = { by: "peer", reason, retryAfterMillis, address }
    this.#connection.end(ended("rejected", `${reason}: ${detail}`))
  }

  /** The peer has ended the session. */
  left(said: LinkMessage.Goodbye): void {
    this.#left = said
    this.#connection.end(ended("goodbye", `${said.reason}: ${said.detail}`))
  }

  /** The connection is over. */
  ended(reason: Ended): void {
    this.#reason = reason
  }

  /** With the key at the other end if it is proven, and the session if it was one. */
  outcome(peer: NodeKey | undefined, session: Outcome["session"]): Outcome {
    return { ended: this.#reason, peer, reject: this.#rejected, goodbye: this.#left, session }
  }
}
