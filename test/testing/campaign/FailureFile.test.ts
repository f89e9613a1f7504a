import { pathToFileURL } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as FailureFile from "../../../src/testing/campaign/FailureFile.ts"
import type { Result as RunResult } from "../../../src/testing/cluster/Result.ts"
import * as Synthetic from "../../support/SyntheticFailure.ts"

const file = Synthetic.make()

const read = (text: string) => Result.getOrThrow(FailureFile.decode(text, "f.json"))

/** What a text that is no failure file is answered with. */
const refusal = (text: string): FailureFile.FailureFileInvalid =>
  Result.match(FailureFile.decode(text, "runs/f.json"), {
    onSuccess: () => assert.fail("it was accepted"),
    onFailure: (error) => error
  })

/** The file with one value replaced, by the path of the value; `undefined` takes it out. */
const changed = (path: ReadonlyArray<string | number>, value: unknown): string => {
  const copy: unknown = JSON.parse(FailureFile.encode(file))
  let at = copy as Record<string | number, unknown>
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>
  at[path.at(-1)!] = value
  return JSON.stringify(copy)
}

const run = (over: Partial<RunResult>): RunResult => ({
  ...file,
  virtualMillis: 3_091,
  sometimes: {},
  figures: {},
  ...over
})

const origin: FailureFile.Origin = { commit: "abc", versions: { node: "24", effect: "4", holdfast: "0" } }

describe("a failure file", () => {
  it("names files of the project by where they are in it, not on this machine", () => {
    const stack = (project: string, url: string) =>
      `at f (${url}src/services/link/Links.ts:1:2)\nat ${project}node_modules/x/y.js:3:4\nat g (file:///else/z.ts:5:6)`
    const words = stack(`${process.cwd()}/`, `${pathToFileURL(process.cwd()).href}/`)
    const { trace, verdict } = FailureFile.fromResult(
      run({
        verdict: { _tag: "Leaked", what: "Date.now()", stack: words },
        trace: [{ n: 1, at: 2, node: "a", kind: "ended", detail: { words } }]
      }),
      origin
    )
    assert.deepStrictEqual(verdict, { _tag: "Leaked", what: "Date.now()", stack: stack("", "") })
    assert.deepStrictEqual(trace[0]?.detail, { words: stack("", "") })
  })

  it("is read back as it was written", () => {
    assert.deepStrictEqual(read(FailureFile.encode(file)), file)
    const planted = {
      ...file,
      mutant: "drop-receipt",
      verdict: { _tag: "Leaked", what: "Date.now", stack: "at x\nat y" } as const
    }
    assert.deepStrictEqual(read(FailureFile.encode(planted)), planted)
  })

  it("has a line for every event, checkpoint and fault", () => {
    const written = FailureFile.encode(file)
      .split("\n")
      .map((line) => line.trim().replace(/,$/, ""))
    for (const list of [file.trace, file.checkpoints, file.plan.faults])
      for (const item of list) assert.include(written, JSON.stringify(item))
  })

  it("is made of a run", () => {
    const { commit, mutant, versions, ...rest } = FailureFile.fromResult(run({}), { ...origin, mutant: "no-jitter" })
    assert.deepStrictEqual({ commit, mutant, versions }, { ...origin, mutant: "no-jitter" })
    assert.deepStrictEqual({ ...rest, commit: file.commit, versions: file.versions }, file)
  })

  it("has what is too long for it cut, and is then read back", () => {
    const long = "x".repeat(10_000)
    const detail = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`${index}${long}`, long]))
    const event = { n: 1, at: 1, node: long, kind: long, detail }
    const verdict = { _tag: "Broken", detail: long } as const
    const trace = [...Array.from({ length: 20_000 }, () => file.trace[0]!), { ...event, detail: { ...detail, z: NaN } }]
    const cut = FailureFile.fromResult(run({ scenario: long, trace, verdict }), { ...origin, commit: long })
    assert.strictEqual(cut.trace.length, 10_000)
    assert.isBelow(JSON.stringify(cut.verdict).length, 5_000)
    assert.deepStrictEqual(read(FailureFile.encode(cut)), cut)
  })

  it("says numbers that JSON does not have in words", () => {
    const event = { n: 1, at: 1, node: "a", kind: "x", detail: { nan: NaN, far: -Infinity } }
    const { trace } = FailureFile.fromResult(run({ trace: [event] }), origin)
    assert.deepStrictEqual(trace[0]?.detail, { nan: "NaN", far: "-Infinity" })
  })

  it("loses its oldest events where it would be longer than a file may be", () => {
    const detail = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`k${index}`, "x".repeat(1_000)]))
    const trace = Array.from({ length: 4_000 }, (_, n) => ({ n, at: n, node: "a", kind: "x", detail }))
    const written = FailureFile.encode({ ...file, trace })
    assert.isAtMost(written.length, FailureFile.maxCharacters)
    assert.strictEqual(read(written).trace.at(-1)?.n, 3_999)
  })
})

describe("a file that is not one", () => {
  const cases: ReadonlyArray<readonly [name: string, text: string, key: string, problem: RegExp]> = [
    ["nothing", "", "", /not a JSON object/],
    ["half a file", FailureFile.encode(file).slice(0, 5_000), "", /not a JSON object/],
    ["a list", "[]", "", /not a JSON object/],
    ["a file of another version", changed(["version"], 2), "version", /^2 is not known/],
    ["a file without a seed", changed(["seed"], undefined), "seed", /Missing key/],
    ["a seed with a fraction", changed(["seed"], 0.5), "seed", /integer/],
    ["an unknown verdict", changed(["verdict"], { _tag: "Fine" }), "verdict", /must be one of "Held"/],
    ["a hash in other digits", changed(["hash"], "XYZ"), "hash", /Expected/],
    [
      "a node that has no name",
      changed(["plan", "faults", 1, "fault", "node"], "B!"),
      "plan.faults[1].fault.node",
      /Expected/
    ],
    ["a fault at no time", changed(["plan", "faults", 0, "when"], {}), "plan.faults[0].when", /none of the forms/],
    ["an event in the past", changed(["trace", 3, "at"], -1), "trace[3].at", /Expected/],
    ["a fact that is a list", changed(["trace", 0, "detail", "life"], []), "trace[0].detail.life", /Expected/],
    ["too many events", changed(["trace"], Array(10_001).fill(file.trace[0])), "trace", /at most/]
  ]
  for (const [name, text, key, problem] of cases) {
    it(`is refused with its key: ${name}`, () => {
      const error = refusal(text)
      assert.deepStrictEqual([error.key, error.file], [key, "runs/f.json"])
      assert.match(error.problem, problem)
      assert.match(error.message, /^runs\/f\.json: .+\. .+\.$/s)
      assert.isAtMost(error.message.length, 1_000)
    })
  }

  it("is refused unread if it is too long", () => {
    assert.match(refusal(" ".repeat(FailureFile.maxCharacters + 1)).problem, /characters/)
  })

  it("of another version names the commit that can read it", () => {
    assert.include(refusal(changed(["version"], 9)).fix, file.commit)
  })

  it("puts nothing into the message that a terminal obeys", () => {
    assert.notMatch(refusal(changed(["trace", 0, "detail", "\u001b[2J"], [])).message, /\p{Cc}/u)
    assert.notMatch(refusal(changed(["version"], "\u009b2J")).message, /\p{Cc}/u)
  })
})

describe("the command that replays it", () => {
  it("names the file, safely", () => {
    assert.strictEqual(FailureFile.replayCommand(file), "holdfast sim replay ledger-42.json")
    assert.strictEqual(FailureFile.replayCommand(file, "a/b.json"), "holdfast sim replay a/b.json")
    assert.strictEqual(FailureFile.replayCommand(file, "it's.json"), "holdfast sim replay 'it'\\''s.json'")
    const hostile = { ...file, scenario: "$(rm -rf ~)/../x", mutant: "No Jitter" }
    assert.strictEqual(FailureFile.replayCommand(hostile), "holdfast sim replay rm-rf-x-42-no-jitter.json")
  })
})

describe("what is wrong with the plan of a file", () => {
  const faults = (when: object, fault: object) => changed(["plan", "faults"], [{ when, fault }])
  const pause = { _tag: "Pause", node: "a", for: 1 }
  const cases: ReadonlyArray<readonly [what: string, text: string, key: string, problem: string]> = [
    [
      "a key that does not exist",
      faults({ at: 1 }, { _tag: "Stall", form: "a", for: 1 }),
      "plan.faults[0].fault.form",
      "there is no such key here"
    ],
    [
      "two moments at once",
      faults({ at: 1, event: 4 }, pause),
      "plan.faults[0].when.event",
      "there is no such key here"
    ],
    [
      "a time before the run",
      faults({ at: -1 }, pause),
      "plan.faults[0].when.at",
      "Expected a value between 0 and 31622400000"
    ],
    [
      "a fault that does not exist",
      faults({ at: 1 }, { _tag: "Meteor" }),
      "plan.faults[0].fault",
      'its "_tag" must be one of "Partition", "Stall", "Swizzle"'
    ],
    ["a key of the plan that does not exist", changed(["plan", "nods"], 3), "plan.nods", "there is no such key here"]
  ]
  for (const [what, text, key, problem] of cases)
    it(`is named: ${what}`, () => {
      const error = refusal(text)
      assert.strictEqual(error.key, key)
      assert.include(error.problem, problem)
    })
})
