/**
 * The sessions that take part in announcements, and what is kept of their peers: how fast they may speak, and when they
 * were last spoken to. That outlasts their sessions, so that nobody gains by coming again.
 *
 * Of peers without a session those that came last are kept, up to a limit.
 */
import type { NodeKey } from "../NodeKey.ts"
import { type Rate, TokenBucket } from "../link/TokenBucket.ts"
import type { Reach } from "./Reach.ts"

/** Peers without a session whose rates are remembered. */
const maxAbsent = 1_024

/** What is kept of a peer over its sessions. */
export interface Account {
  readonly frames: TokenBucket
  sendAt: number
  sessions: number
}

/** One session. */
export interface Neighbour {
  readonly peer: NodeKey
  readonly reach: Reach
  readonly account: Account
  /** How far in the order of news it has been told. */
  toldTo: number
}

export class Neighbours {
  readonly #frames: Rate
  readonly #sessions = new Map<number, Neighbour>()
  readonly #accounts = new Map<NodeKey, Account>()
  #lastId = 0

  /** Of each peer, `frames` at the most. */
  constructor(frames: Rate) {
    this.#frames = frames
  }

  /** Sessions. */
  get size(): number {
    return this.#sessions.size
  }

  get(id: number): Neighbour | undefined {
    return this.#sessions.get(id)
  }

  /** In the order in which they have joined. */
  entries(): Iterable<readonly [id: number, neighbour: Neighbour]> {
    return this.#sessions.entries()
  }

  values(): Iterable<Neighbour> {
    return this.#sessions.values()
  }

  /** A session that has been told nothing yet. Returns its name here, which no other one gets. */
  join(peer: NodeKey, reach: Reach, now: number): number {
    const id = ++this.#lastId
    const account = this.#accounts.get(peer) ?? {
      frames: new TokenBucket(this.#frames, now),
      sendAt: Number.NEGATIVE_INFINITY,
      sessions: 0
    }
    account.sessions++
    // The one that came last is forgotten last.
    this.#accounts.delete(peer)
    this.#accounts.set(peer, account)
    this.#sessions.set(id, { peer, reach, account, toldTo: 0 })
    return id
  }

  leave(id: number): void {
    const neighbour = this.#sessions.get(id)
    if (neighbour === undefined) return
    this.#sessions.delete(id)
    neighbour.account.sessions--
    let absent = this.#accounts.size - this.#sessions.size
    for (const [peer, { sessions }] of this.#accounts) {
      if (absent <= maxAbsent) return
      if (sessions > 0) continue
      this.#accounts.delete(peer)
      absent--
    }
  }
}
