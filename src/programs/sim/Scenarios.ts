/**
 * The scenarios that can be simulated: those that are built in, and any that a file of the user's exports.
 *
 * This is the one place that imports a file by a name that is not written in the sources. What comes out of it is looked
 * at before it is used.
 */
import { Schema } from "effect"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { bitcoin } from "../../testing/bitcoin/BitcoinScenario.ts"
import { chain } from "../../testing/chain/ChainScenario.ts"
import type { Scenario } from "../../testing/cluster/Scenario.ts"
import { credit } from "../../testing/credit/CreditScenario.ts"
import { ledger } from "../../testing/ledger/LedgerScenario.ts"
import { timers } from "../../testing/timers/TimersScenario.ts"
import { nearest } from "../Suggestion.ts"
import { isFile } from "./ScenarioName.ts"

/** What is done with a scenario, whatever services it has of its own. */
export type Use<A> = <R>(scenario: Scenario<R>) => A

const builtIn: ReadonlyMap<string, <A>(use: Use<A>) => A> = new Map([
  [ledger.name, (use) => use(ledger)],
  [timers.name, (use) => use(timers)],
  [bitcoin.name, (use) => use(bitcoin)],
  [chain.name, (use) => use(chain)],
  [credit.name, (use) => use(credit)]
])

export class ScenarioUnusable extends Schema.TaggedError<ScenarioUnusable>()("ScenarioUnusable", {
  scenario: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `scenario ${this.scenario}: ${this.problem}`
  }
}

const isScenario = (value: unknown): value is Scenario =>
  typeof value === "object" &&
  value !== null &&
  "name" in value &&
  typeof value.name === "string" &&
  value.name !== "" &&
  "protocols" in value &&
  Array.isArray(value.protocols) &&
  "services" in value

/** Of what is not the user's code: Node, this package, and what it depends on. */
const inside = /^\s+at .*(?:node:|[\\/]programs[\\/]sim[\\/]|[\\/]holdfast[\\/]dist[\\/]|[\\/]node_modules[\\/])/

/** What was thrown by code of the user's, with its lines of the stack. */
export const wordsOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  if ("code" in cause && cause.code === "ERR_UNKNOWN_FILE_EXTENSION")
    return `Node ${process.versions.node} reads no TypeScript: use 22.18 or later, or compile the file and name the .js`
  if ("code" in cause && cause.code === "ERR_MODULE_NOT_FOUND") return cause.message
  return (cause.stack ?? cause.message)
    .split("\n")
    .filter((line) => line.trim() !== "" && !inside.test(line))
    .join("\n")
}

/** Uses the scenario of a name, or what a file exports: `<file>` or `<file>#<export>`. */
export const load = async <A>(scenario: string, use: Use<A>): Promise<A> => {
  const known = builtIn.get(scenario)
  if (known !== undefined) return known(use)
  const unusable = (problem: string) => new ScenarioUnusable({ scenario, problem })
  if (!isFile(scenario)) {
    const near = nearest(scenario, builtIn.keys())
    const meant = near === undefined ? "" : `; did you mean ${near}?`
    throw unusable(
      `there is none of this name, only ${[...builtIn.keys()].join(", ")}${meant} - name a file of your own by its path: --scenario ./scenario.ts`
    )
  }
  const [file = "", name = "default"] = scenario.split("#")
  const { href } = pathToFileURL(path.resolve(file))
  let module: object
  try {
    module = await import(href)
  } catch (cause) {
    throw unusable(`the file cannot be loaded: ${wordsOf(cause)}`)
  }
  const found: unknown = Object.entries(module).find(([key]) => key === name)?.[1]
  if (found === undefined)
    throw unusable(
      `the file exports no "${name}", but ${Object.keys(module).join(", ") || "nothing"}: name one as ${file}#<export>`
    )
  if (!isScenario(found))
    throw unusable(`its "${name}" is no scenario: make it with Scenario.make({ name, protocols })`)
  return use(found)
}
