/**
 * Every planted bug of gossip is found by its property. That the property holds without the bug is shown by
 * `test/protocol/gossip/AnnouncementsNetwork.test.ts`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Semaphore } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { properties } from "../support/GossipProperties.ts"
import { gossiping } from "./Gossiping.ts"
import { plant } from "./Mutant.ts"
import { mutants } from "./Mutants.ts"

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const run = promisify(execFile)
const decode = Schema.decodeUnknownPromise(
  Schema.fromJsonString(Schema.Struct({ seeds: Schema.Int, found: Schema.NullOr(Schema.String) }))
)

/** A process is a core's work. */
const cores = Semaphore.makeUnsafe(2)

const hunt = async (name: string) => {
  const { stdout } = await run(process.execPath, ["--import", here("load.ts"), here("gossip.ts")], {
    env: { ...process.env, MUTANT: name }
  })
  return decode(stdout)
}

describe("the planted bugs of gossip", () => {
  it("have names that no other one has, and are at least one for every property", () => {
    const names = [...mutants, ...gossiping].map(({ name }) => name)
    assert.strictEqual(new Set(names).size, names.length)
    assert.deepStrictEqual(new Set(gossiping.map(({ property }) => property)), new Set(properties))
  })

  it("are all listed in docs/simulation-mutants.md, in the same words", () => {
    const text = readFileSync(here("../../docs/simulation-mutants.md"), "utf8")
    const rows = gossiping.map(({ name, property, what }) => `| \`${name}\` | ${what} | ${property} |`)
    assert.deepStrictEqual(
      text.split("\n").filter((line) => rows.includes(line)),
      rows
    )
  })

  for (const mutant of gossiping) {
    it.concurrent(`${mutant.name} fits its file and is found: ${mutant.property}`, async () => {
      plant(mutant, readFileSync(here(`../../${mutant.file}`), "utf8"))
      const { found } = await Effect.runPromise(cores.withPermit(Effect.promise(() => hunt(mutant.name))))
      assert.isNotNull(found)
    })
  }
})
