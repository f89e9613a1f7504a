/**
 * The blocks that are wanted next, in their order: which of them are here, which are under way and with whom, and which nobody
 * has been asked for. It asks nobody; `BodySchedule` does. What a block of the window costs is constant, whatever came before.
 */

import { type Chunk, isMissing, type Slot } from "./BodyChunk.ts"

const never = Number.POSITIVE_INFINITY

export class BodyWindow {
  readonly #most: number
  readonly #slots = new Map<string, Slot>()
  readonly #line: Array<Slot> = []
  #base = 0
  /** Places in the line: everything before the first is here, everything before the second is here or under way. */
  #head = 0
  #free = 0
  #held = 0
  #underWay = 0
  #idle = 0
  #lapsesAt = never
  #moves = 0
  #isShort = false

  /** `most`: blocks that are looked at. */
  constructor(most: number) {
    this.#most = most
  }

  /** The first block that is not here. */
  get head(): Slot | undefined {
    return this.#line[this.#head]
  }

  /** The height of the last block that is wanted. */
  get top(): number {
    return this.#base + this.#line.length - 1
  }

  /** Whether the chain ended within the window when it was last filled. */
  get isShort(): boolean {
    return this.#isShort
  }

  /** Bytes that are here and not applied. */
  get held(): number {
    return this.#held
  }

  /** Blocks of the window that are under way. */
  get underWay(): number {
    return this.#underWay
  }

  /** Blocks of the window that are neither here nor under way. */
  get idle(): number {
    return this.#idle
  }

  /** When the first refusal is forgotten; infinite if there is none. */
  get lapsesAt(): number {
    return this.#lapsesAt
  }

  get(id: string): Slot | undefined {
    return this.#slots.get(id)
  }

  /** Makes these the window. The height after which it is another chain than before; nothing if it only goes on. */
  want(height: number, ids: ReadonlyArray<string>): number | undefined {
    const count = Math.min(ids.length, this.#most)
    this.#isShort = count < this.#most
    const line = this.#line
    const shift = height - this.#base
    let same = 0
    while (shift >= 0 && same < count && line[same + shift]?.id === ids[same]) same++
    const isOther = shift < 0 || same + shift < line.length
    // Most often nothing has gone, and the chain has grown.
    const gone = [...line.splice(Math.max(0, same + shift)), ...line.splice(0, Math.max(0, shift))]
    for (const slot of gone) slot.height = -1
    for (let i = same; i < count; i++) line.push(this.#place(ids[i]!, height + i))
    this.#base = height
    for (const slot of gone) if (slot.height < 0) this.#drop(slot)
    if (gone.length > 0) this.#count()
    else this.#advance()
    return isOther ? height + same - 1 : undefined
  }

  /** Blocks up to this height are not wanted any more, and those that were here are gone. */
  applied(height: number): void {
    const count = Math.min(height + 1 - this.#base, this.#line.length)
    if (height < this.#base) return
    for (const slot of this.#line.splice(0, count)) this.#drop(slot)
    this.#base = height + 1
    this.#head = Math.max(0, this.#head - count)
    this.#free = Math.max(0, this.#free - count)
    this.#moves++
    this.#advance()
  }

  /**
   * The lowest blocks that are neither here nor under way and suit, at most `most` of them and none above `height`. One for which
   * there was no room is passed over until the window has moved, unless it is the head.
   */
  free(most: number, height: number, suits: (slot: Slot) => boolean): ReadonlyArray<Slot> {
    const out: Array<Slot> = []
    const end = Math.min(this.#line.length, height - this.#base + 1)
    for (let i = this.#free; i < end && out.length < most; i++) {
      const slot = this.#line[i]!
      if (slot.bytes >= 0 || slot.copies.length > 0) continue
      if (slot.turnedAway === this.#moves && i > this.#head) continue
      if (suits(slot)) out.push(slot)
    }
    return out
  }

  /** A peer is asked for it. */
  attach(chunk: Chunk, slot: Slot): void {
    chunk.owed.add(slot)
    if (slot.copies.push(chunk) > 1 || !isMissing(slot)) return
    this.#underWay++
    this.#idle--
    this.#advance()
  }

  /** A peer will not give it any more, or has. */
  detach(chunk: Chunk, slot: Slot): void {
    const at = slot.copies.indexOf(chunk)
    if (at < 0) return
    chunk.owed.delete(slot)
    slot.copies.splice(at, 1)
    if (slot.copies.length > 0) return
    if (slot.height < 0) this.#slots.delete(slot.id)
    else if (isMissing(slot)) this.#release(slot)
  }

  /** It is here. */
  hold(slot: Slot, bytes: number): void {
    if (slot.copies.length > 0) this.#underWay--
    else this.#idle--
    slot.bytes = bytes
    this.#held += bytes
    this.#advance()
  }

  /** It came, and there is no room for it. */
  turnAway(slot: Slot): void {
    slot.turnedAway = this.#moves
  }

  /** The peer cannot give it; that is believed until then. */
  refuse(slot: Slot, peer: number, until: number): void {
    slot.refused.set(peer, until)
    this.#lapsesAt = Math.min(this.#lapsesAt, until)
  }

  /** Forgets refusals that are over. */
  lapse(now: number): void {
    if (now < this.#lapsesAt) return
    this.#lapsesAt = never
    for (const { refused } of this.#slots.values()) {
      for (const [peer, until] of refused) {
        if (until <= now) refused.delete(peer)
        else this.#lapsesAt = Math.min(this.#lapsesAt, until)
      }
    }
  }

  /** Forgets what a peer has refused. */
  forget(peer: number): void {
    if (this.#lapsesAt < never) for (const { refused } of this.#slots.values()) refused.delete(peer)
  }

  /** The slot of a block that is wanted now, new or still under way. */
  #place(id: string, height: number): Slot {
    const known = this.#slots.get(id)
    const slot = known ?? { id, height, bytes: -1, copies: [], refused: new Map(), turnedAway: -1 }
    slot.height = height
    if (slot.copies.length > 0) this.#underWay++
    else this.#idle++
    if (known === undefined) this.#slots.set(id, slot)
    return slot
  }

  /** Not wanted any more: forgotten, unless a peer still owes it. */
  #drop(slot: Slot): void {
    if (slot.bytes >= 0) this.#held -= slot.bytes
    else if (slot.copies.length > 0) this.#underWay--
    else this.#idle--
    slot.height = -1
    slot.bytes = -1
    if (slot.copies.length === 0) this.#slots.delete(slot.id)
  }

  #release(slot: Slot): void {
    this.#underWay--
    this.#idle++
    this.#free = Math.min(this.#free, slot.height - this.#base)
  }

  /** Counts all anew. */
  #count(): void {
    this.#underWay = this.#line.filter((slot) => isMissing(slot) && slot.copies.length > 0).length
    this.#idle = this.#line.filter((slot) => isMissing(slot) && slot.copies.length === 0).length
    this.#head = 0
    this.#free = 0
    this.#advance()
  }

  #advance(): void {
    const line = this.#line
    while (this.#head < line.length && line[this.#head]!.bytes >= 0) this.#head++
    this.#free = Math.max(this.#free, this.#head)
    while (this.#free < line.length && (line[this.#free]!.bytes >= 0 || line[this.#free]!.copies.length > 0)) {
      this.#free++
    }
  }
}
