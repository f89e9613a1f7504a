/**
 * What strikes two nodes that send to each other: who, at which named point or random moment, and the plan of a run,
 * which a seed decides but for the moments themselves.
 */
import type { Order } from "./Talk.ts"

export type Side = "a" | "b"
export const other = (side: Side): Side => (side === "a" ? "b" : "a")

/**
 * Who is killed. Both nodes send and receive; which of the two a round is about is what its point says, and whether
 * its moment is counted in what the node has sent or in what it has received. `owner` and `standby` are two processes of one node on one database.
 */
export type Victim = "sender" | "receiver" | "sender's database" | "receiver's database" | "owner" | "standby"

/** A point as the process is told of it. */
export type Visit = Omit<Extract<Order, { _tag: "Arm" }>, "_tag" | "signal">

/** How a victim dies: where its node stands, or so long after it has sent, or received, so many more messages. */
export type Blow =
  | ({ readonly _tag: "Point" } & Visit)
  | { readonly _tag: "Moment"; readonly messages: number; readonly millis: number }

export interface Round {
  readonly victim: Victim
  readonly side: Side
  readonly blow: Blow
}

type Place = Omit<Visit, "passes">

const sending: ReadonlyArray<Place> = [
  { site: "delivery.numbered-before-sent" },
  { site: "delivery.receipted-before-settled" }
]
/** For the moment between commit and receipt one visit for each answer that must not get lost there. */
const receiving: ReadonlyArray<Place> = [
  { site: "delivery.committed-before-receipt", having: "Later" },
  { site: "delivery.handled-before-commit" },
  { site: "delivery.committed-before-receipt", having: "Stale" },
  { site: "delivery.committed-before-receipt", having: "Refused" }
]
/** Passed once by a session; a process that stands there has just started, or just taken over. */
const beginning: Place = { site: "delivery.claimed-before-resume" }

const places: Readonly<Record<Victim, ReadonlyArray<Place>>> = {
  sender: [...sending, beginning],
  receiver: receiving,
  "sender's database": sending,
  "receiver's database": receiving,
  owner: [...sending, ...receiving],
  standby: [beginning]
}

/** Everybody who can be killed where each node has a PostgreSQL server of its own, and where it has none. */
export const victims: Readonly<Record<"postgres" | "pglite", ReadonlyArray<Victim>>> = {
  postgres: ["sender", "receiver", "sender's database", "receiver's database", "owner", "standby"],
  pglite: ["sender", "receiver"]
}

/** Numbers in [0, 1) from a seed. */
const generator = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const dice = (seed: number) => {
  const random = generator(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  return {
    below,
    moment: (): Blow => ({ _tag: "Moment", messages: 1 + below(40), millis: below(25) }),
    /** Batches with a certain answer are rare enough, and a session begins once: the first one will do. */
    point: (place: Place): Blow => ({
      _tag: "Point",
      ...place,
      passes: place.having === undefined && place !== beginning ? 1 + below(8) : 1
    })
  }
}

/** Rounds that strike everybody in turn, on both sides in turn, half of them at points. */
export const plan = (seed: number, rounds: number, all: ReadonlyArray<Victim>): ReadonlyArray<Round> => {
  const { below, moment, point } = dice(seed)
  const from = below(60)
  return Array.from({ length: rounds }, (_, index) => {
    const victim = all[index % all.length]!
    const turn = from + Math.floor(index / all.length)
    const known = places[victim]
    return {
      victim,
      side: Math.floor(turn / 2) % 2 === 0 ? "a" : "b",
      blow: turn % 2 === 0 ? moment() : point(known[Math.floor(turn / 4) % known.length]!)
    }
  })
}

/**
 * One round of each kind: everybody once at a random moment, and once at each of their points, with one of its answers.
 * Of the second process of a node, one of the points: they are those of a node that is alone.
 */
export const each = (seed: number, all: ReadonlyArray<Victim>): ReadonlyArray<Round> => {
  const { below, moment, point } = dice(seed)
  const side = (): Side => (below(2) === 0 ? "a" : "b")
  const one = <A>(some: ReadonlyArray<A>): A => some[below(some.length)]!
  return all.flatMap((victim) => {
    const known = places[victim]
    const sites = [...new Set(known.map(({ site }) => site))]
    const visits = (victim === "owner" ? [one(sites)] : sites).map((at) => one(known.filter(({ site }) => site === at)))
    return [moment(), ...visits.map(point)].map((blow) => ({ victim, side: side(), blow }))
  })
}

export const describe = ({ blow, side, victim }: Round): string =>
  `${victim} ${side}, ` +
  (blow._tag === "Moment"
    ? `${blow.millis} ms after ${blow.messages} more messages`
    : `at ${blow.site}${blow.having === undefined ? "" : ` with ${blow.having}`}, pass ${blow.passes}`)
