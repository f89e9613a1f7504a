/**
 * A Bitcoin node that others have written, as a process of its own in a folder of its own: started, killed, stopped, and
 * started again by tests, which read what it prints. It goes with the scope, by its own process id, and what it has printed is
 * kept in a file if the test failed.
 */
import { Deferred, Effect, Exit, Schema, type Scope } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { type Assignment, Report } from "./Assignment.ts"
import { Seen } from "./Seen.ts"

/** How long one may run, in milliseconds; no test takes as long. */
const limitMillis = 600_000

const guard = fileURLToPath(new URL("guard.ts", import.meta.url))
const decode = Schema.decodeUnknownSync(Report)

export interface Program {
  /** For people. */
  readonly name: string
  readonly program: string
  readonly args: (folder: string) => ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  /** A line that it prints once it answers. */
  readonly ready: RegExp
}

/** One run of the program. */
interface Run {
  readonly pid: number
  readonly ended: Deferred.Deferred<string>
}

export class NodeProcess {
  /** The lines that it has printed in all its runs. */
  readonly lines = new Seen<string>((line) => line)
  readonly #program: Program
  readonly #folder: string
  #run: Run | undefined
  #guard: ChildProcess | undefined

  private constructor(program: Program) {
    this.#program = program
    this.#folder = mkdtempSync(join(tmpdir(), `holdfast-${program.name}-`))
  }

  /** Starts it and waits until it answers; dies with what it has printed if it ends instead. */
  static start(program: Program): Effect.Effect<NodeProcess, never, Scope.Scope> {
    return Effect.gen(function* () {
      const node = yield* Effect.acquireRelease(
        Effect.sync(() => new NodeProcess(program)),
        (node, exit) => Effect.andThen(node.kill, node.#leave(exit))
      )
      yield* node.start
      return node
    })
  }

  /** Starts it again after `kill`, in the same folder. */
  readonly start: Effect.Effect<void> = Effect.suspend(() => {
    const { args, env, name, program, ready } = this.#program
    const assignment: Assignment = {
      program,
      args: args(this.#folder),
      cwd: this.#folder,
      // Whatever it keeps for its user goes there as well.
      env: { HOME: this.#folder, PATH: process.env["PATH"] ?? "", ...env },
      limitMillis
    }
    const place = this.lines.count
    const ended = Deferred.makeUnsafe<string>()
    const child = fork(guard, [JSON.stringify(assignment)], {
      detached: true,
      execArgv: [],
      stdio: ["ignore", "pipe", "pipe", "ipc"]
    })
    this.#guard = child
    this.#read(child)
    child.on("message", (message) => {
      const report = decode(message)
      if (report._tag === "Started") this.#run = { pid: report.pid, ended }
      else this.#over(ended, report.how)
    })
    child.once("exit", () => this.#over(ended, "its guard has ended"))
    const gone = Effect.flatMap(Deferred.await(ended), (how) =>
      Effect.die(new Error(`${name} ${how}:\n${this.lines.tail(40)}`))
    )
    return Effect.raceFirst(this.said(ready, place), gone)
  }).pipe(Effect.asVoid)

  /** SIGKILL, and the wait until it has ended. */
  readonly kill: Effect.Effect<void> = Effect.suspend(() => {
    const run = this.#run
    if (run === undefined) return Effect.void
    this.#signal("SIGKILL")
    return Effect.asVoid(Deferred.await(run.ended))
  })

  /** SIGSTOP: it stands still, and the system keeps its connections. */
  readonly freeze: Effect.Effect<void> = Effect.sync(() => this.#signal("SIGSTOP"))
  readonly thaw: Effect.Effect<void> = Effect.sync(() => this.#signal("SIGCONT"))

  /** The first line from this place on that matches. */
  said(pattern: RegExp, place = 0): Effect.Effect<string> {
    const { name } = this.#program
    return this.lines.until(
      `line of ${name} with ${pattern.source}`,
      (line) => (pattern.test(line) ? line : undefined),
      place
    )
  }

  #signal(name: NodeJS.Signals): void {
    try {
      if (this.#run !== undefined) process.kill(this.#run.pid, name)
    } catch {
      // It has ended, and its guard is about to say so.
    }
  }

  #over(ended: Deferred.Deferred<string>, how: string): void {
    if (Deferred.doneUnsafe(ended, Effect.succeed(how))) this.#run = undefined
  }

  #read({ stderr, stdout }: ChildProcess): void {
    for (const output of [stdout, stderr]) {
      if (output !== null) createInterface({ input: output }).on("line", (line) => this.lines.add(line))
    }
  }

  #leave(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      // Of a run that has not told its process id yet, its guard knows it.
      if (this.#guard?.connected === true) this.#guard.disconnect()
      rmSync(this.#folder, { recursive: true, force: true })
      if (Exit.isSuccess(exit)) return Effect.void
      const kept = join(tmpdir(), "holdfast-interop-failed")
      const file = join(kept, `${this.#program.name}-${process.pid}-${this.#folder.slice(-6)}.log`)
      mkdirSync(kept, { recursive: true })
      writeFileSync(file, this.lines.all.join("\n"))
      return Effect.logError("What the node printed is kept", file)
    })
  }
}
