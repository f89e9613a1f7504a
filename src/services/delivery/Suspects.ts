/**
 * Which messages were being handled when something ended, so that one that ends the process whenever it is handled is found
 * (docs/PROTOCOL.md, 7.3): what the database remembers of other processes, and what this one knows of itself.
 *
 * A process that goes on was not ended. Here a handling counts only if it had no end either: if it was cut off after longer
 * than any handling may take. That its database failed, or that its session ended meanwhile, says nothing of a message.
 */
import type { MessageId } from "../../protocol/delivery/Message.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Claimed } from "./RetryStore.ts"

interface Suspect {
  readonly id: MessageId
  /** How often it counts. */
  readonly times: number
  /** What the database says, if nobody else has written since. */
  readonly written: number
}

/** Of all links of this process; at most one of each. */
export class Suspects {
  readonly #known = new Map<NodeKey, Suspect>()
  /** Claims in a row of which nothing came that could have been handled. */
  readonly #idle = new Map<NodeKey, number>()

  /**
   * A link is claimed: another process may have had it meanwhile, and knows better. Of so many claims nothing has come that
   * was handled, although something was there.
   */
  claimed({ accused, fruitless, peer, suspect }: Claimed): number {
    const idle = this.#idle.get(peer) ?? 0
    this.#idle.set(peer, Math.min(idle, fruitless) + 1)
    const known = this.#known.get(peer)
    if (suspect === undefined) this.#known.delete(peer)
    else if (known?.id !== suspect || known.written !== accused)
      this.#known.set(peer, { id: suspect, times: accused, written: accused })
    return fruitless - Math.min(idle, fruitless)
  }

  /** Something has come on a link that was claimed. */
  busy(peer: NodeKey): void {
    const idle = this.#idle.get(peer) ?? 0
    this.#idle.set(peer, Math.max(0, idle - 1))
  }

  /** How often the message counts that is handled next, if this time ends the process. */
  next(peer: NodeKey, id: MessageId): number {
    const known = this.#known.get(peer)
    return (known?.id === id ? known.times : 0) + 1
  }

  /** The database says so, as far as is known, before the message is handled. */
  named(peer: NodeKey, id: MessageId, times: number): void {
    this.#known.set(peer, { id, times: times - 1, written: times })
  }

  /** It was cut off, after longer than any handling may take. */
  hung(peer: NodeKey): void {
    const known = this.#known.get(peer)
    if (known !== undefined) this.#known.set(peer, { ...known, times: known.written })
  }

  /** It was handled. */
  cleared(peer: NodeKey): void {
    this.#known.delete(peer)
    this.#idle.delete(peer)
  }
}
