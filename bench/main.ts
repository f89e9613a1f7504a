/**
 * `npm run bench -- [area ...] [--runs n] [--quick] [--peers] [--messages n] [--json]`: measures this machine with this code, beside
 * what a program would use instead. Progress goes to standard error, the result to standard output.
 */
import { parseArgs } from "node:util"
import type { Area, Options } from "./Area.ts"
import { load, machine } from "./Machine.ts"
import * as Peers from "./Peers.ts"
import * as Report from "./Report.ts"

const areas: Readonly<Record<string, () => Promise<Area>>> = {
  link: async () => (await import("./link.ts")).link,
  durable: async () => (await import("./durable.ts")).durable,
  bitcoin: async () => (await import("./bitcoin.ts")).bitcoin,
  chain: async () => (await import("./chain.ts")).chain,
  credit: async () => (await import("./credit.ts")).credit,
  simulation: async () => (await import("./simulation.ts")).simulation,
  "ten-million": async () => (await import("./durable/TenMillion.ts")).tenMillion
}

const usage = `npm run bench -- [${Object.keys(areas).join(" | ")} ...] [options]

Without an area all of them are run but ten-million, which takes long.

  --runs <n>      medians of so many alternating runs (5)
  --quick         one run of little work, to see that everything works
  --peers         compare with other people's software too; installs it into bench/.cache
  --messages <n>  how many messages ten-million sends (10000000)
  --json          print the result as JSON
  --help          print this`

const complain = (problem: string): never => {
  process.stderr.write(`${problem}\n\n${usage}\n`)
  process.exit(2)
}

const read = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        runs: { type: "string" },
        quick: { type: "boolean", default: false },
        peers: { type: "boolean", default: false },
        messages: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false }
      }
    })
  } catch (cause) {
    return complain(cause instanceof Error ? cause.message : String(cause))
  }
}

const { positionals, values } = read()
if (values.help) {
  process.stdout.write(`${usage}\n`)
  process.exit(0)
}
const runs = values.runs === undefined ? (values.quick ? 1 : 5) : Number(values.runs)
if (!Number.isInteger(runs) || runs < 1 || runs > 100)
  complain(`--runs is a number from 1 to 100, not "${values.runs}"`)
const messages = values.messages === undefined ? undefined : Number(values.messages)
if (messages !== undefined && (!Number.isInteger(messages) || messages < 1 || messages > 1_000_000_000))
  complain(`--messages is a number from 1 to 1000000000, not "${values.messages}"`)
const unknown = positionals.find((name) => !Object.hasOwn(areas, name))
if (unknown !== undefined) complain(`there is no area "${unknown}"`)

const begun = performance.now()
const options: Options = {
  runs,
  quick: values.quick,
  peers: values.peers,
  messages,
  progress: (what) =>
    process.stderr.write(`${((performance.now() - begun) / 1_000).toFixed(1).padStart(7)} s  ${what}\n`)
}

if (options.peers) await Peers.install()
const host = machine()
const before = load()
const reports: Array<Report.AreaReport> = []
for (const [name, loadArea] of Object.entries(areas)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const area = await loadArea()
  if (area.onlyByName === true && !positionals.includes(name)) continue
  reports.push(Report.areaReport(name, area, await area.measure(options)))
}
const { peers, quick } = options
const report: Report.Report = { machine: host, runs, quick, peers, load: { before, after: load() }, areas: reports }
process.stdout.write(`${values.json ? JSON.stringify(report, null, 2) : Report.text(report)}\n`)
