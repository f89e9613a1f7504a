/**
 * Every planted bug of lanes is found by its property, and the code without them holds under a few seeds.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Semaphore } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { properties } from "../support/links/LaneProperties.ts"
import { enduring } from "./Enduring.ts"
import { exploring } from "./Exploring.ts"
import { gossiping } from "./Gossiping.ts"
import { laning } from "./Laning.ts"
import { limiting } from "./Limiting.ts"
import { plant } from "./Mutant.ts"
import { mutants } from "./Mutants.ts"

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const run = promisify(execFile)
const decode = Schema.decodeUnknownPromise(
  Schema.fromJsonString(Schema.Struct({ seeds: Schema.Int, found: Schema.NullOr(Schema.String) }))
)

/** A process is a core's work. */
const cores = Semaphore.makeUnsafe(2)

const hunt = (name: string) => {
  const hunting = Effect.promise(() =>
    run(process.execPath, ["--import", here("load.ts"), here("lane.ts")], { env: { ...process.env, MUTANT: name } })
  )
  return Effect.runPromise(cores.withPermit(hunting)).then(({ stdout }) => decode(stdout))
}

describe("the planted bugs of lanes", () => {
  it("have names that no other one has, and are at least one for every property", () => {
    const names = [...mutants, ...enduring, ...exploring, ...gossiping, ...limiting, ...laning].map(({ name }) => name)
    assert.strictEqual(new Set(names).size, names.length)
    assert.deepStrictEqual(new Set(laning.map(({ property }) => property)), new Set(properties))
  })

  it("are all listed in docs/simulation-mutants.md, in the same words", () => {
    const text = readFileSync(here("../../docs/simulation-mutants.md"), "utf8")
    const rows = laning.map(({ name, property, what }) => `| \`${name}\` | ${what} | ${property} |`)
    assert.deepStrictEqual(
      text.split("\n").filter((line) => rows.includes(line)),
      rows
    )
  })

  it("are all there is to find: without one every property holds", async () => {
    assert.deepStrictEqual(await hunt(""), { seeds: 4, found: null })
  })

  for (const mutant of laning) {
    it.concurrent(`${mutant.name} fits its file and is found: ${mutant.property}`, async () => {
      plant(mutant, readFileSync(here(`../../${mutant.file}`), "utf8"))
      const { found } = await hunt(mutant.name)
      assert.isNotNull(found)
    })
  }
})
