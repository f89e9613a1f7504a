/**
 * Rounds of SIGKILL against two node processes that send to each other all the time: one side after the other, half at
 * random moments, half at named points. Everything is decided by a seed, but for the moments themselves.
 *
 * A round goes on only by what can be observed: messages flow both ways, the process is gone, it runs again, a session
 * is live again, messages arrive again. At the end everything drains, both stop, and the databases are read.
 */
import { owedAt } from "./Accounting.ts"
import { figures, other, Pair, type Result, type Side } from "./Pair.ts"
import { type Driver, prepare } from "./Places.ts"
import type { Order } from "./Talk.ts"

type Arm = Omit<Extract<Order, { _tag: "Arm" }>, "_tag" | "signal">

/** How a process dies: where, or after how many more messages and milliseconds. */
export type Blow =
  | ({ readonly _tag: "Point" } & Arm)
  | { readonly _tag: "Moment"; readonly messages: number; readonly millis: number }

export interface Round {
  readonly victim: Side
  readonly blow: Blow
}

export interface Kill {
  readonly round: Round
  readonly at: number
  /** From the start of the new process to the first message that took effect in it or came from it. */
  readonly firstDeliveryMillis: number
  readonly owed: number
}

export interface Outcome extends Result {
  readonly seed: number
  readonly kills: ReadonlyArray<Kill>
}

/** The points, and for the moment between commit and receipt one visit for each answer that must not get lost there. */
const points: ReadonlyArray<Pick<Arm, "site" | "having">> = [
  { site: "delivery.numbered-before-sent" },
  { site: "delivery.committed-before-receipt", having: "Later" },
  { site: "delivery.handled-before-commit" },
  { site: "delivery.committed-before-receipt", having: "Stale" },
  { site: "delivery.receipted-before-settled" },
  { site: "delivery.committed-before-receipt", having: "Refused" },
  { site: "delivery.numbered-before-sent" },
  { site: "delivery.receipted-before-settled" },
  { site: "delivery.committed-before-receipt" },
  { site: "delivery.handled-before-commit" }
]

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

/** Batches with a certain answer are rare enough; the first one will do. */
const point = (where: (typeof points)[number], after: number): Blow => ({
  _tag: "Point",
  ...where,
  passes: where.having === undefined ? 1 + after : 1
})

/** What `rounds` rounds do: the sides alternate, and so do points and moments within each side. */
export const plan = (seed: number, rounds: number): ReadonlyArray<Round> => {
  const random = generator(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  let visited = below(points.length)
  return Array.from({ length: rounds }, (_, index) => {
    const moment = Math.floor(index / 2) % 2 === 0
    return {
      victim: index % 2 === 0 ? "a" : "b",
      blow: moment
        ? { _tag: "Moment", messages: 1 + below(80), millis: below(25) }
        : point(points[visited++ % points.length]!, below(8))
    }
  })
}

export const describe = (blow: Blow): string =>
  blow._tag === "Moment"
    ? `${blow.millis} ms after ${blow.messages} messages`
    : `at ${blow.site}${blow.having === undefined ? "" : ` with ${blow.having}`}, pass ${blow.passes}`

export interface Options {
  readonly driver: Driver
  readonly seed: number
  readonly rounds: number
  readonly progress?: (line: string) => void
}

/** Runs the rounds on two places made for it. Rejects if anything that has to happen does not. */
export const run = async ({ driver, progress, rounds, seed }: Options): Promise<Outcome> => {
  const [a, b] = await Promise.all([prepare(driver), prepare(driver)])
  const pair = new Pair({ a, b }, seed)
  try {
    await pair.start()
    const kills: Array<Omit<Kill, "owed">> = []
    for (const [index, round] of plan(seed, rounds).entries()) {
      const done = await perform(pair, round)
      kills.push(done)
      progress?.(
        `round ${index + 1}/${rounds}: ${round.victim} killed ${describe(round.blow)}, ` +
          `first delivery ${done.firstDeliveryMillis} ms after its restart`
      )
    }
    await pair.flows()
    const result = await pair.finish()
    const owed = ({ at, round: { victim } }: Omit<Kill, "owed">) =>
      owedAt(result.books[victim], result.books[other(victim)], at)
    return { ...result, seed, kills: kills.map((kill) => ({ ...kill, owed: owed(kill) })) }
  } finally {
    await pair.discard()
  }
}

const perform = async (pair: Pair, round: Round): Promise<Omit<Kill, "owed">> => {
  const victim = pair.nodes[round.victim]
  const survivor = pair.nodes[other(round.victim)]
  await pair.flows()
  const at = await strike(pair, round)
  pair.note(victim)
  await survivor.until("it has noticed the end of the session", (life) => !life.live)
  const before = survivor.life.arrived
  await pair.begin(round.victim)
  await Promise.all([victim, survivor].map((node) => node.until("a session is live again", (life) => life.live)))
  await Promise.race([
    victim.until("the first message arrives", (life) => life.arrived > 0),
    survivor.until("the first message arrives", (life) => life.arrived > before)
  ])
  return { round, at, firstDeliveryMillis: Date.now() - victim.life.startedAt }
}

/** Brings the blow down; returns when the process was seen to be gone. */
const strike = async (pair: Pair, { blow, victim: side }: Round): Promise<number> => {
  const victim = pair.nodes[side]
  if (blow._tag === "Point") {
    const { _tag, ...arm } = blow
    victim.order({ _tag: "Arm", signal: "SIGKILL", ...arm })
  } else {
    await pair.arrives(side, blow.messages)
    await new Promise((resolve) => setTimeout(resolve, blow.millis))
    victim.signal("SIGKILL")
  }
  const { exit } = await victim.until(`it is killed ${describe(blow)}`, (life) => life.exit !== undefined)
  if (exit === undefined || exit.signal !== "SIGKILL") {
    throw new Error(`node ${victim.name} ended by itself (code ${exit?.code})\n${victim.tail()}`)
  }
  return exit.at
}

/** What is printed: counts of the whole run. */
export const summary = (outcome: Outcome) => {
  const { kills, seed } = outcome
  const perPoint: Record<string, number> = {}
  for (const { round } of kills) {
    const name = round.blow._tag === "Moment" ? "random moment" : round.blow.site
    perPoint[name] = (perPoint[name] ?? 0) + 1
  }
  const times = kills.map((it) => it.firstDeliveryMillis).sort((x, y) => x - y)
  return {
    seed,
    kills: kills.length,
    killsPerPoint: perPoint,
    leastOwedAtAKill: Math.min(...kills.map((it) => it.owed)),
    ...figures(outcome),
    firstDeliveryMillis: { median: times[Math.floor(times.length / 2)], longest: times.at(-1) }
  }
}
