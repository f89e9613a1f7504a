/**
 * Explores lifts for longer than a test may: all situations whole, or as far as the given number of states goes, and then walks
 * through those that hold everything at once.
 *
 * `node test/support/lift/soak.ts [--states 8000000] [--walks 5000] [--seed 1] [name …]`. Ends with 1 at the first wrong state.
 */
import { parseArgs } from "node:util"
import { explore, type Report, wander } from "../explorer/Explorer.ts"
import { seeded } from "../Malformed.ts"
import { large, situation, situations, spaceOf, together } from "./LiftScenarios.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    states: { type: "string", default: "8000000" },
    walks: { type: "string", default: "5000" },
    seed: { type: "string", default: "1" }
  }
})

const tell = (name: string, how: string, run: () => Report): void => {
  const began = performance.now()
  const { complete, moves, states, wrong } = run()
  const seconds = ((performance.now() - began) / 1_000).toFixed(1)
  const reach = complete ? "all" : how
  console.log(
    `${String(states).padStart(9)} states, ${String(moves).padStart(9)} moves, ${seconds} s, ${reach}: ${name}`
  )
  if (wrong === undefined) return
  console.log([wrong.what, ...wrong.trail.map((step, index) => `  ${index + 1}. ${step}`)].join("\n"))
  process.exit(1)
}

const named = positionals.map(situation)
for (const scenario of named.length > 0 ? named : [...situations, ...large]) {
  tell(scenario.name, `up to ${values.states}`, () => explore(spaceOf(scenario), Number(values.states)))
}
for (const scenario of named.length > 0 ? [] : together) {
  const walk = () => wander(spaceOf(scenario), Number(values.walks), seeded(Number(values.seed)))
  tell(scenario.name, `${values.walks} walks`, walk)
}
