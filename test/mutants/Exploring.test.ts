/**
 * Every planted bug in who is let in and who may follow whom is found by the explorer, in its situation.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Semaphore } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { exploring } from "./Exploring.ts"
import { gossiping } from "./Gossiping.ts"
import { limiting } from "./Limiting.ts"
import { plant } from "./Mutant.ts"
import { mutants } from "./Mutants.ts"

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const run = promisify(execFile)
const decode = Schema.decodeUnknownPromise(
  Schema.fromJsonString(Schema.Struct({ found: Schema.NullOr(Schema.String) }))
)

/** A process is a core's work. */
const cores = Semaphore.makeUnsafe(2)

const hunt = (name: string) => {
  const hunting = Effect.promise(() =>
    run(process.execPath, ["--import", here("load.ts"), here("explore.ts")], { env: { ...process.env, MUTANT: name } })
  )
  return Effect.runPromise(cores.withPermit(hunting)).then(({ stdout }) => decode(stdout))
}

describe("the planted bugs of the explorer", () => {
  it("have names that no other one has", () => {
    const names = [...mutants, ...gossiping, ...limiting, ...exploring].map(({ name }) => name)
    assert.strictEqual(new Set(names).size, names.length)
  })

  it("are all listed in docs/simulation-mutants.md, in the same words", () => {
    const text = readFileSync(here("../../docs/simulation-mutants.md"), "utf8")
    const rows = exploring.map(({ name, shows, what }) => `| \`${name}\` | ${what} | ${shows} |`)
    assert.deepStrictEqual(
      text.split("\n").filter((line) => rows.includes(line)),
      rows
    )
  })

  it("are all there is to find: without one nothing goes wrong", async () => {
    assert.deepStrictEqual(await hunt(""), { found: null })
  })

  for (const mutant of exploring) {
    it.concurrent(`${mutant.name} fits its file and is found: ${mutant.shows}`, async () => {
      plant(mutant, readFileSync(here(`../../${mutant.file}`), "utf8"))
      const { found } = await hunt(mutant.name)
      assert.include(found, mutant.shows)
    })
  }
})
