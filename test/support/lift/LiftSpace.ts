/**
 * All that can happen to a lift, as a graph for the explorer: what every node and referee knows, and all messages that were ever sent.
 *
 * A message that was sent can be taken at any time, any number of times, in any order, or never: that is loss, delay, duplication and
 * reordering in one. A node that dies loses nothing that it has stored, and what it has not stored has not happened, so that its
 * death is the same as messages that it takes later. A clock can reach the plan's end at any time, each on its own.
 *
 * From every state the end must be in reach, even if all messages under way are lost and only one of the nodes that still wait comes
 * back, with more than half of the referees.
 */
import type { Move, Space } from "../explorer/Explorer.ts"
import type { Happening, LiftModel, Outcome } from "./LiftModel.ts"

export interface World {
  readonly locals: ReadonlyArray<number>
  readonly sent: bigint
}

export interface Bounds {
  /** Ballots have at most this round. */
  readonly rounds: number
  /** Nodes by their place that ask the referees because time is over or a refusal has come. */
  readonly asking: ReadonlyArray<number>
  /** Actors, nodes first, whose clocks may reach the end of the plan. */
  readonly expiring: ReadonlyArray<number>
  /** Nodes by their place that may find no room. */
  readonly refusing: ReadonlyArray<number>
  readonly mayAbort: boolean
}

const roundOf = (model: LiftModel, local: number): number => {
  const state = model.locals[local]!
  return state.kind === "node" ? (state.lift?.round ?? 0) : 0
}

const after = ({ locals, sent }: World, actor: number, outcome: Outcome): World => ({
  locals: locals.with(actor, outcome.next),
  sent: sent | outcome.sent
})

const statusOf = (model: LiftModel, local: number): string => {
  const state = model.locals[local]!
  return state.kind === "node" ? (state.lift?.status ?? "nothing") : (state.lift?.record?.verdict ?? "nothing")
}

/** What must never be true of what everybody knows. */
const wrongOf = (model: LiftModel, { locals }: World): string | undefined => {
  for (const local of locals) {
    const state = model.locals[local]!
    if (state.kind === "node" && state.problem !== undefined) return state.problem
    if (state.lift?.contrary !== undefined) return "wrong: two verdicts"
  }
  const all = locals.map((local) => statusOf(model, local))
  if (all.includes("good") && all.includes("void")) return "wrong: good here and void there"
  const nodes = all.slice(0, model.nodes)
  if (all.includes("good") && nodes.some((status) => status !== "good" && status !== "promised")) {
    return "wrong: good though not all have promised"
  }
  return undefined
}

/** More than it ever takes; only wrong rules go round in circles. */
const mostPasses = 50

/** Takes all messages among these actors until nothing changes any more. */
const settle = (model: LiftModel, world: World, alive: ReadonlyArray<number>): World => {
  let now = world
  let before: World | undefined
  for (let pass = 0; pass < mostPasses && before !== now; pass++) {
    before = now
    for (const actor of alive) {
      for (const id of model.inbox[actor]!) {
        if ((now.sent & model.bits[id]!) === 0n) continue
        const outcome = model.outcome(actor, now.locals[actor]!, id)
        if (outcome === undefined) continue
        const isNews = outcome.next !== now.locals[actor] || (now.sent | outcome.sent) !== now.sent
        if (isNews) now = after(now, actor, outcome)
      }
    }
  }
  return now
}

const apply = (model: LiftModel, world: World, actor: number, happening: Happening): World => {
  const outcome = model.outcome(actor, world.locals[actor]!, happening)
  return outcome === undefined ? world : after(world, actor, outcome)
}

/** How often a node may have to ask, alone, until it knows. */
const mostAsking = 8

/** Whether this node learns the verdict, with these referees and nobody else, after everything under way was lost. */
const learns = (
  model: LiftModel,
  locals: ReadonlyArray<number>,
  node: number,
  referees: ReadonlyArray<number>
): boolean => {
  const alive = [node, ...referees]
  let world: World = { locals, sent: 0n }
  for (const actor of alive) world = apply(model, world, actor, "expire")
  for (let asked = 0; asked < mostAsking && statusOf(model, world.locals[node]!) === "promised"; asked++) {
    world = settle(model, apply(model, world, node, "wake"), alive)
  }
  return statusOf(model, world.locals[node]!) !== "promised"
}

/** The referees that are there, when all are and when any one is not but the rest are enough. */
const quorums = (model: LiftModel): ReadonlyArray<ReadonlyArray<number>> => {
  const all = model.actors.map((_, actor) => actor).slice(model.nodes)
  return all.length === 1 ? [all] : [all, ...all.map((dead) => all.filter((actor) => actor !== dead))]
}

export const liftSpace = (name: string, model: LiftModel, bounds: Bounds): Space<World> => {
  const refereeSets = quorums(model)
  const known = new Map<string, boolean>()

  /** What a node learns depends on what it and the referees know, and on nothing else. */
  const isStuck = (locals: ReadonlyArray<number>, node: number, about: string): boolean => {
    const key = `${node} ${locals[node]} ${about}`
    const before = known.get(key)
    if (before !== undefined) return before
    const stuck = refereeSets.some((referees) => !learns(model, locals, node, referees))
    known.set(key, stuck)
    return stuck
  }

  const stuck = ({ locals }: World): string | undefined => {
    const about = locals.slice(model.nodes).join(" ")
    for (let node = 0; node < model.nodes; node++) {
      if (statusOf(model, locals[node]!) !== "promised") continue
      if (isStuck(locals, node, about)) return "wrong: a promise that nothing ends any more"
    }
    return undefined
  }

  const happens = (world: World, actor: number, happening: Happening, fits: boolean): Move<World> | undefined => {
    const local = world.locals[actor]!
    const outcome = model.outcome(actor, local, happening, fits)
    if (outcome === undefined) return undefined
    if (roundOf(model, outcome.next) > bounds.rounds) return undefined
    if (outcome.next === local && (world.sent | outcome.sent) === world.sent) return undefined
    const what = typeof happening === "number" ? model.envelopes[happening]!.message._tag : happening
    const label = () => `${actor}: ${what}${fits ? "" : ", without room"}`
    return {
      label,
      fault: !fits || happening === "abort" || happening === "expire",
      to: () => after(world, actor, outcome)
    }
  }

  const moves = (world: World): ReadonlyArray<Move<World>> => {
    const all: Array<Move<World> | undefined> = []
    for (let actor = 0; actor < model.actors.length; actor++) {
      if (actor === 0) all.push(happens(world, 0, "begin", true))
      if (actor === 0 && bounds.mayAbort) all.push(happens(world, 0, "abort", true))
      if (bounds.expiring.includes(actor)) all.push(happens(world, actor, "expire", true))
      if (bounds.asking.includes(actor)) all.push(happens(world, actor, "wake", true))
      for (const id of model.inbox[actor]!) {
        if ((world.sent & model.bits[id]!) === 0n) continue
        all.push(happens(world, actor, id, true))
        const isPromise = model.envelopes[id]!.message._tag === "Promise"
        if (isPromise && bounds.refusing.includes(actor)) all.push(happens(world, actor, id, false))
      }
    }
    return all.filter((move) => move !== undefined)
  }

  return {
    name,
    first: { locals: model.start, sent: 0n },
    moves,
    key: ({ locals, sent }) => `${locals.join(" ")} ${sent.toString(36)}`,
    broken: (world) => wrongOf(model, world) ?? stuck(world),
    verdict: () => undefined
  }
}
