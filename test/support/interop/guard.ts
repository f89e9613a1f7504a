/**
 * A program that runs one other program for a test and kills it when the test ends, however that happens, and after its time in
 * any case: a node that stands still or does not stop is left to nobody. If it outlives the test, it deletes the folder as well.
 *
 * Started with an IPC channel by `NodeProcess.ts`, in a session of its own. What the program prints goes to this
 * one's own output.
 */
import { Schema } from "effect"
import { spawn } from "node:child_process"
import { rmSync } from "node:fs"
import { Assignment, type Report } from "./Assignment.ts"

const { args, cwd, env, limitMillis, program } = Schema.decodeUnknownSync(Schema.fromJsonString(Assignment))(
  process.argv[2]
)

const tell = (report: Report): void => {
  if (process.connected) process.send?.(report)
}

const child = spawn(program, [...args], { cwd, env: { ...env }, stdio: ["ignore", "inherit", "inherit"] })

let isAlone = false
const leave = (): void => {
  isAlone = true
  child.kill("SIGKILL")
}
process.on("disconnect", leave)
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, leave)
setTimeout(leave, limitMillis).unref()

child.once("spawn", () => tell({ _tag: "Started", pid: child.pid ?? 0 }))
child.once("error", ({ message }) => {
  tell({ _tag: "Ended", how: message })
  process.exit(1)
})
child.once("close", (code, signal) => {
  tell({ _tag: "Ended", how: `ended with ${code ?? signal}` })
  // Nobody else is there to do it.
  if (isAlone) rmSync(cwd, { recursive: true, force: true })
  process.exit(0)
})
