/**
 * A process of the demo as its parent sees it: it can be killed, frozen, continued and told to stop.
 *
 * Signals go to the process by its own id, and only while it lives. It ends with the scope, whatever happens.
 */
import { Deferred, type Duration, Effect } from "effect"
import type * as ChildProcess from "node:child_process"
import * as fs from "node:fs"
import { DemoFailed } from "./DemoFailed.ts"

/** How a process ended. */
export interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Child {
  readonly freeze: () => void
  readonly thaw: () => void
  /** SIGKILL, and waits for the end. */
  readonly kill: Effect.Effect<End>
  /** SIGTERM, and waits for the end, which SIGKILL brings when that takes too long. */
  readonly stop: Effect.Effect<End>
}

export interface Options {
  readonly name: string
  /** A file that gets what the process logs, behind what is there. */
  readonly log: string
  /** Makes the process, whose log is this open file. */
  readonly start: (log: number) => ChildProcess.ChildProcess
  /** How long it may take to stop before it is killed; ten seconds by default. */
  readonly stopWithin?: Duration.Input
  /** It ended without having been told to. */
  readonly onDeath: (error: DemoFailed) => void
}

/** The last lines of a log, for the message about its process. */
const tail = (file: string): string => {
  const lines = fs.readFileSync(file, "utf8").trimEnd().split("\n")
  return lines
    .slice(-5)
    .map((line) => line.slice(0, 500))
    .join("\n")
}

const describe = ({ code, signal }: End): string => (signal === null ? `with code ${code}` : `by ${signal}`)

/** The process, to be listened to, and what can be done to it. */
export const start = Effect.fnUntraced(function* (options: Options) {
  const ended = Deferred.makeUnsafe<End>()
  let told = false
  const process = yield* Effect.acquireRelease(
    Effect.try({
      try: () => {
        const log = fs.openSync(options.log, "a")
        const child = options.start(log)
        fs.closeSync(log)
        return child
      },
      catch: (cause) => new DemoFailed({ problem: `node ${options.name} could not be started`, cause })
    }),
    (child) =>
      Effect.suspend(() => {
        told = true
        child.kill("SIGKILL")
        return child.pid === undefined ? Effect.void : Effect.asVoid(Deferred.await(ended))
      })
  )
  const over = (end: End, problem: string, cause?: Error) => {
    if (!told) options.onDeath(new DemoFailed({ problem, ...(cause === undefined ? {} : { cause }) }))
    Deferred.doneUnsafe(ended, Effect.succeed(end))
  }
  process
    .on("exit", (code, signal) => {
      const end = { code, signal }
      over(end, `node ${options.name} ended by itself ${describe(end)}. The end of its log:\n${tail(options.log)}`)
    })
    // The process could not be made, or cannot be spoken to any more because it is ending.
    .on("error", (cause) => {
      if (process.pid === undefined) over({ code: 1, signal: null }, `node ${options.name} could not be started`, cause)
    })

  const signal = (signal: NodeJS.Signals) => {
    told ||= signal === "SIGKILL" || signal === "SIGTERM"
    process.kill(signal)
  }
  const child: Child = {
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    kill: Effect.suspend(() => {
      signal("SIGKILL")
      return Deferred.await(ended)
    }),
    stop: Effect.suspend(() => {
      signal("SIGTERM")
      return Effect.timeoutOrElse(Deferred.await(ended), {
        duration: options.stopWithin ?? "10 seconds",
        orElse: () => Effect.suspend(() => (signal("SIGKILL"), Deferred.await(ended)))
      })
    })
  }
  return { process, child }
})
