/**
 * Every strike that there is: `node test/support/kill-everywhere/soak.ts [--jobs 2] [--every 1] [--variant "a kill"] [--exchange lift]`.
 *
 * Some 11,500 runs, four to five minutes on two cores; of a lift some 20,000, which take half an hour. Ends with 1 if anything did not hold, and says what.
 */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { parseArgs, promisify } from "node:util"
import { Schema } from "effect"
import { type Exchange, exchanges, strikeAll, variantNames } from "./KillEverywhere.ts"

/** Events before the quiet end, of a variant with the fewest of them at the least. */
const leastEvents = 500

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "2" },
    every: { type: "string", default: "1" },
    exchange: { type: "string", default: "messages" },
    variant: { type: "string", multiple: true, default: [...variantNames] },
    /** Given to the processes that this one starts: the first event they strike. */
    from: { type: "string" }
  }
})

const count = (name: string, text: string): number => {
  const n = Number(text)
  if (Number.isSafeInteger(n) && n >= 1) return n
  throw new Error(`--${name} is a whole number from 1 on, not "${text}"`)
}

const Part = Schema.Struct({
  runs: Schema.Int,
  effective: Schema.Int,
  last: Schema.Int,
  failures: Schema.Array(Schema.String)
})
type Part = typeof Part.Type
const decode = Schema.decodeUnknownPromise(Schema.fromJsonString(Part))

const [jobs, every] = [count("jobs", values.jobs), count("every", values.every)]
const names = values.variant.map((text) => {
  const name = variantNames.find((known) => known === text)
  if (name === undefined) throw new Error(`--variant is "${text}", give one of: ${variantNames.join(", ")}`)
  return name
})

const isExchange = (text: string): text is Exchange => text in exchanges
const { exchange } = values
if (!isExchange(exchange))
  throw new Error(`--exchange is "${exchange}", give one of: ${Object.keys(exchanges).join(", ")}`)

/** One process has every `jobs`-th of the events. */
const partOf = async (name: string, job: number): Promise<Part> => {
  const args = [
    "--exchange",
    exchange,
    "--variant",
    name,
    "--every",
    String(every * jobs),
    "--from",
    String(1 + job * every)
  ]
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url), ...args])
  return decode(stdout)
}

const all = async (): Promise<void> => {
  for (const name of names) {
    const began = performance.now()
    const parts = await Promise.all(Array.from({ length: jobs }, (_, job) => partOf(name, job)))
    const sum = (of: (part: Part) => number) => parts.reduce((total, part) => total + of(part), 0)
    const last = Math.max(...parts.map((part) => part.last))
    const failures = parts.flatMap((part) => part.failures)
    const seconds = ((performance.now() - began) / 1_000).toFixed(1)
    const told = `${sum(({ runs }) => runs)} runs, ${sum(({ effective }) => effective)} struck something`
    console.log(`${name}: events 1 to ${last} at each of three nodes: ${told}, ${failures.length} failed, ${seconds} s`)
    for (const failure of failures) console.error(failure)
    if (failures.length > 0 || last < leastEvents) process.exitCode = 1
  }
}

if (values.from === undefined) await all()
else console.log(JSON.stringify(await strikeAll(names[0]!, { every, from: count("from", values.from) }, exchange)))
