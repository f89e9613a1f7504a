/**
 * What every session has to itself: its pongs answer its own pings, and the epoch under which its node has taken the
 * link over in the database is higher than that of any session before it.
 */
import { rowsIn } from "../../layers/retry/MemoryRows.ts"
import { maxOutstanding, type State } from "../../protocol/link/Heartbeat.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import type { Watching } from "./Scenario.ts"

export const ownPongs = "a pong answers a ping"
export const ownEpoch = "a session has an epoch of its own"

/** A node and its peer, by name. */
interface Pair {
  readonly node: string
  readonly who: string
}

export class Beats {
  readonly #watching: Watching
  /** The last session of each node and peer, and its epoch. */
  readonly #epochs = new Map<string, { readonly session: string; readonly epoch: bigint }>()

  constructor(watching: Watching) {
    this.#watching = watching
  }

  /** A connection remembers only so many pings: with more under way a pong may answer one that it has forgotten. */
  heard({ node, who }: Pair, { sent, unknown }: State): void {
    if (unknown === 0 || sent > maxOutstanding) return
    this.#watching.violated(ownPongs, `${node} has had ${unknown} pongs of ${who} for pings that it has not sent`)
  }

  /**
   * A session's first words of delivery are sent: its node has taken the link over. `session` names it among all of the
   * node's lives. Memory databases only.
   */
  resumes(pair: Pair, session: string, peer: NodeKey, { memory }: SimulatedDatabase): void {
    const epoch = memory === undefined ? undefined : rowsIn.of(memory).links.get(peer)?.epoch
    const key = `${pair.node} ${pair.who}`
    const before = this.#epochs.get(key)
    if (epoch === undefined || before?.session === session) return
    this.#epochs.set(key, { session, epoch })
    if (before === undefined || epoch > before.epoch) return
    this.#watching.violated(ownEpoch, `${pair.node} has epoch ${epoch} with ${pair.who} as in its session before`)
  }

  /** The database of this node is what it once was, and so are its epochs. */
  restored(node: string): void {
    for (const pair of this.#epochs.keys()) if (pair.startsWith(`${node} `)) this.#epochs.delete(pair)
  }
}
