/**
 * `holdfast audit` at a site of the demo, as people give it: a process that prints what it finds.
 */
import { Effect } from "effect"
import * as ChildProcess from "node:child_process"
import type { Place } from "../Places.ts"
import type { Audited } from "./Facts.ts"
import type { Site } from "./Sites.ts"
import { environment, holdfast } from "./SiteProcess.ts"

/** Milliseconds that an audit may take. */
const patience = 120_000
/** Characters of its output that are shown, at most. */
const longest = 20_000

export const audit = (site: Site, { data }: Place): Effect.Effect<Audited> =>
  Effect.callback((resume) => {
    const options = { env: environment(undefined), timeout: patience, maxBuffer: 2 ** 26 }
    const child = ChildProcess.execFile(
      process.execPath,
      [holdfast, "audit", "--data", data],
      options,
      (_error, stdout, stderr) => {
        const text = [stdout.trim(), stderr.trim()].filter((part) => part !== "").join("\n")
        resume(Effect.succeed({ site, code: child.exitCode, text: text.slice(0, longest) }))
      }
    )
    return Effect.sync(() => void child.kill("SIGKILL"))
  })
