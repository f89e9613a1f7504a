/**
 * Runs scripts of credit: whole simulated nodes, whose users do what the script says, under the laws of the scenario `credit` at every
 * commit and in the end. A script is run where nothing else goes wrong, with faults of a plan at moments of it, or amid random ones.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Cuid } from "../../../../src/protocol/credit/Chad.ts"
import { Credit } from "../../../../src/services/credit/Credit.ts"
import * as Tables from "../../../../src/services/credit/CreditTables.ts"
import { Records } from "../../../../src/services/Records.ts"
import * as Simulation from "../../../../src/testing/campaign/Simulation.ts"
import { Place } from "../../../../src/testing/cluster/Place.ts"
import type { Result } from "../../../../src/testing/cluster/Result.ts"
import * as Scenario from "../../../../src/testing/cluster/Scenario.ts"
import { describe as inWords, held } from "../../../../src/testing/cluster/Verdict.ts"
import type { Bond, Cast, Member } from "../../../../src/testing/credit/CreditCast.ts"
import * as CreditEnd from "../../../../src/testing/credit/CreditEnd.ts"
import { CreditWatch } from "../../../../src/testing/credit/CreditWatch.ts"
import { Handover } from "../../../../src/testing/credit/Handover.ts"
import { layer } from "../../../../src/testing/credit/SimulatedCredit.ts"
import { begin, open, put } from "../../../../src/testing/credit/TallyOpening.ts"
import type { Entry } from "../../../../src/testing/faults/FaultPlan.ts"
import * as Swarm from "../../../../src/testing/faults/Swarm.ts"
import type { TraceEvent } from "../../../../src/testing/world/Trace.ts"
import { Board, ScriptBroken } from "./Board.ts"
import { nodeOf, type Step } from "./Steps.ts"
import { tampered } from "./Tampering.ts"

/** A tally that is open before the script begins, by its parties' ids; in milli-CHIP what either side grants. */
export interface Opened {
  readonly id: Bond["id"]
  readonly stock: string
  readonly foil: string
  readonly grants: Bond["grants"]
}

export interface Script {
  readonly users: ReadonlyArray<string>
  readonly opened?: ReadonlyArray<Opened>
  readonly steps: ReadonlyArray<Step>
  /** Milliseconds of the run, from the start of the nodes; 30,000 unless it says so. */
  readonly duration?: number
  /** Nodes without users of their own as well, by how many there are; as many as users have unless it says so. */
  readonly nodes?: number
}

/** Milliseconds: between two attempts at a step, at first and at the most. */
const [soon, late] = [20, 300]

const castOf = ({ opened = [], users }: Script, nodes: Scenario.Nodes): Cast => {
  const members = users.flatMap((user): ReadonlyArray<Member> => {
    const node = nodes.find(({ name }) => name === nodeOf(user))
    return node === undefined ? [] : [{ node: node.name, agent: node.key, cuid: Cuid.make(user) }]
  })
  const at = (user: string) => members.filter(({ cuid }) => cuid === user)
  const bonds = opened.flatMap(({ foil, grants, id, stock }) =>
    at(stock).flatMap((one) => at(foil).map((other): Bond => ({ id, stock: one, foil: other, grants })))
  )
  return { members, bonds }
}

/** Does the steps of this node when their turn has come. */
const follow = Effect.fnUntraced(function* ({ steps }: Script, board: Board, name: string) {
  const { trueMillis } = yield* Place
  for (let wait = soon; board.at < steps.length && board.broken === undefined;) {
    const number = board.at
    const step = steps[number]!
    if (step.node !== name) {
      yield* Effect.sleep(wait)
      wait = Math.min(late, wait * 1.5)
      continue
    }
    board.attempts.set(step.name, (board.attempts.get(step.name) ?? 0) + 1)
    const tried = yield* Effect.result(step.run(board, `step ${number}`))
    if (tried._tag === "Success" && tried.success) {
      board.at = number + 1
      board.since = trueMillis()
      board.hindered = ""
      board.note(name, "step", { step: step.name })
      wait = soon
    } else {
      if (tried._tag === "Failure") board.hindered = tried.failure.message
      yield* Effect.sleep(wait)
      wait = Math.min(late, wait * 1.5)
    }
  }
})

const live = Effect.fnUntraced(function* (script: Script, board: Board, name: string) {
  const { nodes } = yield* Place
  const cast = castOf(script, nodes)
  for (const member of cast.members) if (member.node === name) yield* Effect.retry(put(member), { times: 20 })
  for (const bond of cast.bonds) if (bond.stock.node === name) yield* Effect.retry(begin(bond), { times: 20 })
  yield* open(cast, name, soon)
  board.kept.set(`open ${name}`, true)
  while (board.nodes.some((node) => !board.kept.has(`open ${node.name}`))) yield* Effect.sleep(soon)
  yield* follow(script, board, name)
})

const scenarioOf = (script: Script, board: Board) =>
  Scenario.make({
    name: "credit by a script",
    protocols: [tampered(board), Handover.handled],
    services: layer,
    tables: Effect.forEach(Tables.all, (table) => Records.migration(table)),
    watch: (watching, { duration }) => {
      board.begin(watching, duration)
      const note: typeof watching.note = (node, kind, detail) => board.note(node, kind, detail)
      const watch = new CreditWatch({ ...watching, note })
      return {
        committed: (node, database) => {
          board.committed(node)
          watch.committed(node, database)
        },
        restored: watch.restored
      }
    },
    properties: [CreditEnd.property((nodes) => castOf(script, nodes).members)],
    users: ({ name }) => Effect.provide(live(script, board, name), Layer.fresh(Credit.layer))
  })

const seed = 5
/** Events in words: all of a short run. */
const kept = { events: 200_000 }

const sizeOf = ({ nodes, users }: Script): number => nodes ?? new Set(users.map(nodeOf)).size

export interface Told {
  readonly result: Result
  readonly board: Board
}

const run = async (script: Script, faults: ReadonlyArray<Entry>): Promise<Told> => {
  const board = new Board()
  const { duration = 30_000 } = script
  const plan = { ...Swarm.generate(seed, "calm", { nodes: sizeOf(script), duration, operations: 1 }), faults }
  const simulation = Simulation.make(scenarioOf(script, board))
  return { board, result: await simulation.run(seed, { ...plan, knobs: { heartbeat: "fast" } }, kept) }
}

/** Runs a script that must come to its end, under everything that holds of credit. */
export const play = async (script: Script, faults: ReadonlyArray<Entry> = []): Promise<Told> => {
  const told = await run(script, faults)
  const { board, result } = told
  const step = script.steps[board.at]
  const where = step === undefined ? "" : `; it stands at step ${board.at}, "${step.name}": ${board.hindered}`
  assert.strictEqual(result.verdict._tag, held._tag, inWords(result.verdict) + where)
  assert.isUndefined(board.broken)
  assert.isUndefined(step, `the script does not come to its end${where}`)
  return told
}

/** Runs a script amid what a profile draws: of that only the laws must hold, and an end in which all is settled. */
export const amid = async (
  script: Script,
  {
    faults,
    profile,
    seed
  }: { readonly profile: Swarm.Profile; readonly seed: number; readonly faults: ReadonlyArray<Entry> }
): Promise<Told> => {
  const board = new Board()
  const plan = Swarm.generate(seed, profile, { nodes: sizeOf(script), duration: 12_000, operations: 1 })
  const simulation = Simulation.make(scenarioOf(script, board))
  const result = await simulation.run(seed, { ...plan, faults: [...plan.faults, ...faults] })
  const words = `${profile}, seed ${seed}, after step ${board.at}: ${inWords(result.verdict)}`
  assert.strictEqual(result.verdict._tag, held._tag, words)
  return { board, result }
}

/** A moment of a run in which nothing else goes wrong: it is the same one in every run until something strikes. */
export interface Moment {
  readonly event: number
  readonly millis: number
  /** Of the node where it is, counted over all of its lives. */
  readonly commit: number
}

/** Where a step is over, by its name, or what is seen otherwise. */
export type Where = string | ((event: TraceEvent) => boolean)

/** Looks for moments of a script, the first of each. */
export const momentsOf = async (script: Script): Promise<(where: Where) => Moment> => {
  const { result } = await run(script, [])
  return (where) => {
    const isIt = ({ detail, kind }: TraceEvent): boolean => kind === "step" && detail["step"] === where
    const event = result.trace.find(typeof where === "string" ? isIt : where)
    if (event === undefined) throw new ScriptBroken(`there is no moment ${String(where)}`)
    return { event: event.n, millis: Math.ceil(event.at / 1_000), commit: Number(event.detail["commit"] ?? 0) }
  }
}
