/**
 * A program that runs one PostgreSQL cluster for a test run and ends it when the test run ends, however that happens.
 *
 * Started with an IPC channel by `PostgresServer.ts`. When the channel breaks, because the run is over or was killed,
 * it stops the server at once and deletes the cluster. It runs in a session of its own, so that a signal to the
 * process group of the tests does not take it along.
 */
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"

/** What the guard is started with, as JSON in its first argument. */
export interface Assignment {
  readonly program: string
  readonly args: ReadonlyArray<string>
  readonly user: { readonly uid: number; readonly gid: number } | undefined
  /** The cluster's folder, deleted at the end. */
  readonly folder: string
}

/** What it is asked to do; it answers each request once, in order. */
export type Request = "start" | "stop fast" | "stop immediate" | "kill"

/** `pid` is the server's, while it runs. */
export interface Answer {
  readonly error?: string
  readonly pid?: number
}

const assignment: Assignment = JSON.parse(process.argv[2] ?? "")
let server: ChildProcess | undefined
let ended: Promise<void> = Promise.resolve()

const start = (): Promise<Answer> =>
  new Promise((resolve) => {
    const child = spawn(assignment.program, assignment.args, {
      ...assignment.user,
      cwd: assignment.folder,
      env: { LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", "ignore", "pipe"]
    })
    server = child
    let log = ""
    child.stderr.on("data", (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-4000)
      if (log.includes("database system is ready to accept connections")) {
        resolve(child.pid === undefined ? {} : { pid: child.pid })
      }
    })
    ended = new Promise((done) => {
      const over = (reason: string) => {
        server = undefined
        resolve({ error: `PostgreSQL did not start (${reason}): ${log}` })
        done()
      }
      child.on("error", (error) => over(error.message))
      child.on("close", (code, signal) => over(`ended with ${code ?? signal}`))
    })
  })

/** The processes of the server, which would otherwise take a moment to notice that their parent is gone. */
const children = (pid: number): ReadonlyArray<number> => {
  try {
    return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number)
  } catch {
    return []
  }
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended by itself.
  }
}

const end = async (name: "SIGINT" | "SIGQUIT" | "SIGKILL"): Promise<Answer> => {
  const pid = server?.pid
  if (pid !== undefined) {
    const all = name === "SIGKILL" ? [pid, ...children(pid)] : [pid]
    for (const one of all) signal(one, name)
    const late = setTimeout(() => signal(pid, "SIGKILL"), 60_000)
    await ended
    clearTimeout(late)
  }
  return {}
}

const answer = (request: Request): Promise<Answer> => {
  switch (request) {
    case "start":
      return start()
    case "stop fast":
      return end("SIGINT")
    case "stop immediate":
      return end("SIGQUIT")
    case "kill":
      return end("SIGKILL")
  }
}

let queue: Promise<void> = Promise.resolve()
process.on("message", (request: Request) => {
  queue = queue.then(async () => {
    const result = await answer(request)
    if (process.connected) process.send?.(result)
  })
})

const leave = async (): Promise<void> => {
  await end("SIGQUIT")
  fs.rmSync(assignment.folder, { recursive: true, force: true })
  process.exit(0)
}
process.on("disconnect", leave)
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, leave)
