/**
 * Everything that takes too long for a test, one after the other: `npm run test:soak`.
 *
 * Each part prints what it found and what is wrong with it. Ends with 1 at the first fault, and says with which command
 * to see it again.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { load, machine } from "../../bench/Machine.ts"
import * as Backlog from "./crashing/Backlog.ts"
import type { Driver } from "./crashing/Places.ts"
import * as ChainSoak from "./chain/ChainSoak.ts"
import * as KillSoak from "./crashing/KillSoak.ts"

interface Given {
  readonly rounds: number
  readonly seed: number
  readonly progress: (line: string) => void
}

interface Found {
  readonly figures: object
  readonly faults: ReadonlyArray<string>
  /** Options that show the faults again. */
  readonly again: string
}

interface Part {
  readonly about: string
  /** 0 where there is nothing to count. */
  readonly rounds: number
  readonly run: (given: Given) => Promise<Found>
}

const kills = (driver: Driver, rounds: number, about: string): Part => ({
  about,
  rounds,
  run: async (given) => {
    const { again, ...found } = await KillSoak.soak({ driver, ...given })
    return { ...found, again: `--seed ${again.seed} --rounds ${again.rounds}` }
  }
})

const backlog: Part = {
  about: "100,000 messages for a peer that is away, and what another one notices",
  rounds: 0,
  run: async ({ progress }) => {
    const options = { messages: 100_000, each: 1_000, bytes: 1_024, probes: 1_000, everyMillis: 20, progress }
    const figures = await Backlog.run(options)
    return { figures, faults: Backlog.faults(figures, options), again: "" }
  }
}

/** A program of its own, which prints its figures itself. */
const program = (file: string, about: string, ...options: ReadonlyArray<string>): Part => ({
  about,
  rounds: 0,
  run: async ({ progress }) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), ...options], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    child.stdout.setEncoding("utf8").on("data", (text: string) => progress(text.trimEnd()))
    const stop = (): void => void child.kill()
    process.once("exit", stop)
    const [code]: Array<unknown> = await once(child, "close")
    process.removeListener("exit", stop)
    return { figures: {}, faults: code === 0 ? [] : [`it ended with ${String(code)}`], again: "" }
  }
})

const parts: Readonly<Record<string, Part>> = {
  postgres: kills("postgres", 200, "SIGKILL for nodes and their PostgreSQL servers under load"),
  pglite: kills("pglite", 100, "SIGKILL for nodes with the embedded database under load"),
  backlog,
  "chain-kills": {
    about: "SIGKILL for a node that syncs a chain, on both kinds of databases",
    rounds: 200,
    run: ChainSoak.kills
  },
  "chain-calm": {
    about: "three nodes that make a block every second, for ten minutes",
    rounds: 0,
    run: ChainSoak.calm
  },
  everywhere: program("kill-everywhere/soak.ts", "a kill at every event of an exchange, simulated"),
  "lift-everywhere": program(
    "kill-everywhere/soak.ts",
    "a kill at every event of a lift over three nodes, simulated",
    "--exchange",
    "lift"
  ),
  "credit-seeds": program("credit-seeds/soak.ts", "10,000 fresh seeds of credit, simulated, over all profiles"),
  worlds: program("worlds/soak.ts", "the simulations of `npm test` with five times as many seeds"),
  properties: program("properties/soak.ts", "the properties of `npm test` with a hundred times as many inputs"),
  explore: program("explorer/soak.ts", "large situations of the link, whole (`npm run explore`)"),
  lifts: program("lift/soak.ts", "all that can happen to a lift, in large situations"),
  torture: program("hostile/soak.ts", "hostile and slow input for links (`npm run torture`)"),
  links: program("links/soak.ts", "links with the times of production (`npm run soak:links`)")
}

const usage = `npm run test:soak -- [options]

${Object.entries(parts)
  .map(([name, { about, rounds }]) => `  ${name.padEnd(15)} ${about}${rounds === 0 ? "" : `, ${rounds} rounds`}`)
  .join("\n")}

  --only <parts>   some of them, with commas
  --rounds <n>     rounds of each part that has rounds
  --seed <n>       the first seed (a random one)
  --json           print the result as JSON; progress goes to standard error
`

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})

const count = (name: string, text: string): number => {
  const n = Number(text)
  if (Number.isSafeInteger(n) && n >= 0) return n
  throw new Error(`--${name} is a whole number, not "${text}"`)
}

const chosen = (): ReadonlyArray<readonly [string, Part]> => {
  const names = values.only?.split(",") ?? Object.keys(parts)
  return names.map((name) => {
    const part = Object.hasOwn(parts, name) ? parts[name] : undefined
    if (part === undefined) throw new Error(`--only has "${name}", give some of: ${Object.keys(parts).join(", ")}`)
    return [name, part]
  })
}

const soak = async (): Promise<void> => {
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : count("seed", values.seed)
  const rounds = values.rounds === undefined ? undefined : count("rounds", values.rounds)
  const begun = performance.now()
  const progress = (line: string): void =>
    console.error(`${((performance.now() - begun) / 1_000).toFixed(1).padStart(8)} s  ${line}`)
  const results: Array<object> = []
  for (const [name, part] of chosen()) {
    progress(`${name}: ${part.about}; seed ${seed}`)
    const from = performance.now()
    const before = load()
    const { again, faults, figures } = await part.run({ seed, rounds: rounds ?? part.rounds, progress })
    const seconds = Math.round((performance.now() - from) / 1_000)
    const result = { part: name, seconds, load: [before, load()], figures, faults }
    results.push(result)
    if (!values.json) console.log(JSON.stringify(result, null, 2))
    if (faults.length === 0) continue
    process.exitCode = 1
    console.error(`${faults.join("\n")}\nagain: npm run test:soak -- --only ${name} ${again}`)
    break
  }
  if (values.json) console.log(JSON.stringify({ machine: machine(), results }, null, 2))
}

if (values.help) console.log(usage)
else {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))
  soak().catch((error: unknown) => {
    console.error(error)
    process.exitCode = 1
  })
}
