/**
 * Hunts planted bugs, two at a time: those that are named, else all.
 *
 * `node test/mutants/huntAll.ts [--seconds 300] [name ...]`
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { mutants } from "./Mutants.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "300" } }
})
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const waiting = positionals.length > 0 ? positionals : mutants.map(({ name }) => name)

const hunt = async (name: string): Promise<void> => {
  const child = spawn(process.execPath, ["--import", here("load.ts"), here("hunt.ts"), "--seconds", values.seconds], {
    stdio: "inherit",
    env: { ...process.env, MUTANT: name }
  })
  await once(child, "exit")
}

/** Takes one after the other. */
const hunter = async (): Promise<void> => {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await hunt(name)
}

await Promise.all([hunter(), hunter()])
