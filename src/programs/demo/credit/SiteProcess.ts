/**
 * A site of the demo of credit: `holdfast start` as a process of its own, as users have it.
 */
import { Deferred, Effect, Schema } from "effect"
import * as ChildProcess from "node:child_process"
import * as path from "node:path"
import * as readline from "node:readline"
import { fileURLToPath } from "node:url"
import * as Child from "../Child.ts"
import type { DemoFailed } from "../DemoFailed.ts"
import type { Place } from "../Places.ts"

/** The command line of Holdfast, with the extension that this module has: run from source or compiled. */
export const holdfast = fileURLToPath(new URL(`../../cli${path.extname(import.meta.url)}`, import.meta.url))

/** Settings of who runs the demo are not its sites'. */
export const environment = (database: string | undefined): NodeJS.ProcessEnv => {
  const kept = Object.entries(process.env).filter(([name]) => !/^(HOLDFAST_|DATABASE_URL$|npm_lifecycle)/.test(name))
  return { ...Object.fromEntries(kept), NO_COLOR: "1", ...(database === undefined ? {} : { DATABASE_URL: database }) }
}

/** What `start --json` prints once the node is ready. */
const Ready = Schema.fromJsonString(Schema.Struct({ node: Schema.String }))
const decodeReady = Schema.decodeUnknownOption(Ready)

export interface Options {
  readonly name: string
  readonly place: Place
  /** Settings for `holdfast start`. */
  readonly settings: ReadonlyArray<string>
  /** It ended without having been told to. */
  readonly onDeath: (error: DemoFailed) => void
}

/** Starts it, with the flags of this process for Node as other nodes of demos have them, and waits until its node is ready: what can be done to it. */
export const start = Effect.fnUntraced(function* ({ name, onDeath, place, settings }: Options) {
  const ready = Deferred.makeUnsafe<void, DemoFailed>()
  const words = ["start", "--data", place.data, "--json", ...settings]
  const started = yield* Child.start({
    name,
    log: place.log,
    stopWithin: "2 minutes",
    start: (log) =>
      ChildProcess.spawn(process.execPath, [...process.execArgv, holdfast, ...words], {
        env: environment(place.database),
        stdio: ["ignore", "pipe", log]
      }),
    onDeath: (error) => {
      Deferred.doneUnsafe(ready, Effect.fail(error))
      onDeath(error)
    }
  })
  const { stdout } = started.process
  if (stdout !== null) {
    readline.createInterface({ input: stdout }).on("line", (line) => {
      if (decodeReady(line)._tag === "Some") Deferred.doneUnsafe(ready, Effect.void)
    })
  }
  yield* Deferred.await(ready)
  return started.child
})
