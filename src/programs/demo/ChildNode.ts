/**
 * A node of the demo as its parent sees it: a process that reports, and that can be killed, frozen and continued.
 */
import { Effect } from "effect"
import * as ChildProcess from "node:child_process"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import * as Child from "./Child.ts"
import * as Contract from "./Contract.ts"
import type { DemoFailed } from "./DemoFailed.ts"

export interface ChildNode extends Child.Child {
  readonly tell: (command: Contract.Command) => void
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

export const start = Effect.fnUntraced(function* ({ log, name, onDeath, onReport, start }: Options) {
  const started = yield* Child.start({
    name,
    log,
    onDeath,
    start: (log) =>
      ChildProcess.fork(program, [], {
        env: { ...process.env, [Contract.variable]: Contract.encodeStart(start) },
        // A message that the demo sends to its terminal must not come from a node.
        stdio: ["ignore", log, log, "ipc"]
      })
  })
  started.process.on("message", (message) => {
    const report = Contract.decodeReport(message)
    if (report._tag === "Some") onReport(report.value)
  })
  const node: ChildNode = {
    ...started.child,
    tell: (command) => void started.process.send(Contract.encodeCommand(command))
  }
  return node
})
