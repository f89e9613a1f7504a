/**
 * Many seeds of the scenario `credit`, spread over all profiles: `node test/support/credit-seeds/soak.ts [--seeds 10000] [--from n]
 * [--profiles calm,swarm] [--jobs 2]`.
 *
 * Without `--from` they are seeds that nobody has run. It says every half minute how far it is, and ends with one line of all profiles;
 * with 1 if anything failed. Failures are kept in `.holdfast-sim`.
 */
import { NodeFileSystem } from "@effect/platform-node"
import { Effect } from "effect"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { lasting } from "../../../src/programs/cli/Table.ts"
import { profileNames } from "../../../src/programs/sim/Drawing.ts"
import { carryOut, type Outcome, profilesOf } from "./ManyProfiles.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    from: { type: "string" },
    profiles: { type: "string", default: profileNames.join(",") },
    jobs: { type: "string", default: String(availableParallelism()) },
    scenario: { type: "string", default: "credit" }
  }
})

const count = (name: string, text: string, lowest: number): number => {
  const n = Number(text)
  if (/^\d+$/.test(text) && n >= lowest && n <= 1_000_000_000_000_000) return n
  throw new Error(`--${name} is a whole number from ${lowest} on, not "${text}"`)
}

const summary = ({ distinctHashes, failed, millis, runs, virtualMillis }: Outcome): string =>
  `${values.scenario}: ${runs} seeds, ${failed} failed, ${distinctHashes} distinct hashes, ${lasting(virtualMillis)} of virtual time ` +
  `in ${lasting(millis)}, ${((runs * 1_000) / Math.max(1, millis)).toFixed(2)} seeds a second`

const soak = Effect.gen(function* () {
  const from = values.from === undefined ? Date.now() : count("from", values.from, 0)
  const outcome = yield* carryOut({
    scenario: values.scenario,
    profiles: profilesOf(values.profiles),
    from,
    seeds: count("seeds", values.seeds, 1),
    jobs: count("jobs", values.jobs, 1),
    stopAfter: 32,
    folder: ".holdfast-sim",
    every: 30_000,
    say: (text) => console.log(text)
  })
  console.log(`${summary(outcome)}; again with --from ${from} --seeds ${values.seeds}`)
  if (outcome.exitCode !== 0) process.exitCode = 1
})

const running = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => running.abort())
await Effect.runPromise(Effect.provide(Effect.scoped(soak), NodeFileSystem.layer), { signal: running.signal }).catch(
  (error: unknown) => {
    console.error(error)
    process.exitCode = 1
  }
)
