/**
 * The file that says which chain a node keeps: one JSON object, `ChainSettings`. What is wrong with it is told by its key, all at
 * once, with what to write instead.
 */
import { Effect, FileSystem, Option, Result, Schema, SchemaIssue } from "effect"
import * as path from "node:path"
import { ChainSettings } from "../protocol/chain/Genesis.ts"
import { nearest } from "./Suggestion.ts"

/** Far above the size of any such file: 1,024 producers have 70 KB. */
const maxSize = 1_048_576

const Contents = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json))
const decodeContents = Schema.decodeUnknownOption(Contents)
const decode = Schema.decodeUnknownResult(ChainSettings, { errors: "all" })
const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

const names: ReadonlyArray<string> = Object.keys(ChainSettings.fields)

/** Of each key, what may stand there. */
const expected: Readonly<Record<string, string>> = {
  id: "give a text of 1 to 64 ASCII characters without spaces",
  time: "give the time of the first block as a whole number of milliseconds since 1970",
  producers: "give a list of 1 to 1024 different node keys, each 64 lower-case hex digits, or leave it out",
  intervalMillis: "give a whole number of milliseconds from 1 to 86400000, or leave it out",
  maxBlockBytes: "give a whole number from 1024 to 2097152, or leave it out",
  reorganisationLimit: "give a whole number from 1 to 10000, or leave it out"
}

const unknown = (name: string): string => {
  const meant = nearest(name, names)
  return `"${name}" is none of its keys: ${meant === undefined ? `they are ${names.join(", ")}` : `did you mean "${meant}"?`}`
}

/** What a file of this text says, or what is wrong with it, one sentence each. */
export const interpret = (text: string): Result.Result<ChainSettings, ReadonlyArray<string>> => {
  const contents = Option.getOrUndefined(decodeContents(text))
  if (contents === undefined) {
    return Result.fail(["it is not a JSON object: correct it, or make another one with holdfast chain init"])
  }
  const misspelt = Object.keys(contents).filter((name) => !names.includes(name))
  const decoded = decode(contents)
  if (Result.isSuccess(decoded)) {
    return misspelt.length === 0 ? Result.succeed(decoded.success) : Result.fail(misspelt.map(unknown))
  }
  const keys = issuesOf(decoded.failure.issue).issues.map(({ path: [step] = [] }) =>
    String(typeof step === "object" ? step.key : step)
  )
  const wrong = [...new Set(keys)].map((key) => {
    const said = key in contents ? `"${key}" is ${JSON.stringify(contents[key]).slice(0, 100)}` : `"${key}" is missing`
    return `${said}: ${expected[key] ?? "correct it"}`
  })
  return Result.fail([...wrong, ...misspelt.map(unknown)])
}

/** The chain that the file configures, or sentences that name the file. Paths are relative to the folder that the program runs in. */
export const read = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const at = path.resolve(file)
  const failed = (problems: ReadonlyArray<string>) => Result.fail(problems.map((problem) => `${at}: ${problem}`))
  const info = yield* Effect.option(fs.stat(at))
  // Opening a pipe that nobody writes to could not even be interrupted.
  if (Option.isNone(info) || info.value.type !== "File") {
    return failed(["there is no such file: name one, or make it with holdfast chain init"])
  }
  if (info.value.size > maxSize) return failed([`it has ${info.value.size} bytes, which no such file has`])
  const text = yield* Effect.option(fs.readFileString(at))
  if (Option.isNone(text)) return failed(["it cannot be read: make it readable"])
  return Result.mapError(interpret(text.value), (problems) => problems.map((problem) => `${at}: ${problem}`))
})
