/**
 * `holdfast` as a process of its own: what it prints, line by line, and how it ends. Nothing here polls: a caller
 * waits for a line or for the end.
 */
import { Effect, Schema } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { files } from "../../src/programs/FolderFiles.ts"
import { NodeKey } from "../../src/protocol/NodeKey.ts"
import { bundled } from "../support/Bundled.ts"
import { copyTo } from "../support/EmbeddedDatabase.ts"

const sourceOf = (name: string): string => fileURLToPath(new URL(`../../src/programs/${name}.ts`, import.meta.url))
const bundle = await bundled("src/programs/cli.ts")

/** What runs these words: the sources where a scenario is loaded, which must share the modules of who loads it. */
const programs = {
  holdfast: (words: ReadonlyArray<string>): string => (words.includes("--scenario") ? sourceOf("cli") : bundle),
  "fault-proxy": (): string => sourceOf("fault-proxy")
}

export interface End {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Variables of the one who runs the tests must not reach the programs under test. */
const environment = (more: Readonly<Record<string, string>>): NodeJS.ProcessEnv => {
  const kept = Object.entries(process.env).filter(([name]) => !/^(HOLDFAST_|DATABASE_URL$|npm_lifecycle)/.test(name))
  return { ...Object.fromEntries(kept), NO_COLOR: "1", ...more }
}

interface Waiter {
  readonly matches: (line: string) => boolean
  readonly resolve: (line: string) => void
  readonly reject: (error: Error) => void
}

/** A process that runs. `line` finds each line of its standard output once, in order. */
export class HoldfastProcess {
  readonly ended: Promise<End>
  readonly #child: ChildProcess
  #stdout = ""
  #stderr = ""
  #rest = ""
  #lines: Array<string> = []
  #waiters: Array<Waiter> = []
  #over = false

  /** `flags` are Node's own. */
  constructor(
    args: ReadonlyArray<string>,
    env: Readonly<Record<string, string>> = {},
    program: keyof typeof programs = "holdfast",
    flags: ReadonlyArray<string> = []
  ) {
    this.#child = spawn(process.execPath, [...flags, programs[program](args), ...args], {
      env: environment(env),
      stdio: ["ignore", "pipe", "pipe"]
    })
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#read(text))
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#stderr += text))
    this.ended = new Promise((resolve) => {
      this.#child.on("close", (code) => {
        this.#over = true
        for (const waiter of this.#waiters) waiter.reject(this.#gone(code))
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr })
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  #gone(code: number | null): Error {
    return new Error(`the process ended with ${code} first\n${this.#stdout}\n${this.#stderr}`)
  }

  #read(text: string): void {
    this.#stdout += text
    const lines = (this.#rest + text).split("\n")
    this.#rest = lines.pop() ?? ""
    this.#lines.push(...lines)
    this.#serve()
  }

  #serve(): void {
    const [waiter] = this.#waiters
    if (waiter === undefined) return
    while (this.#lines.length > 0) {
      const line = this.#lines.shift() ?? ""
      if (!waiter.matches(line)) continue
      this.#waiters.shift()
      waiter.resolve(line)
      return this.#serve()
    }
  }

  /** The next line that contains a text. */
  line(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ matches: (line) => line.includes(text), resolve, reject })
      this.#serve()
      if (this.#over && this.#waiters.length > 0) reject(this.#gone(this.#child.exitCode))
    })
  }

  /** Resolves when its standard error output contains a text. */
  said(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.#stderr.includes(text)) resolve()
      }
      this.#child.stderr?.on("data", look)
      look()
      void this.ended.then(({ code }) => reject(this.#gone(code)))
    })
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Ends it, in good order if it can, and waits. */
  async stop(): Promise<End> {
    if (!this.#over) this.signal("SIGTERM")
    const late = setTimeout(() => this.signal("SIGKILL"), 60_000)
    const end = await this.ended
    clearTimeout(late)
    return end
  }
}

/** What Node is told where a life is short: most of it would go into optimising the embedded database. */
const shortLife = ["--liftoff-only"]

/** Runs a command to its end. */
export const holdfast = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}): Promise<End> =>
  new HoldfastProcess(args, env, "holdfast", shortLife).ended

export interface ReadyNode extends Ready {
  readonly process: HoldfastProcess
}

/** What `start --json` prints first. */
const Ready = Schema.Struct({ node: NodeKey, address: Schema.String, data: Schema.String, api: Schema.String })
interface Ready extends Schema.Schema.Type<typeof Ready> {}
const readyIn = Schema.decodeUnknownSync(Schema.fromJsonString(Ready))

/** Waits until a process says that its node is ready. */
export const readyNode = async (process: HoldfastProcess): Promise<ReadyNode> => ({
  process,
  ...readyIn(await process.line('"node"'))
})

/** A data folder, with an empty database if it had none, which takes a fraction of what making it there would. */
export const withDatabase = async (data: string): Promise<string> => {
  if (existsSync(join(data, files.database))) return data
  await mkdir(data, { recursive: true, mode: 0o700 })
  await Effect.runPromise(copyTo(join(data, files.database)))
  return data
}

/** Starts a node in a folder and waits until it says that it is ready. */
export const startNode = async (data: string, args: ReadonlyArray<string> = []): Promise<ReadyNode> => {
  await withDatabase(data)
  const words = ["start", "--data", data, "--json", "--heartbeat", "fast", ...args]
  return readyNode(new HoldfastProcess(words, {}, "holdfast", shortLife))
}

/** A folder that goes away with the test file. */
export const temporaryFolder = async (): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> => {
  const path = await mkdtemp(join(tmpdir(), "holdfast-programs-"))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
