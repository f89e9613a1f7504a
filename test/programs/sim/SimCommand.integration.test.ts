/**
 * `holdfast sim` as its users run it: processes that run seeds, files of failures, exit codes.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { spawnSync } from "node:child_process"
import { readFile, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"
import { holdfast, HoldfastProcess, temporaryFolder } from "../HoldfastProcess.ts"

const folder = await temporaryFolder()
const at = (name: string): string => join(folder.path, name)
const scenarioFile = fileURLToPath(new URL("../../support/BrokenScenario.ts", import.meta.url))

afterAll(() => folder.remove())

const sim = (...args: ReadonlyArray<string>) => holdfast(["sim", ...args])
const tiny = ["--nodes", "3", "--operations", "3", "--duration", "3000"]
const small = ["--jobs", "2", ...tiny]

const Report = Schema.fromJsonString(
  Schema.Struct({
    scenario: Schema.String,
    seeds: Schema.String,
    complete: Schema.Boolean,
    runs: Schema.Int,
    failed: Schema.Int,
    distinctHashes: Schema.Int,
    events: Schema.Int,
    virtualMillis: Schema.Finite,
    faults: Schema.Record(Schema.String, Schema.Int),
    sometimes: Schema.Array(
      Schema.Struct({ name: Schema.String, runs: Schema.Int, interval: Schema.Tuple([Schema.Finite, Schema.Finite]) })
    ),
    failures: Schema.Array(Schema.Struct({ seed: Schema.Int, file: Schema.String, replay: Schema.String })),
    missing: Schema.Array(Schema.String),
    exitCode: Schema.Int
  })
)
const reportIn = Schema.decodeUnknownSync(Report)

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** The ids of the processes that a process has started. */
const childrenOf = (pid: number): ReadonlyArray<number> =>
  spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
    .stdout.split("\n")
    .map(Number)
    .filter((child) => child > 0)

describe("sim with arguments that it cannot use", () => {
  // Others of these kinds are in Usage.test.ts, in one process.
  const cases: ReadonlyArray<readonly [args: ReadonlyArray<string>, said: string]> = [
    [["run", "--seeds", "many"], '"many" is no seed'],
    [["run", "--seeds", "1", "--scenario", `${scenarioFile}#noScenario`], "is no scenario"],
    [["rum"], "there is no command rum"]
  ]
  for (const [args, said] of cases)
    it(`says what is wrong with ${args.join(" ").replaceAll(scenarioFile, "<file>")}, and ends with 64`, async () => {
      const end = await sim(...args)
      assert.include(end.stderr, said)
      assert.deepEqual([end.code, end.stdout], [64, ""])
      assert.notInclude(end.stderr, "unexpected failure")
    })

  it("tells in its help what the exit codes mean", async () => {
    const { code, stdout } = await sim("--help")
    assert.strictEqual(code, 0)
    for (const word of ["safety", "liveness", "nondeterminism", "64"]) assert.include(stdout, word)
  })
})

describe("sim run", () => {
  it("runs seeds on several processes and reports them as JSON, the same for the same seeds", async () => {
    const end = await sim("run", "--seeds", "0..3,7", ...small, "--twice", "--json", "--failures", at("none"))
    assert.strictEqual(end.code, 0, end.stderr)
    const report = reportIn(end.stdout)
    assert.deepInclude(report, { scenario: "ledger", seeds: "0..3,7", complete: true, runs: 4, failed: 0, exitCode: 0 })
    assert.strictEqual(report.distinctHashes, 4)
    assert.isAbove(report.events, 0)
    assert.isAbove(report.virtualMillis, 4 * 3_000)
    const again = reportIn((await sim("run", "--seeds", "7,0..3", ...tiny, "--jobs", "1", "--json")).stdout)
    assert.deepStrictEqual([again.events, again.faults], [report.events, report.faults])
  })

  it("takes fresh seeds from a commit, and says which", async () => {
    const args = ["run", "--seeds", "fresh:2", "--from-commit", "00000000ff", ...small, "--profile", "calm"]
    const end = await sim(...args)
    assert.strictEqual(end.code, 0, end.stderr)
    assert.include(
      end.stderr,
      "holdfast sim run --seeds 255..257 --profile calm --nodes 3 --duration 3000 --operations 3"
    )
    assert.match(end.stdout, /Seeds +2: 0 failed/)
  })

  it("shows each sometimes with its interval, and fails if one never came in 200 runs", async () => {
    const never = ["--scenario", `${scenarioFile}#never`, "--profile", "calm", "--nodes", "1", "--duration", "1"]
    const few = reportIn((await sim("run", "--seeds", "0..3", ...never, "--json")).stdout)
    assert.deepStrictEqual([few.exitCode, few.missing], [0, []])
    assert.deepInclude(few.sometimes[0], { name: "pigs fly", runs: 0 })
    const end = await sim("run", "--seeds", "0..200", ...never, "--json")
    assert.strictEqual(end.code, 3)
    const { exitCode, missing, sometimes } = reportIn(end.stdout)
    assert.deepStrictEqual([exitCode, missing], [3, ["pigs fly"]])
    const [pigs, time] = sometimes
    assert.deepStrictEqual([pigs?.interval[0], time?.interval[1]], [0, 1])
    assert.isBelow(pigs?.interval[1] ?? 1, 0.02)
    assert.include(end.stderr, "never showed: pigs fly")
  })

  it("tells by its exit code how a scenario fails", async () => {
    const ends = await Promise.all(
      ["#stuck", "#broken"].map((name) =>
        sim(
          "run",
          "--seeds",
          "1",
          "--scenario",
          scenarioFile + name,
          "--profile",
          "calm",
          ...small,
          "--failures",
          at("codes")
        )
      )
    )
    assert.deepStrictEqual(
      ends.map(({ code }) => code),
      [3, 5]
    )
  })

  it("ends its processes when it is interrupted, and prints what it has run", async () => {
    const run = new HoldfastProcess(["sim", "run", "--seeds", "0..100000", ...small, "--json", "--failures", at("cut")])
    // It is said when all processes are there.
    await run.said("to run them again")
    const children = childrenOf(run.pid)
    assert.strictEqual(children.length, 2)
    run.signal("SIGINT")
    const end = await run.ended
    assert.strictEqual(end.code, 130, end.stderr)
    assert.isFalse(reportIn(end.stdout).complete)
    assert.deepStrictEqual(children.filter(isAlive), [])
  })
})

describe("a seed that fails", () => {
  const scenario = ["--scenario", scenarioFile]
  const failing = ["run", "--seeds", "0..50", "--profile", "crash", "--duration", "4000", "--jobs", "1", ...scenario]

  it("is kept as a file that replays, shrinks, and is explained", async () => {
    const end = await sim(...failing, "--stop-after", "1", "--failures", at("kept"), "--json")
    assert.strictEqual(end.code, 2, end.stderr)
    const { failed, failures } = reportIn(end.stdout)
    assert.strictEqual(failed, 1)
    const { file = "", replay } = failures[0] ?? {}
    assert.strictEqual(replay, `holdfast sim replay ${file} --scenario ${scenarioFile}`)
    assert.strictEqual(await readFile(join(at("kept"), ".gitignore"), "utf8"), "*\n")
    assert.lengthOf(await readdir(at("kept")), 2)

    const replayed = await sim("replay", file, ...scenario)
    assert.strictEqual(replayed.code, 2, replayed.stderr)
    assert.include(replayed.stdout, "The same run as that of the file")
    assert.include(replayed.stderr, "nobody lives twice")

    const shrunk = await sim("shrink", file, "-o", at("small.json"), "--json", ...scenario)
    assert.strictEqual(shrunk.code, 0, shrunk.stderr)
    const { plan } = JSON.parse(shrunk.stdout)
    assert.strictEqual(plan.faults.length, 1)
    assert.deepInclude(plan, { nodes: 1, operations: 0 })
    assert.strictEqual((await sim("replay", at("small.json"), ...scenario)).code, 2)

    const page = await sim("explain", at("small.json"), "-o", at("page.html"))
    assert.strictEqual(page.code, 0, page.stderr)
    assert.include(await readFile(at("page.html"), "utf8"), "nobody lives twice")
    const text = await sim("explain", at("small.json"), "--text", "--node", "a", "--until", "10")
    assert.strictEqual(text.code, 0, text.stderr)
    assert.include(text.stdout, "UNSAFE")
    assert.notInclude(text.stdout, "violated")
  })

  it("is told to have diverged if the file says another run, and between which events", async () => {
    const run = await sim(...failing, "--stop-after", "1", "--failures", at("other"), "--json")
    const { file = "" } = reportIn(run.stdout).failures[0] ?? {}
    const failure = JSON.parse(await readFile(file, "utf8"))
    await writeFile(at("altered.json"), JSON.stringify({ ...failure, hash: "0123456789abcdef" }))
    const end = await sim("replay", at("altered.json"), ...scenario, "--trace")
    assert.strictEqual(end.code, 4)
    assert.match(end.stderr, /diverged between event \d+ and \d+/)
    assert.include(end.stdout, "starts, life 1")
  })

  it("does not load what its file names as the scenario", async () => {
    const run = await sim(...failing, "--stop-after", "1", "--failures", at("named"), "--json")
    const { file = "" } = reportIn(run.stdout).failures[0] ?? {}
    const failure = JSON.parse(await readFile(file, "utf8"))
    await writeFile(at("foreign.json"), JSON.stringify({ ...failure, scenario: "./evil.ts" }))
    const end = await sim("replay", at("foreign.json"))
    assert.strictEqual(end.code, 64)
    assert.include(end.stderr, "say what to run with --scenario")
  })
})

describe("sim determinism", () => {
  it("runs every seed twice, and tells that each made one run", async () => {
    const end = await sim("determinism", "--sample", "3", ...small)
    assert.strictEqual(end.code, 0, end.stderr)
    assert.include(end.stdout, "3 distinct hashes")
    assert.include(end.stdout, "every seed made one run")
  })

  it("fails if a run reaches out of its world", async () => {
    const end = await sim("determinism", "--sample", "2", ...small, "--scenario", `${scenarioFile}#leaking`)
    assert.strictEqual(end.code, 4, end.stderr)
    assert.include(end.stdout, "Math.random was used")
  })
})

describe("sim soak", () => {
  it("runs a long world and measures its heap, which a few sessions say nothing about", async () => {
    const end = await sim(
      "soak",
      "--virtual",
      "2m",
      "--nodes",
      "2",
      "--operations",
      "2",
      "--json",
      "--failures",
      at("soak")
    )
    assert.strictEqual(end.code, 0, end.stderr)
    const { eventsPerSecond, heap, sessions, virtualMillis } = JSON.parse(end.stdout)
    assert.isAtLeast(virtualMillis, 120_000)
    assert.isAtLeast(heap.length, 30)
    assert.isAbove(sessions, 0)
    assert.isAbove(eventsPerSecond, 0)
  })
})
