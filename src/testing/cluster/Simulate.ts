/**
 * One run of a scenario: under its plan for as long as that says, then in quiet until everything has come right, then
 * stopped, with nothing left behind.
 */
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { hopeless } from "../faults/Validity.ts"
import type { Stop, World } from "../world/World.ts"
import { Cluster, quietLimit } from "./Cluster.ts"
import type { Keep, Result } from "./Result.ts"
import type { Scenario } from "./Scenario.ts"
import { Settling } from "./Settling.ts"
import { held, type Verdict } from "./Verdict.ts"
import { nothingLeft } from "./Witness.ts"

/** How long a graceful stop of all nodes may take, in milliseconds. */
const stopLimit = 60_000

/** The databases of one run, and what has to happen after it. */
export interface Databases {
  readonly of: (world: World, node: string) => SimulatedDatabase
  readonly release: () => Promise<void>
}

export const simulate = async <R>(
  scenario: Scenario<R>,
  seed: number,
  plan: FaultPlan,
  keep: Keep,
  databases: Databases
): Promise<Result> => {
  const cluster = new Cluster(scenario, seed, plan, keep, databases.of)
  const reason = hopeless(plan)
  let verdict: Verdict
  try {
    verdict = reason === undefined ? await run(cluster, plan) : { _tag: "Hopeless", detail: reason }
  } finally {
    await databases.release()
  }
  return resultOf(cluster, seed, plan, verdict)
}

const run = async <R>(cluster: Cluster<R>, plan: FaultPlan): Promise<Verdict> => {
  const { evidence, world } = cluster
  const failed = () => evidence.failure !== undefined
  const start = world.rng("start")
  for (const member of cluster.members.all) world.at(start.below(200_000), () => member.start())
  cluster.engine.begin()
  // Keeps time moving to the end of the disturbed part, should nothing else.
  world.at(plan.duration * 1_000, () => undefined)
  const disturbed = await world.run(() => failed() || world.now >= plan.duration * 1_000)
  if (failed() || disturbed._tag !== "Done") return failure(cluster, disturbed) ?? stopped(disturbed, "the run")

  const settling = await settle(cluster)
  if (settling !== undefined) return settling
  return await windUp(cluster)
}

/** Nothing goes wrong any more: everything has to come right. */
const settle = async <R>(cluster: Cluster<R>): Promise<Verdict | undefined> => {
  const { evidence, members, world } = cluster
  world.trace.record(world.now, "", "quiet")
  cluster.engine.stop()
  cluster.network.heal()
  for (const member of members.all) {
    member.closeDoors()
    member.start()
  }
  const settling = new Settling(world, members, cluster.scenario)
  settling.begin()
  const deadline = world.now + quietLimit * 500
  const stop = await world.run(() => evidence.failure !== undefined || settling.settled || world.now >= deadline)
  const failed = failure(cluster, stop)
  if (failed !== undefined) return failed
  if (settling.settled) return undefined
  const { missing } = settling
  return missing === undefined || stop._tag !== "Done" ? stopped(stop, "the quiet end") : { _tag: "Stuck", ...missing }
}

/** Stops every node. What one leaves behind has been reported by then. */
const windUp = async <R>(cluster: Cluster<R>): Promise<Verdict> => {
  const { evidence, world } = cluster
  const members = cluster.members.all
  cluster.windUp()
  const deadline = world.now + stopLimit * 1_000
  world.at(deadline, () => undefined)
  const over = () => members.every(({ state }) => state === "dead")
  const stop = await world.run(() => evidence.failure !== undefined || over() || world.now >= deadline)
  const failed = failure(cluster, stop)
  if (failed !== undefined) return failed
  if (stop._tag !== "Done") return stopped(stop, "the stop of all nodes")
  const running = members.find(({ state }) => state !== "dead")
  if (running === undefined) return held
  return { _tag: "Stuck", property: nothingLeft, detail: `${running.name} does not stop` }
}

/** What was found wrong. A leak comes first: what a node does about the error that it gets follows from the leak. */
const failure = <R>(cluster: Cluster<R>, stop: Stop): Verdict | undefined =>
  stop._tag === "Leaked" ? stopped(stop, "the run") : cluster.evidence.failure

const stopped = (stop: Stop, where: string): Verdict => {
  switch (stop._tag) {
    case "Leaked": {
      const [first] = stop.leaks
      return { _tag: "Leaked", what: first?.what ?? "", stack: first?.stack ?? "" }
    }
    case "Broke": {
      const { cause } = stop
      return { _tag: "Broken", detail: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) }
    }
    case "Deadlock":
      return { _tag: "Stuck", property: "something goes on", detail: `${where} stands still for ever` }
    case "Runaway":
      return { _tag: "Stuck", property: "time goes on", detail: `${where}: ${stop.detail}` }
    case "Done":
      return { _tag: "Broken", detail: `${where} ended without a verdict` }
  }
}

const resultOf = <R>(cluster: Cluster<R>, seed: number, plan: FaultPlan, verdict: Verdict): Result => {
  const { engine, evidence, scenario, world } = cluster
  const struck = Object.fromEntries(Object.entries(engine.struck).map(([kind, times]) => [`fault: ${kind}`, times]))
  return {
    scenario: scenario.name,
    seed,
    plan,
    verdict,
    hash: world.trace.hash,
    events: world.events,
    virtualMillis: world.now / 1_000,
    checkpoints: world.trace.checkpoints,
    trace: world.trace.events,
    sometimes: evidence.sometimes,
    figures: { ...evidence.figures, ...struck }
  }
}
