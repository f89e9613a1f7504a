/**
 * A node of the demo as its parent sees it: a process that reports, and that can be killed, frozen and continued.
 *
 * Signals go to the process by its own id, and only while it lives. It ends with the scope, whatever happens.
 */
import { Deferred, Effect } from "effect"
import * as ChildProcess from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import * as Contract from "./Contract.ts"
import { DemoFailed } from "./DemoFailed.ts"

/** How a process ended. */
export interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ChildNode {
  readonly tell: (command: Contract.Command) => void
  readonly freeze: () => void
  readonly thaw: () => void
  /** SIGKILL, and waits for the end. */
  readonly kill: Effect.Effect<End>
  /** SIGTERM, and waits for the end, which SIGKILL brings after ten seconds. */
  readonly stop: Effect.Effect<End>
}

export interface Options {
  readonly name: string
  readonly start: Contract.Start
  readonly log: string
  readonly onReport: (report: Contract.Report) => void
  /** It ended without having been told to. */
  readonly onDeath: (error: DemoFailed) => void
}

/** The program of a node, with the extension that this module has: run from source or compiled. */
const program = fileURLToPath(new URL(`./node${path.extname(import.meta.url)}`, import.meta.url))

/** The last lines of a log, for the message about its process. */
const tail = (file: string): string => {
  const lines = fs.readFileSync(file, "utf8").trimEnd().split("\n")
  return lines
    .slice(-5)
    .map((line) => line.slice(0, 500))
    .join("\n")
}

const describe = ({ code, signal }: End): string => (signal === null ? `with code ${code}` : `by ${signal}`)

export const start = Effect.fnUntraced(function* (options: Options) {
  const ended = Deferred.makeUnsafe<End>()
  let told = false
  const child = yield* Effect.acquireRelease(
    Effect.try({
      try: () => {
        const log = fs.openSync(options.log, "a")
        const child = ChildProcess.fork(program, [], {
          env: { ...process.env, [Contract.variable]: Contract.encodeStart(options.start) },
          // A message that the demo sends to its terminal must not come from a node.
          stdio: ["ignore", log, log, "ipc"]
        })
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
  child
    .on("message", (message) => {
      const report = Contract.decodeReport(message)
      if (report._tag === "Some") options.onReport(report.value)
    })
    .on("exit", (code, signal) => {
      const end = { code, signal }
      over(end, `node ${options.name} ended by itself ${describe(end)}. The end of its log:\n${tail(options.log)}`)
    })
    // The process could not be made, or cannot be spoken to any more because it is ending.
    .on("error", (cause) => {
      if (child.pid === undefined) over({ code: 1, signal: null }, `node ${options.name} could not be started`, cause)
    })

  const signal = (signal: NodeJS.Signals) => {
    told ||= signal === "SIGKILL" || signal === "SIGTERM"
    child.kill(signal)
  }
  const node: ChildNode = {
    tell: (command) => void child.send(Contract.encodeCommand(command)),
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    kill: Effect.suspend(() => {
      signal("SIGKILL")
      return Deferred.await(ended)
    }),
    stop: Effect.suspend(() => {
      signal("SIGTERM")
      return Effect.timeoutOrElse(Deferred.await(ended), {
        duration: "10 seconds",
        orElse: () => Effect.suspend(() => (signal("SIGKILL"), Deferred.await(ended)))
      })
    })
  }
  return node
})
