/**
 * What docs/simulation-mutants.md says of a planted bug: what it is, what has to find it, and how it was found.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { type Mutant, properties, type Property } from "./Mutant.ts"
import { read, stored } from "./Stored.ts"

const file = fileURLToPath(new URL("../../docs/simulation-mutants.md", import.meta.url))

export const text = (): string => readFileSync(file, "utf8")

/** Those from here on are described in the document itself. */
const firstDescribed = properties.indexOf("nobody is accused")
const words = (property: Property): string =>
  properties.indexOf(property) < firstDescribed ? property : `*${property}*`

const found = ({ name }: Mutant): ReadonlyArray<string> => {
  if (!stored().includes(name)) return ["not found", "", "", "", ""]
  const { plan, property, seedsToDetection, shrinkMillis } = read(name)
  const seconds = (shrinkMillis / 1_000).toFixed(1)
  return [
    words(property),
    seedsToDetection === undefined ? "by hand" : String(seedsToDetection),
    String(plan.faults.length),
    String(plan.nodes),
    `${seconds} s`
  ]
}

/** The bug's line in its table. */
export const rowOf = (mutant: Mutant): string => {
  const { also = [], name, profile, property, what } = mutant
  const cells = [name, what, words(property), also.map(words).join(", "), profile, ...found(mutant)]
  return `|${cells.map((cell) => (cell === "" ? " " : ` ${cell} `)).join("|")}|`
}

/** Brings the bug's line up to date. */
export const writeRow = (mutant: Mutant): void => {
  const lines = text().split("\n")
  const at = lines.findIndex((line) => line.startsWith(`| ${mutant.name} |`))
  if (at < 0) throw new Error(`docs/simulation-mutants.md has no line for ${mutant.name}`)
  writeFileSync(file, lines.with(at, rowOf(mutant)).join("\n"))
}
