/**
 * This node's own announcement: when it is due, and what it says, always newer than any that others may have of it
 * (docs/PROTOCOL.md, 10.2 to 10.4). One that is heard from a former life of this node is surpassed soon.
 */
import type { NodeKey } from "../NodeKey.ts"
import * as Announcement from "./Announcement.ts"
import type { At } from "./AnnouncementTable.ts"
import { type Place, placeOf } from "./Reach.ts"

/** How soon the own announcement may follow the last one. */
const reissueMillis = 60_000

/** How long announcements count. */
export interface Life {
  /** How long the own announcement counts, at most a day; it is renewed at half of it. */
  readonly lifeMillis: number
  /** How far ahead the clocks of others may be. */
  readonly skewMillis: number
}

/** Where a node can be dialled and how it signs. */
export interface Origin {
  readonly host: string
  readonly port: number
  readonly signer: (message: Uint8Array) => Uint8Array
}

/** Who announces itself in which network; without `own` nobody does. */
export interface Announcer {
  readonly self: NodeKey
  readonly network: string
  readonly own?: Origin | undefined
}

export class OwnAnnouncement {
  readonly #announcer: Announcer
  readonly #life: Life
  #renewAt = Number.NEGATIVE_INFINITY
  #renewedAt = Number.NEGATIVE_INFINITY
  #issued = -1
  /** When it stops counting, by the wall clock. */
  #end = Number.POSITIVE_INFINITY

  constructor(announcer: Announcer, life: Life) {
    this.#announcer = announcer
    this.#life = life
  }

  /** When the newest one that is known was issued, by the wall clock; -1 before there is one. */
  get issued(): number {
    return this.#issued
  }

  /** When the next one is due, by the monotonic clock. */
  get renewAt(): number {
    return this.#renewAt
  }

  isDue({ now, wall }: At): boolean {
    return now >= this.#renewAt || wall >= this.#end
  }

  /** One of this node that is newer than its last one was heard: the next one goes beyond it. */
  surpass(issuedMillis: number): void {
    this.#issued = issuedMillis
    this.#renewAt = Math.min(this.#renewAt, this.#renewedAt + reissueMillis)
  }

  /** The next one, signed; nothing if this node does not announce itself, or nobody could dial it. */
  renew({ now, wall }: At): { readonly record: Announcement.Announcement; readonly place: Place } | undefined {
    const { network, own, self } = this.#announcer
    const { lifeMillis, skewMillis } = this.#life
    this.#renewAt = Number.POSITIVE_INFINITY
    const place = own === undefined ? undefined : placeOf(own.host)
    if (own === undefined || place === undefined) return undefined
    this.#renewAt = now + lifeMillis / 2
    this.#renewedAt = now
    // What was issued far in the future, before the clock was set back, nobody has taken.
    this.#issued = Math.floor(this.#issued > wall + skewMillis ? wall : Math.max(wall, this.#issued + 1))
    const unsigned = { key: self, host: own.host, port: own.port, issuedMillis: this.#issued, lifeMillis }
    this.#end = Announcement.endOf(unsigned)
    return { record: Announcement.sign(network, unsigned, own.signer), place }
  }
}
