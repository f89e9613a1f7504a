/**
 * Processes that differ in everything a run must not depend on: time zone, language, the engine's own random numbers,
 * the size of the heap, and whether code is compiled at all.
 */
import { Effect, FileSystem } from "effect"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { isFile } from "./ScenarioName.ts"
import { SimulationMisused } from "./SimExit.ts"

export interface Variant {
  readonly name: string
  readonly env: Readonly<Record<string, string>>
  readonly node: ReadonlyArray<string>
  /** Of the worker, if it is not the usual one. */
  readonly program?: string | undefined
}

const places = [
  ["Pacific/Kiritimati", "C"],
  ["America/St_Johns", "tr_TR.UTF-8"],
  ["Asia/Kathmandu", "ja_JP.UTF-8"],
  ["Pacific/Pago_Pago", "ar_EG.UTF-8"]
] as const

const megabytes = [256, 512, 1_024]

const variant = (index: number): Variant => {
  const [zone, language] = places[index % places.length]!
  const heap = megabytes[index % megabytes.length]!
  const node = [`--random-seed=${7 * index + 7}`, `--max-old-space-size=${heap}`]
  return { name: `${zone}, ${language}, ${node.join(" ")}`, env: { TZ: zone, LANG: language, LC_ALL: language }, node }
}

/** Without compilation there is no WebAssembly, which the embedded database and TypeScript sources need. */
const jitless = (program: string | undefined): Variant => ({
  name: "--jitless",
  env: {},
  node: ["--jitless"],
  program
})

const isCompiled = path.extname(import.meta.url) === ".js"
const compiled = fileURLToPath(new URL("../../../dist/src/programs/sim/worker.js", import.meta.url))
const sources = fileURLToPath(new URL("../..", import.meta.url))

/** The compiled worker, which must be as new as the sources. */
const build = Effect.fnUntraced(
  function* () {
    const fs = yield* FileSystem.FileSystem
    const misused = (what: string) =>
      new SimulationMisused({ problem: `--jitless runs what npm run build has made, and ${what}. Run it first.` })
    if (!(yield* fs.exists(compiled))) return yield* misused(`${path.relative(process.cwd(), compiled)} is missing`)
    const built = (yield* fs.stat(compiled)).mtime
    const files = (yield* fs.readDirectory(sources, { recursive: true })).filter((file) => file.endsWith(".ts"))
    for (const file of files) {
      const { mtime } = yield* fs.stat(path.join(sources, file))
      if (mtime._tag === "Some" && built._tag === "Some" && mtime.value > built.value)
        return yield* misused(`src/${file} is newer than that`)
    }
    return compiled
  },
  Effect.catchTag("PlatformError", ({ message }) => Effect.fail(new SimulationMisused({ problem: message })))
)

/** So many different processes; the last one runs without compilation. */
export const variants = Effect.fnUntraced(function* (processes: number, scenario: string) {
  if (processes === 0) return []
  if (isFile(scenario) && /\.[cm]?ts\b/.test(scenario))
    return yield* new SimulationMisused({
      problem:
        "--processes needs a scenario that is built in or compiled: without compilation TypeScript cannot be read"
    })
  const usual = Array.from({ length: processes - 1 }, (_, index) => variant(index))
  return [...usual, jitless(isCompiled ? undefined : yield* build())]
})
