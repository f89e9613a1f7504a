/**
 * Which blocks to ask of whom. Every peer pulls its next chunk, the lowest that nobody was asked for, as soon as it owes fewer than
 * it may; what holds the first missing block and is late is asked of another as well, and the first copy counts. Nobody is given
 * up for being slow. Blocks come in no order, and each is asked of two peers at the most, unless one has left, refused it, spoilt
 * it, or kept silent for long.
 *
 * Plain and mutable, without a clock: times are monotonic milliseconds of the caller's.
 */
import type { Action } from "./BodyAction.ts"
import { chunkOf, isMissing, type Slot } from "./BodyChunk.ts"
import type { Policy } from "./BodyPolicy.ts"
import { BodyWindow } from "./BodyWindow.ts"
import { HeadWatch } from "./HeadWatch.ts"
import type { PeerPace } from "./PeerPace.ts"
import { PeerPaces } from "./PeerPaces.ts"

export type { Action } from "./BodyAction.ts"
export type { Policy } from "./BodyPolicy.ts"
export { bitcoin, defaults } from "./BodyPolicy.ts"

const never = Number.POSITIVE_INFINITY

export class BodySchedule {
  readonly #policy: Policy
  readonly #window: BodyWindow
  readonly #peers: PeerPaces
  readonly #watch: HeadWatch
  #now = Number.NEGATIVE_INFINITY
  #request = 0
  #nextLook = never

  constructor(policy: Policy) {
    this.#policy = policy
    this.#window = new BodyWindow(policy.window)
    this.#peers = new PeerPaces(policy)
    this.#watch = new HeadWatch(policy)
  }

  /** When to look again though nothing happens; infinite if never. As the last look has found it. */
  get nextLook(): number {
    return this.#nextLook
  }

  /** Blocks of the window are not here. */
  get isMissing(): boolean {
    return this.#window.head !== undefined
  }

  /**
   * The blocks that are wanted, in their order, from the first that is not applied; those within the window are looked at. What is
   * here or under way and still wanted stays. Where it is another chain than before, peers are known to have of it
   * only what both have in common, until they are raised again.
   */
  want(height: number, ids: ReadonlyArray<string>): void {
    const fork = this.#window.want(height, ids)
    if (fork !== undefined) this.forked(fork)
  }

  /** Above this height the chain is another one, which only matters beyond the window: `want` sees all else. */
  forked(height: number): void {
    this.#peers.lower(height)
  }

  /** `height`: the greatest of the wanted chain that the peer is known to have, -1 if none is. */
  joined(peer: number, height: number, now: number): void {
    this.#passes(now)
    if (this.#peers.get(peer) === undefined) this.#peers.join(peer, height, this.#now)
    else this.raise(peer, height)
  }

  /** It is known to have more of the wanted chain. */
  raise(peer: number, height: number): void {
    const known = this.#peers.get(peer)
    if (known !== undefined) known.height = Math.max(known.height, height)
  }

  /** What it owes is asked of others. */
  left(peer: number): void {
    const known = this.#peers.get(peer)
    if (known === undefined) return
    this.#peers.leave(peer)
    for (const chunk of known.chunks) for (const slot of chunk.owed) this.#window.detach(chunk, slot)
    this.#window.forget(peer)
  }

  /**
   * A block has come, whole and right, whoever was asked for it. "wanted": the first copy, to be kept until it is applied.
   * "unneeded": to be thrown away, for it is here already, not wanted any more, or there is no room for it now.
   */
  got(peer: number, id: string, bytes: number, now: number): "wanted" | "unneeded" {
    this.#passes(now)
    const slot = this.#window.get(id)
    if (slot === undefined) return "unneeded"
    this.#peers.weigh(bytes)
    const isWanted = isMissing(slot)
    const fits = slot === this.#window.head || this.#window.held + bytes <= this.#policy.mostBytes
    if (isWanted && fits) this.#window.hold(slot, bytes)
    else if (isWanted) this.#window.turnAway(slot)
    this.#settle(peer, slot, bytes)
    return isWanted && fits ? "wanted" : "unneeded"
  }

  /**
   * It says that it does not have it, or will not give it: others are asked, and it again only after `slowMillis`. Where a wire has no
   * such answer, the caller takes it from the order of what comes.
   */
  missing(peer: number, id: string): void {
    const slot = this.#window.get(id)
    if (slot === undefined || this.#peers.get(peer) === undefined) return
    this.#window.refuse(slot, peer, this.#now + this.#policy.slowMillis)
    this.#settle(peer, slot, 0)
  }

  /** What it gave was not that block: the same. What to think of the peer is the caller's to say. */
  spoilt(peer: number, id: string): void {
    this.missing(peer, id)
  }

  /** Blocks up to this height are applied: they are not held any more, and the window begins behind them. */
  applied(height: number): void {
    this.#window.applied(height)
  }

  /** What to do now. To be called after every event, and at `nextLook`. */
  look(now: number): ReadonlyArray<Action> {
    this.#passes(now)
    const actions: Array<Action> = []
    this.#window.lapse(this.#now)
    const { head } = this.#window
    this.#watch.see(head, this.#now)
    const next = head === undefined ? never : this.#hurry(head, actions)
    this.#share(actions)
    this.#watch.rest(head)
    const lateAt = head === undefined ? never : this.#peers.lateAt(head, this.#watch.lateMillis)
    this.#nextLook = Math.min(lateAt > this.#now ? lateAt : next, this.#changesAt())
    return actions
  }

  /** When somebody may be asked who may not be now, while there is something to ask. */
  #changesAt(): number {
    if (this.#window.idle === 0) return never
    return Math.min(this.#window.lapsesAt, this.#peers.slowUntil(this.#now))
  }

  #passes(now: number): void {
    this.#now = Math.max(this.#now, now)
  }

  /** A peer is done with a block of what it owes. */
  #settle(id: number, slot: Slot, bytes: number): void {
    const peer = this.#peers.get(id)
    const chunk = slot.copies.find((one) => one.peer === id)
    if (peer === undefined || chunk === undefined) return
    this.#window.detach(chunk, slot)
    peer.gave(chunk, bytes, this.#now)
  }

  /** Has the first missing block asked of another if it is late. When to look again if it is and nothing happens. */
  #hurry(head: Slot, actions: Array<Action>): number {
    const { lateMillis } = this.#watch
    if (this.#peers.lateAt(head, lateMillis) > this.#now) return never
    const others = this.#peers.others(head, lateMillis, this.#now)
    const hedgesAt = others.length === 0 ? never : this.#hedgesAt(head)
    const ready = hedgesAt > this.#now ? undefined : others.find((peer) => this.#peers.hasRoom(peer, this.#now))
    if (ready !== undefined) {
      this.#hedge(head, ready, actions)
      return never
    }
    const isFirst = head.copies.length < 2
    // Somebody who is busy, and in time, will have room.
    const busy = isFirst ? Math.max(...others.map((peer) => this.#peers.busyUntil(peer, lateMillis))) : -never
    const next = busy > this.#now ? busy : this.#stall(!isFirst || others.length > 0, actions)
    return Math.min(next, hedgesAt > this.#now ? hedgesAt : never)
  }

  /**
   * When one more peer may be asked for the first missing block, which is late: at once if nobody else was, and then after ever
   * longer silence, so that two that keep silent cannot hold it back.
   */
  #hedgesAt({ copies }: Slot): number {
    if (copies.length < 2) return this.#now
    const silence = this.#policy.slowMillis * 2 ** (copies.length - 2)
    return Math.max(this.#watch.since, ...copies.map(({ from }) => from)) + silence
  }

  /** Asks another for what is missing of the chunk that holds the first missing block. */
  #hedge(head: Slot, peer: PeerPace, actions: Array<Action>): void {
    const { mostHedges, slowMillis } = this.#policy
    const late = [...head.copies]
    const slots = [...(late[0]?.owed ?? [])].filter(
      (slot) => slot === head || (isMissing(slot) && slot.copies.length < 2 && this.#peers.has(peer, slot))
    )
    this.#ask(peer, slots, actions)
    for (const chunk of late) {
      const isSlow = this.#peers.get(chunk.peer)?.strike(chunk, this.#now, mostHedges, slowMillis)
      if (isSlow === true) actions.push({ _tag: "Slow", peer: chunk.peer })
    }
  }

  /** Nobody is left to ask. When that is to be said again. */
  #stall(isEverybody: boolean, actions: Array<Action>): number {
    if (this.#watch.stalls(this.#now) <= this.#now) {
      this.#watch.stall(this.#now, isEverybody)
      actions.push({ _tag: "Stalled", since: this.#watch.since })
    }
    return this.#watch.stalls(this.#now)
  }

  /** Chunks for whoever has room, one for each before anybody gets a second. */
  #share(actions: Array<Action>): void {
    const height = this.#window.head?.height ?? never
    for (let round = 0; round < this.#policy.perPeer && this.#window.idle > 0; round++) {
      const ready = this.#peers.owing(round, height, this.#now)
      for (const [i, peer] of ready.entries()) if (this.#window.idle > 0) this.#give(peer, ready.length - i, actions)
    }
  }

  /** The next chunk for a peer; none if it would be a scrap and there are more to come. */
  #give(peer: PeerPace, sharers: number, actions: Array<Action>): void {
    const { chunk, mostBytes } = this.#policy
    const room = Math.floor((mostBytes - this.#window.held) / this.#peers.blockBytes) - this.#window.underWay
    const most = Math.min(this.#blocksFor(peer, sharers), Math.max(1, room))
    const reach = peer.isSlow(this.#now) ? this.#peers.reach(this.#now) : -1
    if (reach >= this.#window.top && this.#window.lapsesAt === never) return
    const slots = this.#window.free(most, peer.height, (slot) => {
      return this.#peers.has(peer, slot) && (slot.height > reach || !this.#peers.isElsewhere(slot, this.#now))
    })
    if (slots.length === 0 || (room < 1 && slots[0] !== this.#window.head)) return
    if (peer.chunks.length > 0 && slots.length < chunk.least && !this.#window.isShort) return
    this.#ask(peer, slots, actions)
  }

  /** Blocks that a peer should give in the time after which it is late, and its share where few are left. */
  #blocksFor({ rate }: PeerPace, sharers: number): number {
    const { chunk, lateMillis } = this.#policy
    const bytes = rate === 0 ? chunk.bytes : Math.min(chunk.bytes, rate * lateMillis)
    const blocks = Math.min(bytes / this.#peers.blockBytes, Math.ceil(this.#window.idle / sharers))
    return Math.max(chunk.least, Math.min(chunk.most, Math.floor(blocks)))
  }

  #ask(peer: PeerPace, slots: ReadonlyArray<Slot>, actions: Array<Action>): void {
    const request = this.#request
    this.#request = (request + 1) >>> 0
    const chunk = chunkOf(peer.id, request, slots.length, this.#now)
    peer.chunks.push(chunk)
    for (const slot of slots) this.#window.attach(chunk, slot)
    actions.push({ _tag: "Ask", peer: peer.id, request, ids: slots.map(({ id }) => id) })
  }
}
