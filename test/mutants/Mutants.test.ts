import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { fileURLToPath } from "node:url"
import { profileNames } from "../../src/testing/faults/Swarm.ts"
import { type Mutant, MutantStale, plant, properties } from "./Mutant.ts"
import { mutants } from "./Mutants.ts"
import { rowOf, text } from "./Row.ts"

const here = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const textOf = (path: string): string => readFileSync(here(path), "utf8")

/** How many lines of a text another one has in the place of how many. */
const changedLines = (before: ReadonlyArray<string>, after: ReadonlyArray<string>) => {
  const least = Math.min(before.length, after.length)
  let head = 0
  while (head < least && before[head] === after[head]) head++
  let tail = 0
  while (tail < least - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++
  return { from: before.length - head - tail, to: after.length - head - tail }
}

describe("the planted bugs", () => {
  it("are twenty at least, each with a name of its own", () => {
    const names = mutants.map(({ name }) => name)
    assert.isAtLeast(names.length, 20)
    assert.deepStrictEqual(names, [...new Set(names)])
    for (const name of names) assert.match(name, /^[a-z]+(-[a-z]+)*$/)
  })

  it("are as different as their patches", () => {
    const patches = mutants.map(({ file, find, replace }) => JSON.stringify([file, find, replace]))
    assert.strictEqual(new Set(patches).size, patches.length)
  })

  for (const mutant of mutants) {
    it(`${mutant.name} changes one line of the sources, and they can still be loaded`, () => {
      const source = textOf(mutant.file)
      const planted = plant(mutant, source)
      assert.match(mutant.file, /^src\/(protocol|services|layers)\//)
      assert.deepStrictEqual(changedLines(source.split("\n"), planted.split("\n")), { from: 1, to: 1 })
      assert.notStrictEqual(stripTypeScriptTypes(planted), stripTypeScriptTypes(source))
    })
  }

  it("are found by properties, under profiles, that there are", () => {
    for (const { also = [], name, profile, property } of mutants) {
      for (const one of [property, ...also]) assert.include(properties, one, name)
      assert.notInclude(also, property, name)
      assert.include(profileNames, profile, name)
    }
  })

  it("are all listed in docs/simulation-mutants.md, in the same words and with what was found", () => {
    const rows = text()
      .split("\n")
      .filter((line) => /^\| (?!name )[a-z-]+ \|/.test(line))
    assert.deepStrictEqual(rows, mutants.map(rowOf))
  })
})

describe("planting", () => {
  const mutant: Mutant = {
    name: "some-bug",
    what: "",
    file: "src/A.ts",
    find: "a + b",
    replace: "a - b",
    property: "no defects",
    profile: "calm"
  }

  it("exchanges the text", () => {
    assert.strictEqual(plant(mutant, "const x = a + b\n"), "const x = a - b\n")
  })

  it("takes nothing in the replacement for a pattern", () => {
    assert.strictEqual(plant({ ...mutant, replace: "$& $1" }, "a + b;"), "$& $1;")
  })

  it("refuses a text that is not there, or there twice", () => {
    assert.throws(() => plant(mutant, "const x = a * b\n"), MutantStale, /0 times/)
    assert.throws(() => plant(mutant, "a + b, a + b"), MutantStale, /2 times/)
  })

  const load = (name: string | undefined) => {
    const { MUTANT: _, ...env } = process.env
    const program = `import { ceiling, delay, redial } from "./src/protocol/Backoff.ts"
      console.log(delay(redial, 3, 0.5) / ceiling(redial, 3))`
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      ["--import", "./test/mutants/load.ts", "--input-type=module", "--eval", program],
      { cwd: here("."), encoding: "utf8", env: name === undefined ? env : { ...env, MUTANT: name } }
    )
    return { status, stdout: stdout.trim(), stderr }
  }

  it("happens in a program that asks for it, and in no other", () => {
    assert.deepInclude(load("no-jitter"), { status: 0, stdout: "1" })
    assert.deepInclude(load("real-clock"), { status: 0, stdout: "0.5" })
    assert.deepInclude(load(""), { status: 0, stdout: "0.5" })
    assert.deepInclude(load(undefined), { status: 0, stdout: "0.5" })
  })

  it("ends a program that asks for a bug which nobody knows", () => {
    const { status, stderr, stdout } = load("no-such-bug")
    assert.notStrictEqual(status, 0)
    assert.strictEqual(stdout, "")
    assert.include(stderr, `MUTANT is "no-such-bug", give one of: both-commit, `)
  })
})
