/**
 * The plan that a file has: a fault plan itself, or the failure file of a simulated run, which comes with its seed.
 */
import { Effect, FileSystem, Option, Schema } from "effect"
import * as FailureFile from "../../testing/campaign/FailureFile.ts"
import { FaultPlan, strictly } from "../../testing/faults/FaultPlan.ts"

/** A file that cannot be read, or has no plan. */
export class PlanFileInvalid extends Schema.TaggedError<PlanFileInvalid>()("PlanFileInvalid", {
  file: Schema.String,
  problem: Schema.String,
  fix: Schema.String
}) {
  override get message(): string {
    return `${this.file}: ${this.problem}`
  }
}

export interface Planned {
  readonly plan: FaultPlan
  /** Of the run that failed, if the file is about one. */
  readonly seed: number | undefined
}

const shape = 'Name a JSON file with a fault plan ({ "version": 1, "nodes": ..., "faults": [...] }) or of a failed run'

const parse = (text: string): Option.Option<object> => {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === "object" && json !== null ? Option.some(json) : Option.none()
  } catch {
    return Option.none()
  }
}

export const read = Effect.fnUntraced(function* (file: string) {
  const invalid = (problem: string, fix = shape) => new PlanFileInvalid({ file, problem, fix })
  const fs = yield* FileSystem.FileSystem
  const unreadable = () => invalid("it cannot be read", "Name a file that exists and that this user may read")
  const { size, type } = yield* Effect.mapError(fs.stat(file), unreadable)
  // Opening a pipe that nobody writes to could not even be interrupted.
  if (type !== "File") return yield* invalid("it is no regular file")
  if (size > FailureFile.maxCharacters) return yield* invalid(`it has ${size} bytes, which no plan has`)
  const text = yield* Effect.mapError(fs.readFileString(file), unreadable)
  const json = parse(text)
  if (Option.isNone(json)) return yield* invalid("it is not a JSON object")
  if ("plan" in json.value) {
    const failure = FailureFile.decode(text, file)
    if (failure._tag === "Failure")
      return yield* invalid(`${failure.failure.key}: ${failure.failure.problem}`, "Correct it there")
    const planned: Planned = { plan: failure.success.plan, seed: failure.success.seed }
    return planned
  }
  const plan = yield* Schema.decodeUnknownEffect(
    FaultPlan,
    strictly
  )(json.value).pipe(
    Effect.mapError(({ issue }) => {
      const { key, problem } = FailureFile.firstProblem(issue)
      return invalid(`${key === "" ? "" : `${key}: `}${problem}`, "Correct it there")
    })
  )
  const planned: Planned = { plan, seed: undefined }
  return planned
})
