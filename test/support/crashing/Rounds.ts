/**
 * Rounds of SIGKILL against two node processes that send to each other all the time: nodes and their PostgreSQL servers
 * in turn, at named points and at random moments (`Strikes.ts`).
 *
 * A round goes on only by what can be observed: messages flow both ways, the victim is gone, it runs again, a session is
 * live, messages that were sent since arrive. At the end everything drains, both stop, and the databases are read.
 */
import { percentile } from "../../../src/programs/demo/Percentile.ts"
import { owedAt, settledAfter } from "./Accounting.ts"
import type { NodeProcess } from "./NodeProcess.ts"
import { figures, Pair, type Result } from "./Pair.ts"
import { type Driver, prepare } from "./Places.ts"
import { type Blow, describe, other, type Round } from "./Strikes.ts"

/** One round as it went, by the clock of the machine, in milliseconds. */
export interface Struck {
  /** When the victim was gone. */
  readonly at: number
  /** When the node, its database or its successor said that it runs. */
  readonly readyAt: number
}

export interface Kill extends Struck {
  readonly round: Round
  /** From the readiness to the first message that took effect on either side. */
  readonly firstDeliveryMillis: number
  /** From the readiness until everything that was owed then was done. */
  readonly settledMillis: number
  readonly owed: number
}

export interface Outcome extends Result {
  readonly seed: number
  readonly kills: ReadonlyArray<Kill>
}

export interface Options {
  readonly driver: Driver
  readonly seed: number
  readonly rounds: ReadonlyArray<Round>
  readonly progress?: (line: string) => void
}

/** Runs the rounds on two places made for it. Rejects if anything that has to happen does not. */
export const run = async ({ driver, progress, rounds, seed }: Options): Promise<Outcome> => {
  const [a, b] = await Promise.all([prepare(driver), prepare(driver)])
  // On PostgreSQL as `holdfast start` does it: whoever owns the node runs it, and others stand by.
  const settings = { standby: driver === "postgres" }
  const pair = new Pair({ a, b }, seed, { a: settings, b: settings })
  try {
    await pair.start()
    const kills: Array<Omit<Kill, "owed" | "settledMillis">> = []
    for (const [index, round] of rounds.entries()) {
      const done = await perform(pair, round)
      kills.push(done)
      progress?.(
        `round ${index + 1} of ${rounds.length}: ${describe(round)}; back ${done.readyAt - done.at} ms later, ` +
          `first delivery ${done.firstDeliveryMillis} ms after that`
      )
    }
    await pair.flows()
    const result = await pair.finish()
    const { a: first, b: second } = result.books
    const account = (kill: (typeof kills)[number]): Kill => {
      const { at, readyAt, round } = kill
      const owed = owedAt(result.books[round.side], result.books[other(round.side)], at)
      return { ...kill, owed, settledMillis: settledAfter(first, second, readyAt) }
    }
    return { ...result, seed, kills: kills.map(account) }
  } finally {
    await pair.discard()
  }
}

const perform = async (pair: Pair, round: Round): Promise<Omit<Kill, "owed" | "settledMillis">> => {
  await pair.flows()
  const struck = await strike(pair, round)
  const nodes = Object.values(pair.nodes)
  // The counts of a new life begin with 0.
  const before = nodes.map(({ life }) => (life.readyAt > struck.at ? 0 : life.arrived))
  const first = Promise.race(
    nodes.map((node, index) => node.until("the first message arrives", (life) => life.arrived > before[index]!))
  ).then(() => Math.max(0, Date.now() - struck.readyAt))
  await Promise.all(nodes.map((node) => node.until("a session is live", (life) => life.live)))
  const firstDeliveryMillis = await first
  // The next round is to find nothing of this one: numbers keep the order, so what was sent before has gone as well.
  const news = (node: NodeProcess) =>
    node.until("messages arrive that were sent since", (life) => life.newest > struck.readyAt)
  await Promise.all(nodes.map(news))
  return { ...struck, round, firstDeliveryMillis }
}

const strike = (pair: Pair, round: Round): Promise<Struck> => {
  switch (round.victim) {
    case "sender":
    case "receiver":
      return killNode(pair, round)
    case "sender's database":
    case "receiver's database":
      return killDatabase(pair, round)
    case "owner":
    case "standby":
      return killAgent(pair, round)
  }
}

/** Returns when a fiber of the node stands at the point, or when the moment has come. */
export const reach = async (pair: Pair, { blow, side, victim }: Round): Promise<void> => {
  const node = pair.nodes[side]
  if (blow._tag === "Point") {
    const { _tag, ...visit } = blow
    const held = node.life.held
    node.order({ _tag: "Arm", signal: "hold", ...visit })
    await node.until(`it stands at ${blow.site}`, (life) => life.held > held)
    return
  }
  if (victim.startsWith("sender")) await pair.sends(side, blow.messages)
  else await pair.arrives(side, blow.messages)
  await new Promise((resolve) => setTimeout(resolve, blow.millis))
}

const startsArmed = ({ blow }: Round): Extract<Blow, { _tag: "Point" }> | undefined =>
  blow._tag === "Point" && blow.site === "delivery.claimed-before-resume" ? blow : undefined

/**
 * Kills a process and waits until the other side has noticed. A successor may have made the next session by the time that this
 * looks, so ends are counted.
 */
const killSeen = async (pair: Pair, victim: NodeProcess, survivor: NodeProcess): Promise<number> => {
  const ended = survivor.life.ended.length
  const at = await pair.kill(victim)
  await survivor.until("it has noticed the end of the session", (life) => !life.live || life.ended.length > ended)
  return at
}

/** Kills the process of a node and starts it again: twice if it is to die while its session begins. */
const killNode = async (pair: Pair, round: Round): Promise<Struck> => {
  const victim = pair.nodes[round.side]
  const survivor = pair.nodes[other(round.side)]
  const armed = startsArmed(round)
  if (armed === undefined) await reach(pair, round)
  let at = await killSeen(pair, victim, survivor)
  if (armed !== undefined) {
    const { _tag, ...visit } = armed
    await pair.begin(round.side, { armed: visit })
    await victim.until(`it stands at ${armed.site}`, (life) => life.held > 0)
    at = await killSeen(pair, victim, survivor)
  }
  await pair.begin(round.side)
  return { at, readyAt: victim.life.readyAt }
}

/**
 * Two processes of one node: kills the one that runs it, and the other one takes over; or the one that stands by, when
 * it does just that, or when it has taken over and its session begins.
 */
const killAgent = async (pair: Pair, round: Round): Promise<Struck> => {
  const { side } = round
  const owner = pair.nodes[side]
  const survivor = pair.nodes[other(side)]
  const armed = startsArmed(round)
  if (armed !== undefined) {
    const { _tag, ...visit } = armed
    const second = await pair.standBy(side, { armed: visit })
    await killSeen(pair, owner, survivor)
    await second.until(`it stands at ${armed.site}`, (life) => life.held > 0)
    const at = await pair.kill(second)
    await pair.begin(side)
    return { at, readyAt: owner.life.readyAt }
  }
  const second = await pair.standBy(side)
  await reach(pair, round)
  if (round.victim === "standby") {
    const at = await pair.kill(second)
    return { at, readyAt: at }
  }
  const at = await killSeen(pair, owner, survivor)
  const { readyAt } = await second.until("it has taken over", (life) => life.address !== undefined)
  pair.succeed(side)
  return { at, readyAt }
}

/** Kills the PostgreSQL server of a node, which goes on, and starts it again on the same files. */
const killDatabase = async (pair: Pair, round: Round): Promise<Struck> => {
  const { server } = pair.places[round.side]
  if (server === undefined) throw new Error("there is no PostgreSQL server of its own to kill")
  const node = pair.nodes[round.side]
  await reach(pair, round)
  await server.kill()
  const at = Date.now()
  // What it does next meets a database that is gone, or one that has just come back.
  const early = round.blow._tag === "Moment" || round.blow.passes % 2 === 0
  if (early) node.order({ _tag: "Release" })
  await server.resume()
  const readyAt = Date.now()
  if (!early) node.order({ _tag: "Release" })
  return { at, readyAt }
}

/** What is printed: counts of the whole run. */
export const summary = (outcome: Outcome) => ({
  seed: outcome.seed,
  ...killFigures(outcome.kills),
  ...figures(outcome)
})

/** How many rounds struck whom and where, and how soon everything was as before, of one run or of many. */
export const killFigures = (kills: ReadonlyArray<Kill>) => {
  const count = (nameOf: (round: Round) => string): Record<string, number> => {
    const counts: Record<string, number> = {}
    for (const { round } of kills) counts[nameOf(round)] = (counts[nameOf(round)] ?? 0) + 1
    return counts
  }
  const spread = (values: ReadonlyArray<number>) => ({
    p50: percentile(values, 50),
    p99: percentile(values, 99),
    max: percentile(values, 100)
  })
  const perVictim = (of: (kill: Kill) => number) =>
    Object.fromEntries(
      [...new Set(kills.map(({ round }) => round.victim))].map((victim) => [
        victim,
        spread(kills.filter(({ round }) => round.victim === victim).map(of))
      ])
    )
  return {
    kills: kills.length,
    victims: count(({ victim }) => victim),
    places: count(({ blow }) => (blow._tag === "Moment" ? "random moment" : blow.site)),
    leastOwedAtAKill: Math.min(...kills.map(({ owed }) => owed)),
    millisUntilReady: perVictim(({ at, readyAt }) => readyAt - at),
    firstDeliveryMillisAfterReady: perVictim(({ firstDeliveryMillis }) => firstDeliveryMillis),
    allSettledMillisAfterReady: perVictim(({ settledMillis }) => settledMillis),
    settledWithinTwoSeconds: kills.filter(({ settledMillis }) => settledMillis <= 2_000).length
  }
}
