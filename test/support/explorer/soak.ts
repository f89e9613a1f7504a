/**
 * Explores the link for longer than a test may: visits the named situations whole, by default the large ones, and then
 * walks through those that hold everything at once.
 *
 * `npm run explore -- [--states 20000000] [--walks 20000] [--seed 1] [name …]`. Ends with 1 at the first wrong state.
 */
import { parseArgs } from "node:util"
import { seeded } from "../Malformed.ts"
import { explore, type Report, wander } from "./Explorer.ts"
import { production } from "./Machine.ts"
import { large, situation, together } from "./LinkScenarios.ts"
import { linkSpace } from "./LinkSpace.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    states: { type: "string", default: "20000000" },
    walks: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" }
  }
})

const tell = (name: string, how: string, run: () => Report): void => {
  const began = performance.now()
  const { complete, ends, excused, states, wrong } = run()
  const seconds = ((performance.now() - began) / 1_000).toFixed(1)
  const reach = complete ? "all" : how
  console.log(
    `${String(states).padStart(10)} states, ${String(ends).padStart(6)} ends, ${seconds} s, ${reach}: ${name}`
  )
  for (const [excuse, times] of Object.entries(excused)) console.log(`             ${times} ${excuse}`)
  if (wrong === undefined) return
  console.log([wrong.what, ...wrong.trail.map((step, index) => `  ${index + 1}. ${step}`)].join("\n"))
  process.exit(1)
}

const named = positionals.map(situation)
for (const scenario of named.length > 0 ? named : large) {
  tell(scenario.name, `up to ${values.states}`, () => explore(linkSpace(scenario, production), Number(values.states)))
}
for (const scenario of named.length > 0 ? [] : together) {
  const walk = () => wander(linkSpace(scenario, production), Number(values.walks), seeded(Number(values.seed)))
  tell(scenario.name, `${values.walks} walks`, walk)
}
