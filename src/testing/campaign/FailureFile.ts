/**
 * A failure as a file: everything that replays it and what was seen of it. JSON that version control
 * can show the changes of.
 *
 * Files come from anywhere, so reading one trusts nothing: its length, every key and every list is bounded.
 */
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { Result, Schema, SchemaIssue } from "effect"
import type { Result as RunResult } from "../cluster/Result.ts"
import { Verdict } from "../cluster/Verdict.ts"
import { printable } from "../explain/Printable.ts"
import { FaultPlan, strictly } from "../faults/FaultPlan.ts"
import type { TraceEvent } from "../world/Trace.ts"

/** Characters of a file, at most. Writing drops the oldest events until it fits. */
export const maxCharacters = 16 * 1024 * 1024
const maxEvents = 10_000
const maxCheckpoints = 4_096
const maxFacts = 16
/** Characters of a name, and of a text within an event or a verdict. */
const maxName = 64
const maxText = 4_000

const text = (length: number) => Schema.String.check(Schema.isMaxLength(length))
const natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Hash = Schema.String.check(Schema.isPattern(/^[0-9a-f]{1,64}$/))

const Event = Schema.Struct({
  n: natural,
  at: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  node: text(maxName),
  kind: text(maxName),
  detail: Schema.Record(text(maxName), Schema.Union([text(maxText), Schema.Finite, Schema.Boolean])).check(
    Schema.isMaxProperties(maxFacts)
  )
})

export const FailureFile = Schema.Struct({
  version: Schema.Literal(1),
  /** Of the sources that failed. Empty if nobody knows. */
  commit: text(maxName),
  versions: Schema.Struct({ node: text(maxName), effect: text(maxName), holdfast: text(maxName) }),
  scenario: text(maxName),
  seed: Schema.Int,
  plan: FaultPlan,
  /** The bug that was planted in the run. */
  mutant: Schema.optionalKey(text(maxName)),
  verdict: Verdict,
  hash: Hash,
  /** Of the whole run: delivered chunks and fired timers. */
  events: natural,
  checkpoints: Schema.Array(Schema.Struct({ n: natural, hash: Hash })).check(Schema.isMaxLength(maxCheckpoints)),
  /** The last events of the run, oldest first. */
  trace: Schema.Array(Event).check(Schema.isMaxLength(maxEvents))
})
export type FailureFile = typeof FailureFile.Type

/** A file that is no failure file, or not a whole one. */
export class FailureFileInvalid extends Schema.TaggedError<FailureFileInvalid>()("FailureFileInvalid", {
  file: Schema.String,
  /** As `plan.faults[3].fault.node`; empty for the file itself. */
  key: Schema.String,
  problem: Schema.String,
  fix: Schema.String
}) {
  override get message(): string {
    const where = [this.file, this.key, this.problem].filter((part) => part !== "")
    return printable(`${where.join(": ")}. ${this.fix}.`)
  }
}

/** What a run was made of. */
export interface Origin {
  readonly commit: string
  readonly versions: FailureFile["versions"]
  readonly mutant?: string | undefined
}

/** The file of a run. What is longer than a file may have is cut. */
export const fromResult = (result: RunResult, { commit, mutant, versions }: Origin): FailureFile => ({
  version: 1,
  commit: cut(commit, maxName),
  versions: {
    node: cut(versions.node, maxName),
    effect: cut(versions.effect, maxName),
    holdfast: cut(versions.holdfast, maxName)
  },
  scenario: nameOf(result.scenario),
  seed: result.seed,
  plan: result.plan,
  ...(mutant === undefined ? {} : { mutant: cut(mutant, maxName) }),
  verdict: cutVerdict(result.verdict),
  hash: result.hash,
  events: result.events,
  checkpoints: result.checkpoints.slice(-maxCheckpoints),
  trace: result.trace.slice(-maxEvents).map(cutEvent)
})

/** What a scenario of this name is called in the files of its failures. */
export const nameOf = (scenario: string): string => cut(scenario, maxName)

const cut = (words: string, length: number): string =>
  words.length <= length ? words : `${words.slice(0, length - 1)}…`

/** Words that may have a stack in them: files below the working folder are named from there, wherever that is. */
const told = (words: string): string => {
  const here = path.join(path.resolve(), path.sep)
  return cut(words.replaceAll(pathToFileURL(here).href, "").replaceAll(here, ""), maxText)
}

const cutEvent = ({ at, detail, kind, n, node }: TraceEvent): TraceEvent => {
  const facts = Object.entries(detail)
    .slice(0, maxFacts)
    .map(([key, value]) => [cut(key, maxName), fact(value)])
  return { n, at, node: cut(node, maxName), kind: cut(kind, maxName), detail: Object.fromEntries(facts) }
}

const cutVerdict = (verdict: Verdict): Verdict => {
  const words = Object.entries(verdict).map(([key, value]) => [key, told(value)])
  return Schema.decodeUnknownSync(Verdict)(Object.fromEntries(words))
}

const fact = (value: string | number | boolean): string | number | boolean => {
  if (typeof value === "string") return told(value)
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value
}

/** The text of a file: one event, one checkpoint and one fault a line. */
export const encode = (file: FailureFile): string => {
  let { trace } = file
  for (;;) {
    const written = `${lines({ ...file, trace }, "")}\n`
    if (written.length <= maxCharacters || trace.length === 0) return written
    trace = trace.slice(Math.ceil(trace.length / 2))
  }
}

/** The keys of the file and of what it directly holds have lines of their own, and so have the items of its lists. */
const lines = (value: unknown, indent: string): string => {
  const within = `${indent}  `
  if (Array.isArray(value) && value.length > 0)
    return `[\n${value.map((item) => `${within}${JSON.stringify(item)}`).join(",\n")}\n${indent}]`
  if (typeof value !== "object" || value === null || Array.isArray(value) || indent.length > 2)
    return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  const written = entries.map(([key, item]) => `${within}${JSON.stringify(key)}: ${lines(item, within)}`)
  return `{\n${written.join(",\n")}\n${indent}}`
}

/**
 * The failure file that a text is.
 *
 * @param name what messages call the file: its path
 */
export const decode = (written: string, name: string): Result.Result<FailureFile, FailureFileInvalid> => {
  const invalid = (key: string, problem: string, fix: string) =>
    Result.fail(new FailureFileInvalid({ file: name, key, problem, fix }))
  if (written.length > maxCharacters)
    return invalid("", `it has ${written.length} characters, ${maxCharacters} at most`, "Name a file that a run wrote")
  const json = parse(written)
  if (typeof json !== "object" || json === null || Array.isArray(json))
    return invalid("", "it is not a JSON object", "Name a file that a run wrote, whole and unchanged")
  if ("version" in json && json.version !== 1)
    return invalid("version", `${shown(json.version)} is not known here, only 1`, `Read it with ${writer(json)}`)
  return Result.mapError(decodeJson(json), ({ issue }) => {
    const { key, problem } = firstProblem(issue)
    return new FailureFileInvalid({
      file: name,
      key,
      problem,
      fix: "Correct it there, or have a run write the file anew"
    })
  })
}

const decodeJson = Schema.decodeUnknownResult(FailureFile, strictly)

const parse = (written: string): unknown => {
  try {
    return JSON.parse(written)
  } catch {
    return undefined
  }
}

const shown = (value: unknown): string => cut(JSON.stringify(value) ?? "nothing", 40)

const writer = (json: object): string =>
  "commit" in json && typeof json.commit === "string" && json.commit !== ""
    ? `the sources that wrote it, commit ${cut(json.commit, maxName)}`
    : "the release that wrote it"

const issues = SchemaIssue.makeFormatterStandardSchemaV1()

/**
 * The first thing that is wrong, by its path. What fits none of several forms is wrong where one of them says more than
 * that a key is missing or unknown; if that is not clear, as a whole.
 */
export const firstProblem = (issue: SchemaIssue.Issue): { readonly key: string; readonly problem: string } => {
  const all = issues(issue).issues
  const values = all.filter(({ message }) => message !== missing && message !== unknown)
  const stranger = values.length === 0 ? all.find(({ message }) => message === unknown) : undefined
  const [one, ...others] = stranger !== undefined ? [stranger] : values.length === 1 ? values : all
  const path = (one?.path ?? []).map((step) => (typeof step === "object" ? step.key : step))
  return others.length === 0
    ? { key: cut(printed(path), 200), problem: cut(plainly(one?.message ?? "it is wrong"), 600) }
    : { key: cut(printed(path.slice(0, -1)), 200), problem: "it has none of the forms that it may have" }
}

const [missing, unknown] = ["Missing key", "Expected no excess property"]
const tags = /\{ readonly "_tag": ("\w+"), \.\.\. \}/g

/** What may stand in a place that has one of many forms is told by their tags alone. */
const plainly = (message: string): string => {
  if (message === unknown) return "there is no such key here"
  const names = [...message.matchAll(tags)].map(([, tag]) => tag)
  return names.length === 0 ? message : `its "_tag" must be one of ${names.join(", ")}`
}

const printed = (path: ReadonlyArray<PropertyKey>): string =>
  path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${String(step)}`))
    .join("")

/** What the file of a failure is called, unless somebody wants otherwise. Safe in any shell and file system. */
export const fileName = ({ mutant, scenario, seed }: FailureFile): string =>
  `${[scenario, String(seed), mutant ?? ""]
    .map(plain)
    .filter((part) => part !== "")
    .join("-")}.json`

const plain = (words: string): string =>
  words
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")

/** What a person types to see it again; `program` is how the simulator is called. */
export const replayCommand = (file: FailureFile, path = fileName(file), program = "holdfast sim"): string =>
  `${program} replay ${/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`}`
