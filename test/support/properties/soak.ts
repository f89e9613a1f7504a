/**
 * The properties of `npm test` with a hundred times as many inputs: `node test/support/properties/soak.ts [--times 100]`.
 *
 * Prints what the tests print, and ends as they do.
 */
import { spawn } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const { values } = parseArgs({ options: { times: { type: "string", default: "100" } } })
const cwd = fileURLToPath(new URL("../../..", import.meta.url))

const files = globSync("{test,examples}/**/*.test.ts", { cwd }).filter((file) =>
  readFileSync(join(cwd, file), "utf8").includes(".prop(")
)

const child = spawn(
  process.execPath,
  [
    join(dirname(fileURLToPath(import.meta.resolve("vitest/package.json"))), "vitest.mjs"),
    "run",
    "--project",
    "together",
    "--project",
    "pure",
    ...files
  ],
  { cwd, env: { ...process.env, HOLDFAST_TEST_PROPERTIES: values.times }, stdio: ["ignore", "inherit", "inherit"] }
)
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void child.kill(signal))
child.once("close", (code) => (process.exitCode = code ?? 1))
