/**
 * What `holdfast sim` says to files that are none, and to scenarios that break the rules.
 */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { readFile, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"
import * as FailureFile from "../../../src/testing/campaign/FailureFile.ts"
import * as Synthetic from "../../support/SyntheticFailure.ts"
import { holdfast, temporaryFolder } from "../HoldfastProcess.ts"

const folder = await temporaryFolder()
const at = (name: string): string => join(folder.path, name)
const support = (name: string): string => fileURLToPath(new URL(`../../support/${name}.ts`, import.meta.url))
const unruly = support("UnrulyScenario")

const failure = Synthetic.make()
const pipe = at("pipe")
const [kept, held, stray] = [at("failure.json"), at("held.json"), at("stray.json")]
spawnSync("mkfifo", [pipe])
await writeFile(kept, FailureFile.encode(failure))
await writeFile(held, FailureFile.encode({ ...failure, verdict: { _tag: "Held" } }))
await writeFile(stray, JSON.stringify({ ...failure, plan: { ...failure.plan, nods: 2 } }))

afterAll(() => folder.remove())

const sim = (...args: ReadonlyArray<string>) => holdfast(["sim", ...args])
const tiny = ["--jobs", "1", "--nodes", "2", "--operations", "1", "--duration", "1000", "--profile", "calm"]
const run = (scenario: string, seeds: string) =>
  sim("run", "--seeds", seeds, ...tiny, "--scenario", scenario, "--failures", at("kept"))

describe("sim with a file that it cannot use", () => {
  const cases: ReadonlyArray<readonly [what: string, args: ReadonlyArray<string>, said: string]> = [
    ["a pipe that nobody writes to", ["explain", pipe], "is no regular file"],
    ["a folder", ["replay", folder.path], "is no regular file"],
    ["a run that held", ["shrink", held], "there is nothing to shrink"],
    ["a plan with a key that does not exist", ["replay", stray], "plan.nods: there is no such key here"],
    ["a failure of another scenario", ["replay", kept, "--scenario", `${unruly}#quits`], "and this one is quits"],
    ["a failure of another scenario", ["shrink", kept, "--scenario", `${unruly}#quits`], "and this one is quits"],
    ["a seed below 0", ["replay", "-1"], "-1 is no seed"],
    ["a seed that no number can hold", ["replay", "9007199254740993"], "is no seed"],
    ["a seed that is not whole", ["replay", "1e99"], "1e99 is no seed"],
    ["a page in the place of the failure", ["explain", kept, "-o", kept], "a page is no .json"]
  ]
  for (const [what, args, said] of cases)
    it(`refuses ${what} in ${args[0]}, and ends with 64`, async () => {
      const end = await sim(...args)
      assert.include(end.stderr, said)
      assert.strictEqual(end.code, 64)
      assert.notMatch(end.stderr, /^\s+at /m)
    })

  it("runs the largest seed that `sim run` takes", async () => {
    const end = await sim("replay", "9007199244740990", ...tiny.slice(2))
    assert.strictEqual(end.code, 0, end.stderr)
  })
})

describe("sim with a scenario that breaks the rules", () => {
  it("takes only what Scenario.make has made", async () => {
    const end = await run(`${unruly}#bare`, "5")
    assert.strictEqual(end.code, 64)
    assert.include(end.stderr, "make it with Scenario.make({ name, protocols })")
  })

  it("names the seed at which a process ended, and still reports what was run", async () => {
    const end = await run(`${unruly}#quits`, "5")
    assert.strictEqual(end.code, 5)
    assert.include(end.stderr, "ended by itself with code 7 at seed 5")
    assert.include(end.stdout, "nothing was run")
  })

  it("names the seed of a run that does not even begin, and what the scenario threw", async () => {
    const end = await run(`${unruly}#blind`, "6")
    assert.strictEqual(end.code, 5)
    assert.include(end.stderr, "seed 6, the simulator or the scenario broke: Error: nobody watches")
  })

  it("says what may be wrong with a failure that only comes after other runs in the same process", async () => {
    const found = await run(`${unruly}#remembers`, "0..2")
    assert.strictEqual(found.code, 2, found.stderr)
    const [file = ""] = /\S+remembers-1\.json/.exec(found.stderr) ?? []
    const replayed = await sim("replay", file, "--scenario", `${unruly}#remembers`)
    assert.strictEqual(replayed.code, 4)
    assert.include(replayed.stdout, "does it keep anything from run to run?")
  })

  it("keeps no shrunk plan that only fails after other runs in the same process", async () => {
    const found = await run(`${unruly}#crowded`, "0")
    const [file = ""] = /\S+crowded-0\.json/.exec(found.stderr) ?? []
    const shrunk = await sim(
      "shrink",
      file,
      "--scenario",
      `${unruly}#crowded`,
      "-o",
      at("crowded.json"),
      "--time",
      "5s"
    )
    assert.strictEqual(shrunk.code, 4, shrunk.stderr)
    assert.include(shrunk.stderr, 'in a process of its own the shrunk plan ends with "everything held"')
    assert.isFalse(existsSync(at("crowded.json")))
  })

  it("keeps the failures of one seed under several profiles beside each other, and of one plan once", async () => {
    const under = (...drawing: ReadonlyArray<string>) => {
      const scenario = ["--scenario", `${support("BrokenScenario")}#stuck`]
      return sim("run", "--seeds", "3", "--jobs", "1", ...scenario, "--failures", at("several"), ...drawing)
    }
    for (const nodes of ["1", "2", "1"]) await under("--profile", "calm", "--duration", "500", "--nodes", nodes)
    assert.deepStrictEqual((await readdir(at("several"))).toSorted(), [".gitignore", "stuck-3-2.json", "stuck-3.json"])
  })

  it("says what a replay runs on if the file comes from elsewhere", async () => {
    const found = await run(`${support("BrokenScenario")}#stuck`, "0")
    const [file = ""] = /\S+stuck-0\.json/.exec(found.stderr) ?? []
    const written = JSON.parse(await readFile(file, "utf8"))
    await writeFile(at("elsewhere.json"), JSON.stringify({ ...written, commit: "feed", hash: "0123" }))
    const end = await sim("replay", at("elsewhere.json"), "--scenario", `${support("BrokenScenario")}#stuck`)
    assert.strictEqual(end.code, 4)
    assert.include(end.stdout, "The file is of commit feed")
  })
})
