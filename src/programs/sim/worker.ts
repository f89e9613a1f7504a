/**
 * A process that runs seeds for a command of the simulator, one request after the other, until its standard input ends.
 *
 * Replies are written synchronously: a long world reports while it runs, and nothing of this process may wait meanwhile.
 */
import { Schema } from "effect"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import { createInterface } from "node:readline"
import { runOf } from "../../testing/campaign/Campaign.ts"
import { divergence } from "../../testing/campaign/Determinism.ts"
import * as FailureFile from "../../testing/campaign/FailureFile.ts"
import * as Simulation from "../../testing/campaign/Simulation.ts"
import type { Result } from "../../testing/cluster/Result.ts"
import { isFailure } from "../../testing/cluster/Verdict.ts"
import type { FaultPlan } from "../../testing/faults/FaultPlan.ts"
import * as Swarm from "../../testing/faults/Swarm.ts"
import { version } from "../Version.ts"
import { Job, replies, Reply, Request } from "./Contract.ts"
import type { Drawing } from "./Drawing.ts"
import { load, wordsOf } from "./Scenarios.ts"
import { soak } from "./SoakWorld.ts"

const encode = Schema.encodeSync(Schema.fromJsonString(Reply))
const requestIn = Schema.decodeUnknownSync(Schema.fromJsonString(Request))

const say = (reply: Reply): void => {
  const bytes = Buffer.from(`${encode(reply)}\n`)
  for (let written = 0; written < bytes.length;) written += fs.writeSync(replies, bytes, written)
}

const job = Schema.decodeUnknownSync(Schema.fromJsonString(Job))(process.argv[2])

const Manifest = Schema.Struct({ version: Schema.String })
const effectVersion = (): string =>
  Schema.decodeUnknownSync(Manifest)(createRequire(import.meta.url)("effect/package.json")).version

const origin: FailureFile.Origin = {
  commit: job.commit,
  versions: { node: process.versions.node, effect: effectVersion(), holdfast: version },
  // A bug is planted by a module that is loaded first; without one the variable means nothing.
  mutant: process.execArgv.includes("--import") ? process.env["MUTANT"] || undefined : undefined
}

const fileOf = (result: Result): string => FailureFile.encode(FailureFile.fromResult(result, origin))

const planOf = ({ database, without }: Simulation.Simulation, seed: number, { profile, ...drawing }: Drawing) =>
  Swarm.generate(seed, profile, { database, without, ...drawing })

/** Events in words, of which those up to a certain one are wanted. */
const keptUntil = 1_000_000

const carryOut = async (
  simulation: Simulation.Simulation,
  plan: FaultPlan,
  request: Exclude<Request, { _tag: "Soak" }>
): Promise<void> => {
  const { seed, until, whole = false } = request
  const run = () =>
    simulation.run(seed, plan, until === undefined ? undefined : { events: keptUntil }).catch(brokenAt(seed))
  const first = await run()
  const parted = request._tag === "Draw" && request.twice ? divergence(first, await run()) : undefined
  const told = until === undefined ? first : { ...first, trace: first.trace.filter(({ n }) => n <= until) }
  say({
    _tag: "Ran",
    run: runOf(first),
    ...(whole || isFailure(first.verdict) || parted !== undefined ? { file: fileOf(told) } : {}),
    ...(parted === undefined ? {} : { parted })
  })
}

/** What ends this process: a scenario that throws where a run begins or ends. */
const brokenAt =
  (seed: number) =>
  (cause: unknown): never => {
    throw new Error(`seed ${seed}, the simulator or the scenario broke: ${wordsOf(cause)}`, { cause })
  }

const answer = async (simulation: Simulation.Simulation, request: Request): Promise<void> => {
  if (request._tag === "Run") return await carryOut(simulation, request.plan, request)
  if (request._tag === "Draw")
    return await carryOut(simulation, planOf(simulation, request.seed, request.drawing), request)
  const result = await load(job.scenario, (scenario) => soak(scenario, request, say))
  say({ _tag: "Ran", run: runOf(result), ...(isFailure(result.verdict) ? { file: fileOf(result) } : {}) })
}

// The command decides when this process ends; a signal from the terminal reaches both.
process.on("SIGINT", () => undefined)

try {
  const simulation = await load(job.scenario, Simulation.make)
  say({ _tag: "Ready", scenario: simulation.name, sometimes: simulation.sometimes })
  for await (const line of createInterface({ input: process.stdin })) await answer(simulation, requestIn(line))
} catch (cause) {
  say({ _tag: "Unable", problem: cause instanceof Error ? cause.message : String(cause) })
}
process.exit()
