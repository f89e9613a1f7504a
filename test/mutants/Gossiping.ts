/**
 * Bugs in what becomes of announcements. The simulator's ledger says nothing about addresses, so they are hunted by
 * properties of their own: those of `test/support/GossipProperties.ts`.
 */
import type { Property } from "../support/GossipProperties.ts"
import type { Planted } from "./Mutant.ts"

export interface GossipMutant extends Planted {
  /** One sentence. */
  readonly what: string
  /** The property that must find it. */
  readonly property: Property
}

const machine = "src/protocol/gossip/Announcements.ts"
const table = "src/protocol/gossip/AnnouncementTable.ts"

export const gossiping: ReadonlyArray<GossipMutant> = [
  {
    name: "older-wins",
    what: "An announcement takes the place of a newer one.",
    file: machine,
    find: `if (record.issuedMillis <= last)`,
    replace: `if (record.issuedMillis === last)`,
    property: "nobody is misled"
  },
  {
    name: "change-forgotten",
    what: "A node that changes soon after it was news is not news again.",
    file: machine,
    find: `    this.#late.add(record.key)`,
    replace: ``,
    property: "everybody is known"
  },
  {
    name: "renewed-too-late",
    what: "The own announcement is renewed after its end.",
    file: "src/protocol/gossip/OwnAnnouncement.ts",
    find: `this.#renewAt = now + lifeMillis / 2`,
    replace: `this.#renewAt = now + lifeMillis * 2`,
    property: "everybody is known"
  },
  {
    name: "news-end-early",
    what: "Whoever has been told some of the news counts as told all.",
    file: machine,
    find: `if (!isMore) neighbour.toldTo`,
    replace: `neighbour.toldTo`,
    property: "everybody is known"
  },
  {
    name: "echoed",
    what: "What a peer has told is told to it as well.",
    file: machine,
    find: `!holders.has(id) && mayTell`,
    replace: `mayTell`,
    property: "nobody is echoed"
  },
  {
    name: "told-without-pause",
    what: "Nothing is between two frames to one session.",
    file: machine,
    find: `neighbour.account.sendAt = at.now + this.#limits.sendMillis`,
    replace: `neighbour.account.sendAt = at.now`,
    property: "nobody is echoed"
  },
  {
    name: "news-all-the-time",
    what: "A node is news as often as it says something new.",
    file: machine,
    find: `now < entry.movedAt + this.#limits.repeatMillis`,
    replace: `now < entry.movedAt`,
    property: "floods are bounded"
  },
  {
    name: "rate-ignored",
    what: "Frames are read however fast they come.",
    file: machine,
    find: `if (frames.spend(at.now) > 0) {`,
    replace: `if (frames.spend(at.now) > Number.MAX_VALUE) {`,
    property: "floods are bounded"
  },
  {
    name: "share-without-end",
    what: "One peer may fill the whole table.",
    file: table,
    find: `if (share >= this.#limits.nodesPerPeer) return "full"`,
    replace: ``,
    property: "floods are bounded"
  },
  {
    name: "table-without-end",
    what: "The table takes in whoever comes.",
    file: table,
    find: `if (this.#told < this.#limits.nodes) return`,
    replace: `if (this.#told < Number.POSITIVE_INFINITY) return`,
    property: "floods are bounded"
  },
  {
    name: "newcomers-kept-out",
    what: "A full table takes nobody in, however much room one peer has taken.",
    file: table,
    find: `largest !== undefined && share + 1 < most ?`,
    replace: `largest !== undefined && share + 1 < 0 ?`,
    property: "floods are bounded"
  },
  {
    name: "known-pushed-out",
    what: "Who became known first has to go when a table is full.",
    file: table,
    find: `if (from === peer) latest = key`,
    replace: `if (from === peer) latest ??= key`,
    property: "floods are bounded"
  },
  {
    name: "never-expires",
    what: "Whoever is known stays known.",
    file: table,
    find: `if (entry.endsAt <= now || endOf(entry.record) <= wall) this.#remove(entry)`,
    replace: `if (entry.endsAt <= 0) this.#remove(entry)`,
    property: "the gone are forgotten"
  },
  {
    name: "told-after-its-end",
    what: "Announcements count for half of their time.",
    file: table,
    find: `const endsAt = at.now + endOf(record) - at.wall`,
    replace: `const endsAt = at.now + (endOf(record) - at.wall) / 2`,
    property: "the gone are forgotten"
  },
  {
    name: "forged-believed",
    what: "Nobody looks at signatures.",
    file: machine,
    find: `    if (!this.#verify(this.#options.network, record)) return "forged"\n    if (room.instead`,
    replace: `    if (room.instead`,
    property: "nobody is misled"
  },
  {
    name: "sent-anywhere",
    what: "A peer from far away may send a node to its own networks.",
    file: machine,
    find: `return mayTell(place.reach, reach) && mayTell(place.reach, this.#limits.narrowest)`,
    replace: `return mayTell(place.reach, this.#limits.narrowest)`,
    property: "nobody is misled"
  },
  {
    name: "networks-told-away",
    what: "Somebody far away is told who is in a network of one's own.",
    file: machine,
    find: `!holders.has(id) && mayTell(place.reach, reach)`,
    replace: `!holders.has(id)`,
    property: "nobody is misled"
  },
  {
    name: "names-followed",
    what: "A name is a place like any other.",
    file: machine,
    find: `(place.isName && !this.#limits.names)`,
    replace: `false`,
    property: "nobody is misled"
  },
  {
    name: "any-port",
    what: "Nodes are sent to the services of others.",
    file: machine,
    find: `const lowestPort = 1_024`,
    replace: `const lowestPort = 1`,
    property: "nobody is misled"
  },
  {
    name: "future-believed",
    what: "An announcement may come from any time ahead.",
    file: machine,
    find: `if (record.issuedMillis > at.wall + this.#limits.skewMillis) return "future"`,
    replace: ``,
    property: "nobody is misled"
  },
  {
    name: "crowd-at-one-host",
    what: "Any number of nodes may be at one host, and all be dialled there.",
    file: table,
    find: `if (!stays && place.reach !== "loopback" && isCrowded) return "crowded"`,
    replace: ``,
    property: "nobody is misled"
  },
  {
    name: "any-spelling",
    what: "A loopback address in another spelling, as 0177.0.0.1, passes for a public one.",
    file: "src/protocol/gossip/Reach.ts",
    find: `if (URL.parse(\`http://\${written}/\`)?.hostname !== written) return undefined`,
    replace: ``,
    property: "nobody is misled"
  }
]
