/**
 * What is kept of a planted bug that was found: the least plan that shows it, and what it shows.
 */
import { Schema } from "effect"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { divergence } from "../../src/testing/campaign/Determinism.ts"
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import type { Result } from "../../src/testing/cluster/Result.ts"
import { Verdict } from "../../src/testing/cluster/Verdict.ts"
import { FaultPlan } from "../../src/testing/faults/FaultPlan.ts"
import { chain } from "../../src/testing/chain/ChainScenario.ts"
import { credit } from "../../src/testing/credit/CreditScenario.ts"
import { cancelling } from "../../src/testing/ledger/CancellingScenario.ts"
import { deadlines } from "../../src/testing/ledger/DeadlinesScenario.ts"
import { grouped } from "../../src/testing/ledger/GroupedScenario.ts"
import { ledger } from "../../src/testing/ledger/LedgerScenario.ts"
import { timers } from "../../src/testing/timers/TimersScenario.ts"
import { type Mutant, properties, type Property } from "./Mutant.ts"

export const Stored = Schema.Struct({
  mutant: Schema.String,
  /** What found it. */
  property: Schema.Literals(properties),
  /** How many seeds of the mutant's profile were run, this one included; left out if its plan was written by hand. */
  seedsToDetection: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2_000 }))),
  /** Milliseconds, on two busy cores. */
  shrinkMillis: Schema.Int,
  seed: Schema.Int,
  /** The shrunk one. */
  plan: FaultPlan,
  verdict: Verdict
})
export type Stored = typeof Stored.Type

const Text = Schema.fromJsonString(Stored)
const folder = new URL("plans/", import.meta.url)
const fileOf = (mutant: string): string => fileURLToPath(new URL(`${mutant}.json`, folder))

export const write = (stored: Stored): void => {
  const json: unknown = JSON.parse(Schema.encodeSync(Text)(stored))
  writeFileSync(fileOf(stored.mutant), `${JSON.stringify(json, undefined, 2)}\n`)
}

export const read = (mutant: string): Stored => Schema.decodeUnknownSync(Text)(readFileSync(fileOf(mutant), "utf8"))

/** The plan that was written by hand for a bug. */
export const readAimed = (mutant: string): FaultPlan =>
  Schema.decodeUnknownSync(Schema.fromJsonString(FaultPlan))(
    readFileSync(new URL(`aimed/${mutant}.json`, import.meta.url), "utf8")
  )

/** The bugs of which there is a plan, in the order of their names. */
export const stored = (): ReadonlyArray<string> =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -".json".length))
    .sort()

/** What a verdict says is broken, in the words of the planted bugs. */
export const brokenBy = (verdict: Verdict): Property | undefined => {
  if (verdict._tag === "Leaked") return "nothing leaks"
  return "property" in verdict ? properties.find((property) => property === verdict.property) : undefined
}

/** Whether this is one of the properties that have to find it. */
export const isFor = ({ also = [], property }: Mutant, found: Property | undefined): found is Property =>
  found !== undefined && [property, ...also].includes(found)

/** What a bug is hunted in. */
export const simulationFor = ({ scenario }: Pick<Mutant, "scenario">): Simulation.Simulation => {
  switch (scenario) {
    case "deadlines":
      return Simulation.make(deadlines)
    case "cancelling":
      return Simulation.make(cancelling)
    case "grouped":
      return Simulation.make(grouped)
    case "chain":
      return Simulation.make(chain)
    case "credit":
      return Simulation.make(credit)
    case "timers":
      return Simulation.make(timers)
    default:
      return Simulation.make(ledger)
  }
}

const repeats = "same seed, same run" satisfies Property

/** One run; where replaying is what is broken, two, and what they differ in is the verdict. */
export const runFor = async (
  { property }: Pick<Mutant, "property">,
  simulation: Simulation.Simulation,
  seed: number,
  plan: FaultPlan
): Promise<Pick<Result, "verdict" | "virtualMillis" | "trace">> => {
  const first = await simulation.run(seed, plan)
  if (property !== repeats) return first
  const parted = divergence(first, await simulation.run(seed, plan))
  if (parted === undefined) return first
  return { ...first, verdict: { _tag: "Unsafe", property: repeats, detail: parted.detail } }
}
