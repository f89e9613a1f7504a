/**
 * Where failures are kept as files: a folder that version control does not see.
 */
import { Effect, FileSystem } from "effect"
import * as path from "node:path"
import * as FailureFile from "../../testing/campaign/FailureFile.ts"
import { printable } from "../../testing/explain/Printable.ts"
import { isFile } from "./ScenarioName.ts"
import { called, quoted } from "./SimFlags.ts"
import { SimulationMisused, WorkerBroken } from "./SimExit.ts"

/** The failure file that a text is which one of our own processes wrote. */
export const written = (text: string): Effect.Effect<FailureFile.FailureFile, WorkerBroken> => {
  const file = FailureFile.decode(text, "the failure")
  return file._tag === "Success"
    ? Effect.succeed(file.success)
    : Effect.fail(new WorkerBroken({ problem: file.failure.message }))
}

const unwritable = ({ message }: { readonly message: string }) =>
  Effect.fail(new SimulationMisused({ problem: `the failure cannot be written: ${message}` }))

/** Writes a failure to a file. */
export const writeTo = Effect.fnUntraced(
  function* (at: string, file: FailureFile.FailureFile) {
    const fs = yield* FileSystem.FileSystem
    yield* fs.writeFileString(at, FailureFile.encode(file))
  },
  Effect.catchTag("PlatformError", unwritable)
)

/** Files of one seed, each under another plan, that a folder may have. */
const mostOfSeed = 100

/** Whether a file may be replaced: it is of an earlier run of the same plan, or no whole failure. */
const isEarlier = (text: string, { plan }: FailureFile.FailureFile): boolean => {
  const there = FailureFile.decode(text, "")
  return there._tag === "Failure" || JSON.stringify(there.success.plan) === JSON.stringify(plan)
}

/**
 * Writes a failure under its name and returns the path; makes the folder if there is none. A failure of the same seed
 * under another plan, of a campaign with another profile, stays where it is.
 */
export const keep = Effect.fnUntraced(
  function* (folder: string, file: FailureFile.FailureFile) {
    const fs = yield* FileSystem.FileSystem
    if (!(yield* fs.exists(folder))) {
      yield* fs.makeDirectory(folder, { recursive: true })
      yield* fs.writeFileString(path.join(folder, ".gitignore"), "*\n")
    }
    const name = FailureFile.fileName(file)
    for (let nth = 1; ; nth++) {
      const at = path.join(folder, nth === 1 ? name : name.replace(/\.json$/, `-${nth}.json`))
      const isFree = !(yield* fs.exists(at)) || isEarlier(yield* fs.readFileString(at), file)
      if (!isFree && nth < mostOfSeed) continue
      yield* writeTo(at, file)
      return at
    }
  },
  Effect.catchTag("PlatformError", unwritable)
)

/** What to type to run a failure again; of a scenario of the user's own it says which. */
export const replayWith = (file: FailureFile.FailureFile, at: string, scenario: string | undefined): string => {
  const own = scenario === undefined || scenario === file.scenario ? "" : ` --scenario ${quoted(scenario)}`
  return `${FailureFile.replayCommand(file, at, called(process.env))}${own}`
}

/** Reads the file of a failure. */
export const read = Effect.fnUntraced(function* (at: string) {
  const fs = yield* FileSystem.FileSystem
  const misused = (problem: string) => new SimulationMisused({ problem })
  const unreadable = () => misused(`${at} cannot be read. Name the file of a failure, as sim run prints it.`)
  const { size, type } = yield* Effect.mapError(fs.stat(at), unreadable)
  // Opening a pipe that nobody writes to could not even be interrupted.
  if (type !== "File")
    return yield* misused(`${at} is no regular file. Name the file of a failure, as sim run prints it.`)
  if (Number(size) > FailureFile.maxCharacters * 4)
    return yield* misused(`${at} has ${size} bytes, which no failure has.`)
  const file = FailureFile.decode(yield* Effect.mapError(fs.readFileString(at), unreadable), at)
  return file._tag === "Success" ? file.success : yield* misused(file.failure.message)
})

/** Fails if a process has loaded another scenario than the one that failed. */
export const isOf = ({ scenario }: FailureFile.FailureFile, loaded: string): Effect.Effect<void, SimulationMisused> => {
  if (FailureFile.nameOf(loaded) === scenario) return Effect.void
  const problem = `the failure is of scenario ${scenario}, and this one is ${loaded}: give its own with --scenario`
  return Effect.fail(new SimulationMisused({ problem: printable(problem) }))
}

/** The scenario that runs a failure again: the one that is given, or that it names - but no file loads another one. */
export const scenarioOf = Effect.fnUntraced(function* (file: FailureFile.FailureFile, given: string | undefined) {
  const scenario = given ?? file.scenario
  if (given !== undefined || !isFile(scenario)) return scenario
  const problem = printable(`the failure is of scenario "${scenario}": say what to run with --scenario`)
  return yield* new SimulationMisused({ problem })
})
