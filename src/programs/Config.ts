/**
 * The configuration of a node: flags, then environment variables, then the file `holdfast.json` in the data folder or
 * the one named by --config, then the defaults.
 *
 * Nothing is guessed: a value that is out of range and a name that is misspelt are errors, all of them reported at
 * once, each with its key, its value, where it came from and what to write instead.
 */
import { Effect, FileSystem, Option, Result, Schema } from "effect"
import * as path from "node:path"
import { isWildcard } from "../protocol/Address.ts"
import type { ChainSettings } from "../protocol/chain/Genesis.ts"
import { mostReferees } from "../protocol/credit/LiftPlan.ts"
import * as ChainFile from "./ChainFile.ts"
import { files } from "./FolderFiles.ts"
import { type Key, keys, type Setting, settings, type Values } from "./Settings.ts"
import { nearest } from "./Suggestion.ts"

/** What is wrong with the configuration, one sentence each. */
export class ConfigInvalid extends Schema.TaggedError<ConfigInvalid>()("ConfigInvalid", {
  problems: Schema.NonEmptyArray(Schema.String)
}) {
  override get message(): string {
    return this.problems.join("\n")
  }
}

export interface Config extends Values {
  /** The data folder, absolute. */
  readonly data: string
  /** What the file says that `chain` names. */
  readonly chainSettings: ChainSettings | undefined
}

export type Raw = string | ReadonlyArray<string>

export interface Sources {
  /** What the command line says, by key. */
  readonly flags: { readonly [K in Key]?: Raw | undefined }
  readonly data?: string | undefined
  /** A configuration file to read instead of the one in the data folder; it must exist. */
  readonly config?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Raw values of one source, and what each of them is called there. */
interface Layered {
  readonly nameOf: (key: Key) => string
  readonly values: { readonly [K in Key]?: Raw | undefined }
}

/**
 * Where a node lives unless it is told otherwise: in the folder it is started in, as a repository does. Two projects
 * never share a node by accident, and removing the folder removes everything.
 */
export const standardFolder = ".holdfast"

const given = (text: string | undefined): string | undefined => (text === undefined || text === "" ? undefined : text)

/** The data folder that the flag or the environment names, absolute. */
export const dataFolder = (sources: Pick<Sources, "data" | "env">): string =>
  path.resolve(given(sources.data) ?? given(sources.env["HOLDFAST_DATA"]) ?? standardFolder)

const settingOf = (key: Key): Setting<unknown> => settings[key]

const split = (key: Key, text: string): Raw =>
  settingOf(key).many === true
    ? text
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== "")
    : text

const fromEnvironment = (env: Sources["env"]): Layered => {
  const variable = (key: Key) => settingOf(key).env.find((name) => given(env[name]) !== undefined)
  return {
    nameOf: (key) => variable(key) ?? "the environment",
    values: Object.fromEntries(
      keys.flatMap((key) => {
        const name = variable(key)
        return name === undefined ? [] : [[key, split(key, env[name] ?? "")]]
      })
    )
  }
}

const knownVariables = new Set(["HOLDFAST_DATA", "HOLDFAST_CONFIG", ...keys.flatMap((key) => settingOf(key).env)])

const misspeltVariables = (env: Sources["env"]): ReadonlyArray<string> =>
  Object.keys(env)
    .filter((name) => name.startsWith("HOLDFAST_") && !knownVariables.has(name))
    .flatMap((name) => {
      const meant = nearest(
        name.slice(9),
        [...knownVariables].map((known) => known.replace("HOLDFAST_", ""))
      )
      const full = [...knownVariables].find((known) => known.replace("HOLDFAST_", "") === meant)
      return full === undefined ? [] : [`the environment variable ${name} is not a setting: did you mean ${full}?`]
    })

const FileContents = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json))

const rawOf = (value: Schema.Json): Raw | undefined => {
  if (typeof value === "string") return value
  if (typeof value === "number" || typeof value === "boolean") return String(value)
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined
}

interface FromFile extends Layered {
  readonly problems: ReadonlyArray<string>
}

const noFile: FromFile = { nameOf: () => "the file", values: {}, problems: [] }

const interpret = (file: string, text: string): FromFile => {
  const contents = Schema.decodeUnknownResult(FileContents)(text)
  if (Result.isFailure(contents)) {
    return { ...noFile, problems: [`${file} is not a JSON object: correct it, or move it away to use the defaults`] }
  }
  const problems: Array<string> = []
  const values: { [K in Key]?: Raw } = {}
  for (const [name, value] of Object.entries(contents.success)) {
    const key = keys.find((key) => key === name)
    const raw = rawOf(value)
    if (key === undefined) {
      const meant = nearest(name, keys)
      const fix = meant === undefined ? `the settings are ${keys.join(", ")}` : `did you mean "${meant}"?`
      problems.push(`"${name}" in ${file} is not a setting: ${fix}`)
    } else if (raw === undefined) {
      problems.push(`${key} in ${file} is ${JSON.stringify(value)}: give a text, a number, true or false`)
    } else values[key] = raw
  }
  return { nameOf: (key) => `"${key}" in ${file}`, values, problems }
}

const readFile = Effect.fnUntraced(function* (sources: Sources, data: string) {
  const fs = yield* FileSystem.FileSystem
  const named = given(sources.config) ?? given(sources.env["HOLDFAST_CONFIG"])
  const file = named === undefined ? path.join(data, files.config) : path.resolve(named)
  const text = yield* Effect.option(fs.readFileString(file))
  if (Option.isSome(text)) return interpret(file, text.value)
  if (named === undefined && !(yield* Effect.orElseSucceed(fs.exists(file), () => false))) return noFile
  return {
    ...noFile,
    problems: [`the configuration file ${file} cannot be read: correct --config, or make it readable`]
  }
})

/** What the schema of a setting expects, as its error says it. */
const expected = (error: Schema.SchemaError): string => (error.message.split("\n")[0] ?? "").trim()

const decode = (key: Key, raw: Raw): Result.Result<unknown, string> => {
  const { many, schema } = settingOf(key)
  const texts = typeof raw === "string" ? [raw] : raw
  if (many !== true && texts.length !== 1) return Result.fail("give one value")
  const values = texts.map((text) => Schema.decodeUnknownResult(schema)(text))
  const failed = values.find(Result.isFailure)
  if (failed !== undefined) return Result.fail(expected(failed.failure))
  const decoded = values.filter(Result.isSuccess).map((value) => value.success)
  return Result.succeed(many === true ? decoded : decoded[0])
}

const shown = (key: Key, raw: Raw): string => (settingOf(key).secret === true ? "(not shown)" : JSON.stringify(raw))

const isComplete = (values: Partial<Record<Key, unknown>>): values is Values => keys.every((key) => key in values)

/** Reads, merges and checks all sources. */
export const load = Effect.fn("Config.load")(function* (sources: Sources) {
  const data = dataFolder(sources)
  const flags: Layered = { nameOf: (key) => `--${settings[key].flag}`, values: sources.flags }
  const file = yield* readFile(sources, data)
  const layers = [flags, fromEnvironment(sources.env), file]
  const problems = [...misspeltVariables(sources.env), ...file.problems]
  const values: Partial<Record<Key, unknown>> = {}
  for (const key of keys) {
    const layer = layers.find(({ values }) => values[key] !== undefined)
    const raw = layer?.values[key] ?? settingOf(key).default ?? (settingOf(key).many === true ? [] : undefined)
    if (raw === undefined) {
      values[key] = undefined
      continue
    }
    const decoded = decode(key, raw)
    if (Result.isSuccess(decoded)) values[key] = decoded.success
    else problems.push(`${layer?.nameOf(key) ?? key} is ${shown(key, raw)}: ${decoded.failure}`)
  }
  const chain = typeof values.chain === "string" ? yield* ChainFile.read(values.chain) : Result.succeed(undefined)
  if (Result.isFailure(chain)) problems.push(...chain.failure)
  const chainSettings = Result.getOrUndefined(chain)
  const [first, ...more] = problems
  if (first !== undefined) return yield* new ConfigInvalid({ problems: [first, ...more] })
  if (!isComplete(values)) return yield* Effect.die(new Error("a setting has no value"))
  return yield* checked({ ...values, data, chainSettings })
})

const withoutChain = (key: "produce" | "chainKeep"): string =>
  `${key} is set and chain is not: name the file of the chain with --chain <file>, or leave out --${settings[key].flag}`

const refereesProblem = (referees: Values["creditReferees"]): ReadonlyArray<string> => {
  const keys = new Set(referees.map(({ key }) => key))
  if (keys.size < referees.length) return ["creditReferees names a node twice: name each once"]
  if (referees.length > mostReferees) {
    return [`creditReferees names ${referees.length} nodes: name ${mostReferees} at the most`]
  }
  if (referees.length === 0 || referees.length % 2 === 1) return []
  return [`creditReferees names ${referees.length} nodes, which could be of two minds: name an odd number`]
}

const decidesForProblem = (all: Values["creditDecidesFor"]): ReadonlyArray<string> => {
  const word = all.find((one) => one === "nobody" || one === "everybody")
  return word === undefined || all.length === 1
    ? []
    : [`creditDecidesFor says ${word} and something else: name nodes, or give one of the two words alone`]
}

const creditAddressProblem = (place: Values["creditAddress"]): ReadonlyArray<string> =>
  place === undefined || !isWildcard(place.host)
    ? []
    : [
        `creditAddress is ${place.toString()}, which stands for every address of a machine: name one that others can dial`
      ]

/** What only two settings, or several values of one, can get wrong together. */
const checked = (config: Config): Effect.Effect<Config, ConfigInvalid> => {
  const { chain, chainKeep, maxSessions, produce, redialFirst, redialLongest, reservedSessions = 0 } = config
  const [first, ...more] = [
    ...(redialFirst <= redialLongest
      ? []
      : [
          `redialFirst is ${redialFirst}ms and redialLongest is ${redialLongest}ms: ` +
            `give a redialLongest that is at least as long`
        ]),
    ...(reservedSessions <= maxSessions
      ? []
      : [`reservedSessions is ${reservedSessions} and maxSessions is ${maxSessions}: give no more than there are`]),
    ...creditAddressProblem(config.creditAddress),
    ...decidesForProblem(config.creditDecidesFor),
    ...refereesProblem(config.creditReferees),
    ...(chain === undefined && produce ? [withoutChain("produce")] : []),
    ...(chain === undefined && chainKeep !== undefined ? [withoutChain("chainKeep")] : [])
  ]
  return first === undefined ? Effect.succeed(config) : Effect.fail(new ConfigInvalid({ problems: [first, ...more] }))
}
