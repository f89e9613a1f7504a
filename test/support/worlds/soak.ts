/**
 * The simulations of `npm test` with five times as many seeds: `node test/support/worlds/soak.ts [--times 5]`.
 *
 * Prints what the tests print, and ends as they do.
 */
import { spawn } from "node:child_process"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const { values } = parseArgs({ options: { times: { type: "string", default: "5" } } })

const child = spawn(
  process.execPath,
  [
    join(dirname(fileURLToPath(import.meta.resolve("vitest/package.json"))), "vitest.mjs"),
    "run",
    "--project",
    "together",
    "test/simulation"
  ],
  {
    cwd: fileURLToPath(new URL("../../..", import.meta.url)),
    env: { ...process.env, HOLDFAST_TEST_WORLDS: values.times },
    stdio: ["ignore", "inherit", "inherit"]
  }
)
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void child.kill(signal))
child.once("close", (code) => (process.exitCode = code ?? 1))
