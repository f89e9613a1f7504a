/**
 * What one node does with announcements: which it takes up from whom, what it tells to whom, and its own, renewed
 * before it ends (docs/PROTOCOL.md, 10.2 to 10.4).
 *
 * Each announcement is told once to each session, never to one that has told it, and each session is told something
 * once a second at the most, so that what goes over a link is bounded whatever anybody sends. Plain and synchronous;
 * the time comes with every call.
 */
import { Result } from "effect"
import type { NodeKey } from "../NodeKey.ts"
import type { Rate } from "../link/TokenBucket.ts"
import * as Announcement from "./Announcement.ts"
import { AnnouncementTable, type At, type Entry, type TableLimits } from "./AnnouncementTable.ts"
import { addressBody, maxRecords } from "./GossipFrame.ts"
import { type Neighbour, Neighbours } from "./Neighbours.ts"
import { type Life, type Origin, OwnAnnouncement } from "./OwnAnnouncement.ts"
import { mayTell, type Place, placeOf, type Reach } from "./Reach.ts"

export interface Limits extends TableLimits, Life {
  /** The same node is news so often at the most. */
  readonly repeatMillis: number
  /** Between two frames to one session. */
  readonly sendMillis: number
  /** Frames of one peer; more are thrown away unread. */
  readonly frames: Rate
  /** Frames beyond the rate that are only thrown away; more are a violation. */
  readonly patience: number
  /** The narrowest reach that is taken up, whoever tells it: "public" where every peer seems to be on this machine. */
  readonly narrowest: Reach
  /** Whether names are taken up, which may lead anywhere. */
  readonly names: boolean
}

export const defaults: Limits = {
  nodes: 2_048,
  nodesPerPeer: 512,
  nodesPerHost: 16,
  pushedOut: 4_096,
  lifeMillis: 10_800_000,
  skewMillis: 600_000,
  repeatMillis: 300_000,
  sendMillis: 1_000,
  frames: { burst: 32, perSecond: 2 },
  patience: 256,
  narrowest: "loopback",
  names: false
}

/** Ports below it belong to the services of others. */
const lowestPort = 1_024
/** What became of an announcement that came in. */
export const outcomes = [
  "new",
  "newer",
  "known",
  "older",
  "own",
  "expired",
  "future",
  "unfit",
  "crowded",
  "full",
  "forged"
] as const
export type Outcome = (typeof outcomes)[number]

/** The same announcements for several sessions. */
export interface Batch {
  readonly records: ReadonlyArray<Announcement.Announcement>
  readonly to: Array<number>
}

export interface Options {
  readonly self: NodeKey
  readonly network: string
  /** Where this node can be dialled and how it signs, if it announces itself. */
  readonly own?: Origin | undefined
  readonly limits?: Limits | undefined
  readonly verify?: typeof Announcement.verify
}

export class Announcements {
  /** What became of all announcements that came in. */
  readonly counts: Record<Outcome, number>
  /** Frames that came faster than their peer's rate. */
  dropped = 0
  readonly #options: Options
  readonly #limits: Limits
  readonly #verify: typeof Announcement.verify
  readonly #table: AnnouncementTable
  readonly #neighbours: Neighbours
  readonly #own: OwnAnnouncement
  /** Nodes that are news again when their time has come. */
  readonly #late = new Set<NodeKey>()
  /** Nodes that are news to this node's peer book. */
  readonly #learned = new Map<NodeKey, Announcement.Announcement>()

  constructor(options: Options) {
    this.#options = options
    this.#limits = options.limits ?? defaults
    this.#verify = options.verify ?? Announcement.verify
    this.#table = new AnnouncementTable(this.#limits)
    this.#neighbours = new Neighbours(this.#limits.frames)
    this.#own = new OwnAnnouncement(options, this.#limits)
    this.counts = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Record<Outcome, number>
  }

  /** Sessions that are told what is known. */
  get sessions(): number {
    return this.#neighbours.size
  }

  /** Every announcement that counts, the own one among them. */
  get known(): ReadonlyArray<Announcement.Announcement> {
    return [...this.#table.values()].map(({ record }) => record)
  }

  /** A session with a peer who speaks from there; what is known will be told to it. Returns its name here. */
  join(peer: NodeKey, reach: Reach, now: number): number {
    return this.#neighbours.join(peer, reach, now)
  }

  leave(id: number): void {
    this.#neighbours.leave(id)
  }

  /** The body of a topic `addresses` from a session. A sentence says how it breaks the protocol. */
  receive(id: number, body: Uint8Array, at: At): string | undefined {
    const neighbour = this.#neighbours.get(id)
    if (neighbour === undefined) return undefined
    const { frames } = neighbour.account
    if (frames.tokens(at.now) <= -this.#limits.patience) {
      return `more than ${this.#limits.patience} frames of addresses came beyond ${frames.rate.perSecond} a second`
    }
    if (frames.spend(at.now) > 0) {
      this.dropped++
      return undefined
    }
    const decoded = addressBody.decode(body)
    if (Result.isFailure(decoded)) return decoded.failure.message
    if (at.now >= this.#table.earliestEnd) this.#expire(at)
    for (const record of decoded.success.records) {
      const outcome = this.#take(id, neighbour, record, at)
      this.counts[outcome]++
      if (outcome === "forged") return `an announcement of ${record.key} is not signed by it`
    }
    return undefined
  }

  /** What is to be said now and to whom, and in how many milliseconds to ask again; after a change, at once. */
  flush(at: At): { readonly batches: ReadonlyArray<Batch>; readonly waitMillis: number } {
    if (at.now >= this.#table.earliestEnd) this.#expire(at)
    if (this.#own.isDue(at)) this.#renew(at)
    for (const key of this.#late) this.#announceLate(key, at.now)
    const batches: Array<Batch> = []
    for (const [id, neighbour] of this.#neighbours.entries()) {
      if (neighbour.toldTo === this.#table.changes || at.now < neighbour.account.sendAt) continue
      const records = this.#newsFor(id, neighbour, at)
      if (records.length === 0) continue
      neighbour.account.sendAt = at.now + this.#limits.sendMillis
      const last = batches.at(-1)
      if (last !== undefined && isSame(last.records, records)) last.to.push(id)
      else batches.push({ records, to: [id] })
    }
    return { batches, waitMillis: Math.max(0, this.#nextAt() - at.now) }
  }

  get hasLearned(): boolean {
    return this.#learned.size > 0
  }

  /** The nodes that have become news since this was last asked for, each where it says it is now. */
  takeLearned(): ReadonlyArray<Announcement.Announcement> {
    const learned = [...this.#learned.values()]
    this.#learned.clear()
    return learned
  }

  #take(id: number, neighbour: Neighbour, record: Announcement.Announcement, at: At): Outcome {
    const isOwn = record.key === this.#options.self
    const last = isOwn ? this.#own.issued : this.#table.lastIssued(record.key)
    if (record.issuedMillis <= last) return this.#again(id, record)
    if (record.issuedMillis > at.wall + this.#limits.skewMillis) return "future"
    if (Announcement.endOf(record) <= at.wall) return "expired"
    if (isOwn) return this.#hearOwn(record)
    const place = this.#placeFor(neighbour.reach, record)
    if (place === undefined) return "unfit"
    const room = this.#table.room(neighbour.peer, record.key, place)
    if (typeof room === "string") return room
    // Last, for it costs as much as all the rest a hundred times.
    if (!this.#verify(this.#options.network, record)) return "forged"
    if (room.instead !== undefined) this.#pushOut(room.instead)
    const known = this.#table.get(record.key) !== undefined
    const entry = this.#table.put(kept(record), place, neighbour.peer, at)
    this.#table.holds(entry, id)
    this.#late.add(record.key)
    this.#announceLate(record.key, at.now)
    return known ? "newer" : "new"
  }

  #again(id: number, record: Announcement.Announcement): Outcome {
    const entry = this.#table.get(record.key)
    if (entry?.record.issuedMillis !== record.issuedMillis) return "older"
    this.#table.holds(entry, id)
    return "known"
  }

  /** Where an announcement leads, if somebody who speaks from there may tell it. */
  #placeFor(reach: Reach, { host, port }: Announcement.Announcement): Place | undefined {
    const place = port < lowestPort ? undefined : placeOf(host)
    if (place === undefined || (place.isName && !this.#limits.names)) return undefined
    return mayTell(place.reach, reach) && mayTell(place.reach, this.#limits.narrowest) ? place : undefined
  }

  /** An announcement of this node's former life that is ahead of its clock: the next one goes beyond it. */
  #hearOwn(record: Announcement.Announcement): Outcome {
    if (!this.#verify(this.#options.network, record)) return "forged"
    this.#own.surpass(record.issuedMillis)
    return "own"
  }

  #renew(at: At): void {
    const renewed = this.#own.renew(at)
    if (renewed === undefined) return
    this.#table.move(this.#table.put(renewed.record, renewed.place, undefined, at), at.now)
  }

  /** Lets a node that has changed be news, unless it was not long ago. */
  #announceLate(key: NodeKey, now: number): void {
    const entry = this.#table.get(key)
    if (entry !== undefined && now < entry.movedAt + this.#limits.repeatMillis) return
    this.#late.delete(key)
    if (entry === undefined) return
    this.#table.move(entry, now)
    this.#learned.set(key, entry.record)
  }

  #newsFor(id: number, neighbour: Neighbour, { wall }: At): ReadonlyArray<Announcement.Announcement> {
    const records: Array<Announcement.Announcement> = []
    let isMore = false
    this.#table.newsAfter(neighbour.toldTo, (entry, change) => {
      if (!isNewsTo(id, neighbour, entry) || Announcement.endOf(entry.record) <= wall) return true
      isMore = records.length === maxRecords
      if (isMore) return false
      records.push(entry.record)
      neighbour.toldTo = change
      return true
    })
    if (!isMore) neighbour.toldTo = this.#table.changes
    return records
  }

  #pushOut(key: NodeKey): void {
    this.#table.pushOut(key)
    this.#late.delete(key)
    this.#learned.delete(key)
  }

  #expire(at: At): void {
    this.#table.expire(at)
    for (const key of this.#late) if (this.#table.get(key) === undefined) this.#late.delete(key)
    for (const key of this.#learned.keys()) if (this.#table.get(key) === undefined) this.#learned.delete(key)
  }

  #nextAt(): number {
    let next = Math.min(this.#own.renewAt, this.#table.earliestEnd)
    for (const { account, toldTo } of this.#neighbours.values()) {
      if (toldTo < this.#table.changes) next = Math.min(next, account.sendAt)
    }
    for (const key of this.#late) {
      next = Math.min(next, (this.#table.get(key)?.movedAt ?? 0) + this.#limits.repeatMillis)
    }
    return next
  }
}

const isNewsTo = (id: number, { reach }: Neighbour, { holders, place }: Entry): boolean =>
  !holders.has(id) && mayTell(place.reach, reach)

const isSame = <A>(some: ReadonlyArray<A>, others: ReadonlyArray<A>): boolean =>
  some.length === others.length && some.every((one, index) => one === others[index])

/** A copy that holds nothing of the frame it came in. */
const kept = (record: Announcement.Announcement): Announcement.Announcement => ({
  ...record,
  signature: Uint8Array.from(record.signature)
})
