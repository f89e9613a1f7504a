/**
 * What happened to connections, for whoever asks later: the last transitions of peers, and apart from them the last of
 * strangers, so that no crowd of strangers pushes out what happened with a peer.
 */
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Transition } from "./Transition.ts"

interface Entry {
  readonly order: number
  readonly transition: Transition
}

/** The last `limit` entries, and at times as many before them. */
class Ring {
  readonly #limit: number
  #entries: Array<Entry> = []

  constructor(limit: number) {
    this.#limit = limit
  }

  put(entry: Entry): void {
    this.#entries.push(entry)
    if (this.#entries.length >= 2 * this.#limit) this.#entries = this.last
  }

  get last(): Array<Entry> {
    return this.#entries.slice(-this.#limit)
  }
}

/** What this node has begun, and what has been a session: anybody can begin the rest. */
const isOfPeer = ({ direction, session }: Transition): boolean => direction === "outbound" || session !== undefined

export class History {
  readonly #peers: Ring
  readonly #strangers: Ring
  #count = 0

  /** Keeps so many of either. */
  constructor(limit: number) {
    this.#peers = new Ring(limit)
    this.#strangers = new Ring(limit)
  }

  note(transition: Transition): void {
    const ring = isOfPeer(transition) ? this.#peers : this.#strangers
    ring.put({ order: this.#count++, transition })
  }

  /** Oldest first, of one peer if it is given. */
  recent(peer?: NodeKey): ReadonlyArray<Transition> {
    return [...this.#peers.last, ...this.#strangers.last]
      .filter(({ transition }) => peer === undefined || transition.peer === peer)
      .toSorted((a, b) => a.order - b.order)
      .map(({ transition }) => transition)
  }
}
