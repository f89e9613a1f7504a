/**
 * A node that downloads blocks from simulated peers in virtual time, with a schedule to be tested; the same seed, the same
 * run. After every look it is checked that the schedule asks for nothing it may not ask for.
 */
import { assert } from "@effect/vitest"
import { Heap } from "../../src/protocol/Heap.ts"
import { BodySchedule, type Policy } from "../../src/protocol/chain/BodySchedule.ts"

/** How a peer behaves: blocks a request takes to begin, bytes in a millisecond, and what is wrong with it. */
export interface Manner {
  readonly latency: number
  readonly rate: number
  /** From then on it is silent. */
  readonly freezesAt?: number
  /** Then its connection ends. */
  readonly leavesAt?: number
  /** Of its blocks it does not have so many, and spoils so many. */
  readonly lacks?: number
  readonly spoils?: number
  /** It does not follow reorganisations. */
  readonly isBehind?: boolean
}

/** As `assert.isTrue`, which costs too much for every block. */
const must = (holds: boolean, what: string): void => {
  if (!holds) assert.fail(`not so: ${what}`)
}

interface Peer {
  readonly id: number
  readonly manner: Manner
  busyUntil: number
  isHere: boolean
  height: number
  /** By request, what it owes. */
  readonly owes: Map<number, Set<string>>
  given: number
}

export interface Options {
  readonly policy: Policy
  readonly blocks: number
  /** Of a block at this height, in bytes. */
  readonly size: (height: number) => number
  readonly random: () => number
  /** When the chain becomes another one above a height, that many blocks below its end. */
  readonly reorganisations?: ReadonlyArray<{ readonly at: number; readonly depth: number }>
}

export class Download {
  readonly #options: Options
  readonly #events = new Heap<{ readonly at: number; readonly run: () => void }>((a, b) => a.at < b.at)
  readonly #peers = new Map<number, Peer>()
  readonly #held = new Map<string, number>()
  #heldBytes = 0
  /** Who owes a block, and since when. */
  readonly #copies = new Map<string, Map<number, number>>()
  readonly schedule: BodySchedule
  readonly #chain: Array<string>
  #branch = 0
  #applied = 0
  #isApplying = false
  now = 0
  /** The longest time in which the first missing block has stayed the same. */
  longestWait = 0
  #head: string | undefined
  #headAt = 0
  hedges = 0

  constructor(options: Options) {
    this.#options = options
    this.schedule = new BodySchedule(options.policy)
    this.#chain = Array.from({ length: options.blocks + 1 }, (_, height) => `0:${height}`)
    for (const { at, depth } of options.reorganisations ?? []) this.#at(at, () => this.#reorganise(depth))
    this.#want()
  }

  get isDone(): boolean {
    return this.#applied === this.#chain.length - 1
  }

  /** Blocks that each peer has given. */
  get given(): ReadonlyArray<number> {
    return [...this.#peers.values()].map(({ given }) => given)
  }

  joins(id: number, manner: Manner, at = 0): void {
    this.#at(at, () => {
      const height = this.#chain.length - 1
      const peer: Peer = { id, manner, busyUntil: 0, isHere: true, height, owes: new Map(), given: 0 }
      this.#peers.set(id, peer)
      this.schedule.joined(id, height, this.now)
    })
    if (manner.leavesAt !== undefined) this.#at(manner.leavesAt, () => this.#leave(id))
  }

  /** Until all is applied, or for so many virtual milliseconds. */
  run(millis: number): void {
    while (!this.isDone) {
      const next = Math.min(this.#events.first?.at ?? Number.POSITIVE_INFINITY, this.schedule.nextLook)
      if (next > millis) return
      must(next >= this.now, "time does not go back")
      this.now = next
      while (this.#events.first !== undefined && this.#events.first.at <= this.now) {
        this.#events.pop()?.run()
        this.#look()
      }
      this.#look()
    }
  }

  #at(at: number, run: () => void): void {
    this.#events.push({ at, run })
  }

  #want(): void {
    const from = this.#applied + 1
    this.schedule.want(from, this.#chain.slice(from, from + this.#options.policy.window))
  }

  #look(): void {
    let at = this.#applied + 1
    while (this.#held.has(this.#chain[at] ?? "")) at++
    const head = this.#chain[at]
    if (head !== this.#head) this.#headAt = this.now
    this.#head = head
    if (head !== undefined) this.longestWait = Math.max(this.longestWait, this.now - this.#headAt)
    for (const action of this.schedule.look(this.now)) {
      if (action._tag !== "Ask") continue
      const peer = this.#peers.get(action.peer)
      assert.isTrue(peer?.isHere, `peer ${action.peer} is here`)
      if (peer !== undefined) this.#ask(peer, action.request, action.ids)
    }
    this.#checkAlone()
  }

  /** A peer is asked: whether it may be, and what it will answer when. */
  #ask(peer: Peer, request: number, ids: ReadonlyArray<string>): void {
    const { latency, rate } = peer.manner
    const { chunk, perPeer, window } = this.#options.policy
    peer.owes.set(request, new Set(ids))
    assert.isAtMost(peer.owes.size, perPeer, "chunks that a peer owes")
    assert.isTrue(ids.length > 0 && ids.length <= chunk.most, "blocks of a chunk")
    const isRescue = ids.some((id) => (this.#copies.get(id)?.size ?? 0) > 0)
    if (isRescue) this.hedges++
    let at = Math.max(peer.busyUntil, this.now + latency)
    for (const id of ids) {
      const height = Number(id.split(":")[1])
      must(this.#chain[height] === id, "wanted")
      must(height > this.#applied && height <= this.#applied + window, "within the window")
      must(height <= peer.height, "what it is known to have")
      must(!this.#held.has(id), "not held")
      this.#copy(peer, id)
      at += this.#options.size(height) / rate
      this.#at(at, () => this.#answer(peer, request, id, height))
    }
    peer.busyUntil = at
    if (!isRescue) this.#checkBytes(ids)
  }

  /** No block is owed by more than two, but for those that have kept silent for long. */
  #copy(peer: Peer, id: string): void {
    const copies = this.#copies.get(id) ?? new Map<number, number>()
    must(!copies.has(peer.id), "not asked of the same peer")
    const { slowMillis } = this.#options.policy
    const isSilent = [...copies.values()].every((since) => this.now - since >= slowMillis)
    must(copies.size < 2 || isSilent, "owed by no more than two")
    this.#copies.set(id, copies.set(peer.id, this.now))
  }

  /** With blocks of one size, at most as believed, there is room for all that is held or on its way, but for the first. */
  #checkBytes(ids: ReadonlyArray<string>): void {
    const window = this.#chain.slice(this.#applied + 1, this.#applied + 1 + this.#options.policy.window)
    const onTheWay = window.filter((id) => (this.#copies.get(id)?.size ?? 0) > 0 && !this.#held.has(id))
    const bytes = this.#heldBytes + onTheWay.reduce((sum, id) => sum + this.#options.size(Number(id.split(":")[1])), 0)
    const isHead = ids.length === 1 && ids[0] === this.#head
    if (isHead || this.#hasGrown) return
    assert.isAtMost(bytes, this.#options.policy.mostBytes, "bytes held and expected")
  }

  get #hasGrown(): boolean {
    const { policy, size } = this.#options
    return size(1) !== size(2) || size(1) > policy.chunk.bytes / policy.chunk.least
  }

  #hold(id: string, bytes: number): void {
    this.#held.set(id, bytes)
    this.#heldBytes += bytes
  }

  /** Whether it was held. */
  #release(id: string): boolean {
    this.#heldBytes -= this.#held.get(id) ?? 0
    return this.#held.delete(id)
  }

  #answer(peer: Peer, request: number, id: string, height: number): void {
    const { freezesAt, lacks = 0, spoils = 0, isBehind = false } = peer.manner
    if (!peer.isHere || (freezesAt !== undefined && this.now >= freezesAt)) return
    const owed = peer.owes.get(request)
    owed?.delete(id)
    if (owed?.size === 0) peer.owes.delete(request)
    this.#copies.get(id)?.delete(peer.id)
    const luck = this.#options.random()
    if (luck < lacks || (isBehind && !id.startsWith("0:"))) return this.schedule.missing(peer.id, id)
    if (luck < lacks + spoils) return this.schedule.spoilt(peer.id, id)
    const bytes = this.#options.size(height)
    const isNew = this.#chain[height] === id && height > this.#applied && !this.#held.has(id)
    const before = this.#heldBytes
    const verdict = this.schedule.got(peer.id, id, bytes, this.now)
    if (verdict === "unneeded") {
      const hasRoom = before + bytes <= this.#options.policy.mostBytes
      return must(!isNew || !hasRoom || height > this.#applied + this.#options.policy.window, "not needed")
    }
    must(isNew, "needed")
    must(id === this.#head || before + bytes <= this.#options.policy.mostBytes, "bytes held")
    peer.given++
    this.#hold(id, bytes)
    this.#applySoon()
  }

  #applySoon(): void {
    if (this.#isApplying) return
    this.#isApplying = true
    this.#at(this.now + Math.floor(this.#options.random() * 20), () => {
      this.#isApplying = false
      let height = this.#applied
      while (height + 1 < this.#chain.length && this.#release(this.#chain[height + 1]!)) height++
      if (height === this.#applied) return
      this.#applied = height
      this.schedule.applied(height)
      this.#want()
    })
  }

  /** Another branch, two blocks longer, which all have who are not behind. */
  #reorganise(depth: number): void {
    const fork = Math.max(0, this.#chain.length - 1 - depth)
    const end = this.#chain.length + 2
    this.#branch++
    this.#chain.length = fork + 1
    while (this.#chain.length < end) this.#chain.push(`${this.#branch}:${this.#chain.length}`)
    this.#applied = Math.min(this.#applied, fork)
    for (const id of this.#held.keys()) if (this.#chain[Number(id.split(":")[1])] !== id) this.#release(id)
    this.schedule.forked(fork)
    this.#want()
    for (const peer of this.#peers.values()) {
      peer.height = peer.manner.isBehind === true ? Math.min(peer.height, fork) : end - 1
      this.schedule.raise(peer.id, peer.height)
    }
  }

  #leave(id: number): void {
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    peer.isHere = false
    for (const copies of this.#copies.values()) copies.delete(id)
    this.schedule.left(id)
  }

  /** The only peer is never hedged, and always owes something while blocks are missing, unless it has refused them. */
  #checkAlone(): void {
    if (!this.schedule.isMissing || this.#peers.size !== 1) return
    const [peer] = this.#peers.values()
    assert.strictEqual(this.hedges, 0, "hedges of a single peer")
    if (
      peer?.isHere !== true ||
      peer.manner.isBehind === true ||
      (peer.manner.lacks ?? 0) + (peer.manner.spoils ?? 0) > 0
    )
      return
    assert.isAbove(peer.owes.size, 0, "what a single peer owes")
  }
}
