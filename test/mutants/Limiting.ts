/**
 * Bugs in who is kept out, how much of what may come, and who makes room. No simulated node meets enough strangers to be
 * in need of these, so they are hunted by properties of their own: those of `test/support/LimitProperties.ts`.
 */
import type { Property } from "../support/LimitProperties.ts"
import type { Planted } from "./Mutant.ts"

export interface LimitMutant extends Planted {
  /** One sentence. */
  readonly what: string
  /** The property that must find it. */
  readonly property: Property
}

const ban = "src/protocol/link/Ban.ts"
const rates = "src/protocol/link/RateLimit.ts"
const buckets = "src/protocol/link/TokenBuckets.ts"
const eviction = "src/protocol/link/Eviction.ts"
const acceptor = "src/services/link/Acceptor.ts"

export const limiting: ReadonlyArray<LimitMutant> = [
  {
    name: "bans-never-grow",
    what: "Every ban is as long as the first one.",
    file: ban,
    find: `2 ** Math.min(before, 30)`,
    replace: `1`,
    property: "bans keep their terms"
  },
  {
    name: "bans-without-end",
    what: "A ban grows with every offence for ever.",
    file: ban,
    find: `Math.min(policy.longestMillis, policy.firstMillis`,
    replace: `Math.max(0, policy.firstMillis`,
    property: "bans keep their terms"
  },
  {
    name: "bans-prolonged",
    what: "An offence during a ban begins it anew.",
    file: ban,
    find: `  if (known !== undefined && isActive(known, now)) return known`,
    replace: ``,
    property: "bans keep their terms"
  },
  {
    name: "never-forgiven",
    what: "What a subject was banned for is remembered for ever.",
    file: ban,
    find: `now >= ban.until + policy.memoryMillis`,
    replace: `now >= ban.until + Infinity`,
    property: "bans keep their terms"
  },
  {
    name: "clock-makes-bans-long",
    what: "A ban lasts as much longer as the clock is set back.",
    file: ban,
    find: `(by === "operator" || now >= since)`,
    replace: `(by === "operator" || now >= 0 - Infinity)`,
    property: "bans keep their terms"
  },
  {
    name: "orders-crowded-out",
    what: "Bans by rule push out those that an operator asked for.",
    file: ban,
    find: `.filter((ban) => ban.by === "rule" || !isActive(ban, now))`,
    replace: ``,
    property: "orders are kept"
  },
  {
    name: "latest-crowded-out",
    what: "Where there are too many bans, those that end last go.",
    file: ban,
    find: `.toSorted((a, b) => end(a) - end(b))`,
    replace: `.toSorted((a, b) => end(b) - end(a))`,
    property: "orders are kept"
  },
  {
    name: "answers-count",
    what: "What was asked for is counted like what was not.",
    file: rates,
    find: `if (solicited) return pass`,
    replace: `if (solicited && now < 0) return pass`,
    property: "what was asked for never counts"
  },
  {
    name: "one-bucket-for-all",
    what: "All classes share one bucket.",
    file: rates,
    find: `(this.#meters[frame] ??= begun(this.#limits[frame], now))`,
    replace: `(this.#meters.ping ??= begun(this.#limits[frame], now))`,
    property: "what was asked for never counts"
  },
  {
    name: "delays-too-short",
    what: "Of several frames that are delayed none waits longer than the first.",
    file: rates,
    find: `millis: bucket.spend(now) }`,
    replace: `millis: bucket.waitMillis(now) }`,
    property: "rates are kept"
  },
  {
    name: "dropped-at-once",
    what: "Frames beyond the rate are dropped without a delay first.",
    file: rates,
    find: `if (meter.beyond <= limit.delays) return`,
    replace: `if (meter.beyond <= 0) return`,
    property: "rates are kept"
  },
  {
    name: "ended-at-once",
    what: "The session ends without a frame being dropped first.",
    file: rates,
    find: `if (meter.beyond <= limit.delays + limit.drops) return drop`,
    replace: ``,
    property: "rates are kept"
  },
  {
    name: "held-against-for-ever",
    what: "Frames beyond the rate are never forgiven.",
    file: rates,
    find: `if (bucket.tokens(now) >= limit.burst) meter.beyond = 0`,
    replace: ``,
    property: "rates are kept"
  },
  {
    name: "banned-let-in",
    what: "Nobody asks whether a host is banned.",
    file: acceptor,
    find: `if (this.#isBanned(ip)) return "the host is banned"`,
    replace: ``,
    property: "the door is open to everybody, a little"
  },
  {
    name: "spelled-otherwise",
    what: "A host that writes its address in another way is another host.",
    file: acceptor,
    find: `const host = hostOf(ip)`,
    replace: `const host = ip`,
    property: "the door is open to everybody, a little"
  },
  {
    name: "one-host-for-all",
    what: "What one host does counts against all.",
    file: buckets,
    find: `const known = this.#buckets.get(name)`,
    replace: `const known = this.#buckets.get(name) ?? [...this.#buckets.values()][0]`,
    property: "the door is open to everybody, a little"
  },
  {
    name: "full-bucket-each-time",
    what: "A host is forgotten as soon as it has asked.",
    file: buckets,
    find: `    this.#buckets.set(name, bucket)`,
    replace: ``,
    property: "the door is open to everybody, a little"
  },
  {
    name: "handshakes-without-end",
    what: "One host may begin as many handshakes as all.",
    file: acceptor,
    find: `ofHost >= maxHandshakesPerHost`,
    replace: `ofHost >= maxHandshakes`,
    property: "the door is open to everybody, a little"
  },
  {
    name: "no-grace",
    what: "Whoever has just come may have to go.",
    file: eviction,
    find: `now - occupant.since >= policy.graceMillis`,
    replace: `now - occupant.since >= 0`,
    property: "those who were there stay"
  },
  {
    name: "rush-let-in",
    what: "Newcomers take places however many have come in the last minute.",
    file: eviction,
    find: `if (!chosen && !isCalm(policy, slots, strangers, now)) return`,
    replace: `if (!chosen && slots < 0) return`,
    property: "those who were there stay"
  },
  {
    name: "crowds-take-all",
    what: "A large neighbourhood takes places from small ones.",
    file: eviction,
    find: `return from === of || size(from) < size(of)`,
    replace: `return from === of || size(from) < Infinity`,
    property: "those who were there stay"
  },
  {
    name: "the-far-stay",
    what: "Of the strangers the farthest are safe instead of the nearest.",
    file: eviction,
    find: `({ rttMillis }) => rttMillis)`,
    replace: `({ rttMillis }) => (rttMillis === undefined ? undefined : -rttMillis))`,
    property: "near, useful and old ones stay"
  },
  {
    name: "the-old-go",
    what: "The older half has to go instead of the younger one.",
    file: eviction,
    find: `({ since }) => since)`,
    replace: `({ since }) => -since)`,
    property: "near, useful and old ones stay"
  },
  {
    name: "useful-ones-go",
    what: "Strangers that have just been useful are not safe.",
    file: eviction,
    find: `withoutFirst(far, policy.useful,`,
    replace: `withoutFirst(far, 0,`,
    property: "near, useful and old ones stay"
  },
  {
    name: "chosen-peers-go",
    what: "Peers that this node dialled may have to go for strangers.",
    file: eviction,
    find: `direction === "inbound" && !desired`,
    replace: `!desired`,
    property: "chosen peers stay"
  },
  {
    name: "wanted-peers-go",
    what: "Peers that this node wants may have to go if they have dialled.",
    file: eviction,
    find: `direction === "inbound" && !desired`,
    replace: `direction === "inbound"`,
    property: "chosen peers stay"
  },
  {
    name: "strangers-take-all",
    what: "No slots are kept for the peers of one's own choice.",
    file: eviction,
    find: `reserved ?? Math.floor(slots / 3)`,
    replace: `0`,
    property: "those who were there stay"
  },
  {
    name: "strangers-among-peers",
    what: "What strangers do is remembered beside what happened with peers.",
    file: "src/services/link/History.ts",
    find: `direction === "outbound" || session !== undefined`,
    replace: `direction !== undefined || session !== undefined`,
    property: "strangers fill nothing"
  },
  {
    name: "lines-without-end",
    what: "Every stranger has a line in the log.",
    file: "src/services/link/Complaints.ts",
    find: `if (!this.#lines.take(now)) {`,
    replace: `if (now < 0) {`,
    property: "strangers fill nothing"
  },
  {
    name: "sent-nearer",
    what: "Whoever is dialled sends a node to its own machine.",
    file: "src/protocol/link/Redirect.ts",
    find: `place !== undefined && mayTell(place.reach, reach) ?`,
    replace: `place !== undefined && reach !== undefined ?`,
    property: "nobody is sent nearer"
  },
  {
    name: "sent-nowhere",
    what: "Whoever is dialled sends a node where no node is.",
    file: "src/protocol/link/Redirect.ts",
    find: `place !== undefined && mayTell(place.reach, reach) ?`,
    replace: `place === undefined || mayTell(place.reach, reach) ?`,
    property: "nobody is sent nearer"
  }
]
