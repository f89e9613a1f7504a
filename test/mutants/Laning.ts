/**
 * Bugs in the lanes of a session. Message delivery uses one, and with it the simulator's nodes, so these are hunted by
 * properties of their own: those of `test/support/links/LaneProperties.ts`.
 */
import type { Property } from "../support/links/LaneProperties.ts"
import type { Planted } from "./Mutant.ts"

export interface LaneMutant extends Planted {
  /** One sentence. */
  readonly what: string
  /** The property that must find it. */
  readonly property: Property
}

const dials = "src/protocol/link/LaneDials.ts"
const machine = "src/protocol/link/Lanes.ts"
const lanes = "src/services/link/SessionLanes.ts"
const lane = "src/services/link/LaneLink.ts"
const keeper = "src/services/link/LaneKeeper.ts"
const links = "src/services/link/Links.ts"

export const laning: ReadonlyArray<LaneMutant> = [
  {
    name: "lost-lane-not-replaced",
    what: "A lane that is lost is not dialled again.",
    file: keeper,
    find: `Effect.map((random) => tell({ _tag: "Ended", lane, now: now(), random }))`,
    replace: `Effect.asVoid`,
    property: "lost lanes come back, at the pace of dials"
  },
  {
    name: "lane-without-pause",
    what: "A lane that is lost is dialled again at once, however often it is lost.",
    file: dials,
    find: `notBefore: now + Backoff.delay(policy, failures, random)`,
    replace: `notBefore: now`,
    property: "lost lanes come back, at the pace of dials"
  },
  {
    name: "lane-of-the-dead",
    what: "A connection that has ended keeps its lane.",
    file: lanes,
    find: `    this.#tell({ _tag: "Closed", connection })`,
    replace: ``,
    property: "lost lanes come back, at the pace of dials"
  },
  {
    name: "lane-unannounced",
    what: "Who waits for a lane does not hear that it is open.",
    file: lanes,
    find: `waiter.resume(Effect.succeed(joiner))`,
    replace: ``,
    property: "lost lanes come back, at the pace of dials"
  },
  {
    name: "lane-ends-session",
    what: "The end of a lane is the end of its session.",
    file: lane,
    find: `    lanes.left(this.connection.id)`,
    replace: `    this.#home.connection.end(reason)`,
    property: "lost lanes come back, at the pace of dials"
  },
  {
    name: "lanes-unwanted",
    what: "A node has as many lanes as it wants, whatever its peer says.",
    file: machine,
    find: `Math.min(most, own, theirs ?? 1)`,
    replace: `Math.min(most, own)`,
    property: "lost lanes come back, at the pace of dials"
  },
  {
    name: "lane-for-any-key",
    what: "Whoever knows the number of a session gets its lanes.",
    file: links,
    find: `      const session = live.get(peer)
`,
    replace: `      const session = live.get(peer) ?? [...live.values()].find((one) => one.number === number)
`,
    property: "only the session's own peer has its lanes"
  },
  {
    name: "lane-of-any-session",
    what: "A lane of a session that is over is let into the one that is there.",
    file: links,
    find: `session?.number === number && session.connection`,
    replace: `session !== undefined && session.connection`,
    property: "only the session's own peer has its lanes"
  },
  {
    name: "living-lane-replaced",
    what: "A lane goes to whoever asks for it last.",
    file: machine,
    find: `if (answered) return seated(`,
    replace: `if (false) return seated(`,
    property: "only the session's own peer has its lanes"
  },
  {
    name: "dead-lane-kept",
    what: "A lane stays with its connection however silent that is.",
    file: machine,
    find: `if (answered) return seated(`,
    replace: `if (true) return seated(`,
    property: "only the session's own peer has its lanes"
  },
  {
    name: "lane-backwards",
    what: "What is sent together on a lane goes out with the last of it first.",
    file: lane,
    find: `this.connection.bulkAll(bodies.map(`,
    replace: `this.connection.bulkAll(bodies.toReversed().map(`,
    property: "a lane keeps its own, in order"
  },
  {
    name: "lane-for-lane",
    what: "Who asks for a lane that is down gets another one.",
    file: lanes,
    find: `const connection = Lanes.holder(this.#state, lane)`,
    replace: `const connection = Lanes.holder(this.#state, lane) ?? this.#joiners.keys().next().value`,
    property: "a lane keeps its own, in order"
  },
  {
    name: "lane-by-the-session",
    what: "What is sent on a lane goes over the session's own connection.",
    file: lane,
    find: `this.connection.bulk(Frame`,
    replace: `this.#home.connection.bulk(Frame`,
    property: "a lane keeps its own, in order"
  },
  {
    name: "lanes-outlive-session",
    what: "The lanes of a session go on when it is over.",
    file: lanes,
    find: `for (const { connection } of this.#joiners.values()) connection.end(reason)`,
    replace: ``,
    property: "lanes end with their session"
  },
  {
    name: "lanes-outlive-goodbye",
    what: "A session that says its last leaves its lanes as they are until then.",
    file: lanes,
    find: `for (const joiner of this.#joiners.values()) joiner.leave(reason)`,
    replace: ``,
    property: "lanes end with their session"
  },
  {
    name: "goodbye-before-lanes",
    what: "A session says its last before its lanes have sent what waits on them.",
    file: lanes,
    find: `else this.#onEmpty = then`,
    replace: `else then()`,
    property: "lanes end with their session"
  }
]
