/**
 * The announcements that a node knows, the newest of each node, and the order in which they became news.
 *
 * Anybody can make up keys, so there are limits: of all together, of those that one peer has told, and of those at one
 * host. Whoever is known stays known while others come: a full share takes nobody in, and a full table takes from who
 * has told the most, the latest first, and only for somebody who has told less.
 */
import type { NodeKey } from "../NodeKey.ts"
import { type Announcement, endOf } from "./Announcement.ts"
import type { Place } from "./Reach.ts"

export interface TableLimits {
  /** Nodes known at once, besides this one. */
  readonly nodes: number
  /** Those of them that became known by one peer. */
  readonly nodesPerPeer: number
  /** Those of them at one host; of this machine as many as there are. */
  readonly nodesPerHost: number
  /** Announcements that were pushed out and are not taken up again. */
  readonly pushedOut: number
}

/** The time, in milliseconds. */
export interface At {
  /** Of a clock that does not go back. */
  readonly now: number
  /** Since 1970. */
  readonly wall: number
}

export interface Entry {
  record: Announcement
  place: Place
  /** The peer by whom this node became known; `undefined` for the own announcement. */
  readonly from: NodeKey | undefined
  /** Sessions whose peers are known to have this very announcement. */
  holders: Set<number>
  /** Its place in the order of news; higher ones are newer. */
  change: number
  /** When it took that place. */
  movedAt: number
  /** When it stops counting, whatever becomes of the wall clock. */
  endsAt: number
}

/** Room, for which somebody may have to go; or why there is none. */
export type Room = { readonly instead: NodeKey | undefined } | "full" | "crowded"

/** Sessions noted as having an announcement; beyond them it may be told once to one that has it. */
const maxHolders = 16

export class AnnouncementTable {
  readonly #limits: TableLimits
  readonly #entries = new Map<NodeKey, Entry>()
  readonly #shares = new Map<NodeKey, number>()
  readonly #hosts = new Map<string, number>()
  /** When those were issued that were pushed out, the oldest of them first. */
  readonly #pushedOut = new Map<NodeKey, number>()
  /** News in their order; an entry that has moved on has left its older places behind. */
  #news: Array<{ readonly change: number; readonly key: NodeKey }> = []
  #changes = 0
  #told = 0
  #earliestEnd = Number.POSITIVE_INFINITY

  constructor(limits: TableLimits) {
    this.#limits = limits
  }

  /** Nodes known besides this one. */
  get size(): number {
    return this.#told
  }

  /** The newest place in the order of news. */
  get changes(): number {
    return this.#changes
  }

  /** When the first announcement stops counting. */
  get earliestEnd(): number {
    return this.#earliestEnd
  }

  get(key: NodeKey): Entry | undefined {
    return this.#entries.get(key)
  }

  values(): Iterable<Entry> {
    return this.#entries.values()
  }

  /** When the last announcement of this node was issued that this one has taken up; -1 if none is remembered. */
  lastIssued(key: NodeKey): number {
    return Math.max(this.#entries.get(key)?.record.issuedMillis ?? -1, this.#pushedOut.get(key) ?? -1)
  }

  /** Whether `peer` may tell of this node there. */
  room(peer: NodeKey, key: NodeKey, place: Place): Room {
    const known = this.#entries.get(key)
    const stays = known?.place.network === place.network
    const isCrowded = (this.#hosts.get(place.network) ?? 0) >= this.#limits.nodesPerHost
    if (!stays && place.reach !== "loopback" && isCrowded) return "crowded"
    if (known !== undefined) return { instead: undefined }
    const share = this.#shares.get(peer) ?? 0
    if (share >= this.#limits.nodesPerPeer) return "full"
    if (this.#told < this.#limits.nodes) return { instead: undefined }
    const [largest, most] = this.#largestShare()
    return largest !== undefined && share + 1 < most ? { instead: this.#latestOf(largest) } : "full"
  }

  /** Takes an announcement up in place of an older one of the same node. The news of it begin with `move`. */
  put(record: Announcement, place: Place, from: NodeKey | undefined, at: At): Entry {
    const known = this.#entries.get(record.key)
    const endsAt = at.now + endOf(record) - at.wall
    this.#earliestEnd = Math.min(this.#earliestEnd, endsAt)
    if (known !== undefined) {
      this.#countHost(known, -1)
      known.record = record
      known.place = place
      known.endsAt = endsAt
      known.holders = new Set()
      this.#countHost(known, 1)
      return known
    }
    const movedAt = Number.NEGATIVE_INFINITY
    const entry: Entry = { record, place, from, holders: new Set(), change: 0, movedAt, endsAt }
    this.#entries.set(record.key, entry)
    this.#count(entry, 1)
    return entry
  }

  /** Makes it the newest of the news. */
  move(entry: Entry, now: number): void {
    entry.change = ++this.#changes
    entry.movedAt = now
    this.#news.push({ change: entry.change, key: entry.record.key })
    if (this.#news.length > 2 * this.#entries.size + 64) {
      this.#news = this.#news.filter(({ change, key }) => this.#entries.get(key)?.change === change)
    }
  }

  /** Gives the news after `change`, oldest first, to `take`, until it wants no more. */
  newsAfter(change: number, take: (entry: Entry, change: number) => boolean): void {
    let from = 0
    for (let to = this.#news.length; from < to;) {
      const middle = (from + to) >>> 1
      if (this.#news[middle]!.change <= change) from = middle + 1
      else to = middle
    }
    for (; from < this.#news.length; from++) {
      const { change: place, key } = this.#news[from]!
      const entry = this.#entries.get(key)
      if (entry?.change === place && !take(entry, place)) return
    }
  }

  holds(entry: Entry, session: number): void {
    if (entry.holders.size < maxHolders) entry.holders.add(session)
  }

  /** Somebody else needs the room: what it was is not taken up again. */
  pushOut(key: NodeKey): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#remove(entry)
    this.#pushedOut.delete(key)
    this.#pushedOut.set(key, entry.record.issuedMillis)
    for (const oldest of this.#pushedOut.keys()) {
      if (this.#pushedOut.size <= this.#limits.pushedOut) return
      this.#pushedOut.delete(oldest)
    }
  }

  /** Forgets what has stopped counting, by either clock. */
  expire({ now, wall }: At): void {
    this.#earliestEnd = Number.POSITIVE_INFINITY
    for (const entry of this.#entries.values()) {
      if (entry.endsAt <= now || endOf(entry.record) <= wall) this.#remove(entry)
      else this.#earliestEnd = Math.min(this.#earliestEnd, entry.endsAt)
    }
  }

  #largestShare(): readonly [peer: NodeKey | undefined, share: number] {
    let largest: NodeKey | undefined
    let most = 0
    for (const [peer, share] of this.#shares) {
      if (share > most) [largest, most] = [peer, share]
    }
    return [largest, most]
  }

  #latestOf(peer: NodeKey): NodeKey | undefined {
    let latest: NodeKey | undefined
    // Entries keep the order in which their nodes became known.
    for (const [key, { from }] of this.#entries) if (from === peer) latest = key
    return latest
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.record.key)
    this.#count(entry, -1)
  }

  #count(entry: Entry, by: 1 | -1): void {
    this.#countHost(entry, by)
    if (entry.from === undefined) return
    this.#told += by
    add(this.#shares, entry.from, by)
  }

  #countHost({ from, place }: Entry, by: 1 | -1): void {
    if (from !== undefined) add(this.#hosts, place.network, by)
  }
}

const add = <K>(counts: Map<K, number>, key: K, by: number): void => {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
