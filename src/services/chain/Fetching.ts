/**
 * Fetches the bodies of the blocks that come next, from all peers at once: whom to ask is `BodySchedule`'s to say, what comes is checked
 * against its header at once, and held until its turn. Nothing here waits.
 */
import type { Effect } from "effect"
import { type Action, BodySchedule, type Policy } from "../../protocol/chain/BodySchedule.ts"
import { BlockWindow, type Wanted } from "../../protocol/chain/BlockWindow.ts"
import type { Linked } from "../../protocol/chain/HeaderTree.ts"
import type { Alarms } from "../link/Alarms.ts"
import type { ChainEvent } from "./ChainEvent.ts"
import { NextLook } from "./NextLook.ts"

/** Somebody who gives blocks. */
export interface BodyPeer {
  readonly id: number
  readonly remote: string
  /** Asks for these blocks; what comes of it is told by `got` and `missing`. */
  readonly ask: (request: number, ids: ReadonlyArray<string>) => Effect.Effect<void>
  /** It gave another body than that of the block. */
  readonly charge: (detail: string) => void
}

export interface Options<H extends Linked> {
  readonly policy: Policy
  readonly alarms: Alarms
  /** Runs what has to be waited for. */
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly tell: (event: ChainEvent) => void
  /** Why a body is not that of the block with this header, if so. */
  readonly objection: (header: H, body: Uint8Array) => string | undefined
}

/** Bodies that are kept of those that came unasked. */
const mostOffered = 16
/** No peer's number. */
const nobody = -1

export class Fetching<H extends Linked> {
  readonly window = new BlockWindow<H>()
  readonly counts = { blocks: 0, bytes: 0, unneeded: 0, wrong: 0 }
  readonly #options: Options<H>
  readonly #schedule: BodySchedule
  readonly #peers = new Map<number, BodyPeer>()
  readonly #heights = new Map<number, number>()
  readonly #offered = new Map<string, Uint8Array>()
  readonly #next: NextLook

  constructor(options: Options<H>) {
    this.#options = options
    this.#schedule = new BodySchedule(options.policy)
    this.#next = new NextLook(options.alarms, () => this.#act())
  }

  joined(peer: BodyPeer, height: number): void {
    this.#peers.set(peer.id, peer)
    this.#heights.set(peer.id, height)
    this.#schedule.joined(peer.id, height, this.#now)
    this.#act()
  }

  left(id: number): void {
    if (!this.#peers.delete(id)) return
    this.#heights.delete(id)
    this.#schedule.left(id)
    this.#act()
  }

  /**
   * The greatest height of the best chain of headers of which the peer is known to have the block. `isCurrent`: that is the chain of
   * which the window was filled; otherwise it counts from the next filling on.
   */
  raise(id: number, height: number, isCurrent: boolean): void {
    const known = this.#heights.get(id)
    if (known === undefined || known >= height) return
    this.#heights.set(id, height)
    if (!isCurrent) return
    this.#schedule.raise(id, height)
    this.#act()
  }

  /** Above this height the best chain of headers is another one: what peers have of it is to be said anew. */
  lower(fork: number): void {
    this.#schedule.forked(fork)
    for (const [id, height] of this.#heights) this.#heights.set(id, Math.min(height, fork))
  }

  /** Who says to have the block of this height of the best chain. */
  holders(height: number): ReadonlyArray<number> {
    return [...this.#heights].flatMap(([id, known]) => (known >= height ? [id] : []))
  }

  /** These are the blocks that come next. */
  fill(height: number, wanted: ReadonlyArray<Wanted<H>>): void {
    const ids = wanted.map(({ header }) => header.id)
    this.window.fill(wanted)
    this.#schedule.want(height, ids)
    for (const [id, known] of this.#heights) this.#schedule.raise(id, known)
    for (const id of ids) this.#takeOffered(id)
    this.#act()
  }

  /** So many of the next blocks are applied, up to this height. */
  applied(height: number, count: number): void {
    this.window.take(count)
    this.#schedule.applied(height)
    this.#act()
  }

  /** A peer has given a body, which must stay as it is. Whether it is one that was missing. */
  got(from: number, id: string, body: Uint8Array): boolean {
    const wanted = this.window.get(id)
    const wrong = wanted === undefined ? undefined : this.#options.objection(wanted.header, body)
    if (wrong !== undefined) this.#spoilt(from, id, wrong)
    const isNew = wrong === undefined && this.#hold(from, id, body)
    this.#act()
    return isNew
  }

  /** A peer does not have a block. */
  missing(from: number, id: string): void {
    this.#schedule.missing(from, id)
    this.#act()
  }

  /**
   * A body that nobody was asked for: kept in case it is that of a block that comes next, of which the header may still be on its way.
   * Whether its block is wanted already.
   */
  offer(id: string, body: Uint8Array): boolean {
    this.#offered.set(id, body)
    for (const oldest of this.#offered.keys()) {
      if (this.#offered.size <= mostOffered) break
      this.#offered.delete(oldest)
    }
    const isWanted = this.#takeOffered(id)
    if (isWanted) this.#act()
    return isWanted
  }

  get #now(): number {
    return this.#options.alarms.now
  }

  #hold(from: number, id: string, body: Uint8Array): boolean {
    if (this.#schedule.got(from, id, body.length, this.#now) === "unneeded") {
      this.counts.unneeded++
      return false
    }
    this.window.hold(id, body)
    this.counts.blocks++
    this.counts.bytes += body.length
    return true
  }

  #spoilt(from: number, id: string, detail: string): void {
    this.counts.wrong++
    this.#schedule.spoilt(from, id)
    const peer = this.#peers.get(from)
    if (peer === undefined) return
    this.#options.tell({ _tag: "FalsePeer", peer: from, remote: peer.remote, detail })
    peer.charge(detail)
  }

  #takeOffered(id: string): boolean {
    const body = this.#offered.get(id)
    const wanted = this.window.get(id)
    if (body === undefined || wanted === undefined) return false
    this.#offered.delete(id)
    return this.#options.objection(wanted.header, body) === undefined && this.#hold(nobody, id, body)
  }

  #act(): void {
    for (const action of this.#schedule.look(this.#now)) this.#perform(action)
    this.#next.at(this.#schedule.nextLook)
  }

  #perform(action: Action): void {
    const { fork, tell } = this.#options
    if (action._tag === "Stalled") {
      const height = this.window.next?.height ?? 0
      return tell({ _tag: "Stalled", height, millis: this.#now - action.since })
    }
    const peer = this.#peers.get(action.peer)
    if (peer === undefined) return
    if (action._tag === "Ask") fork(peer.ask(action.request, action.ids))
    else tell({ _tag: "SlowPeer", peer: peer.id, remote: peer.remote })
  }
}
